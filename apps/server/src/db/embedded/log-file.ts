import { copyFile, open, stat, truncate } from 'node:fs/promises'

import { isSystemError } from './errors.js'

const LARGEST_LOG_BYTES = 8 * 1024 * 1024

/**
 * Keeps the log bounded: beyond 8 MiB its content moves to `<file>.1`. The server appends, so the file may be emptied
 * while it writes.
 */
export async function boundLog(file: string): Promise<void> {
  if ((await logSizeBytes(file)) <= LARGEST_LOG_BYTES) return
  await copyFile(file, `${file}.1`)
  await truncate(file)
}

export async function logSizeBytes(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return 0
    throw error
  }
}

/** What was written since the file had `fromBytes`, at most its last 4 kB. */
export async function readLogSince(file: string, fromBytes: number): Promise<string> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    const start = Math.max(fromBytes, size - 4096)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.max(0, size - start)), { position: start })
    return buffer.subarray(0, bytesRead).toString('utf8').trim()
  } finally {
    await handle.close()
  }
}
