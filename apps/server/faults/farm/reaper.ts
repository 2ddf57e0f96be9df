/**
 * Runs beside the bench and outlives it for a moment: when its standard input ends, because the bench is done or was
 * killed, it ends every process group and database that it was told of, and removes the bench's folder.
 */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const [folder] = process.argv.slice(2)
const groups = new Set<number>()
const clusters = new Set<string>()

const end = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/** The server's own processes end when their parent does; killed hard, it would leave them to notice that. */
const endCluster = (cluster: string): void => {
  try {
    const [pid] = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')
    process.kill(Number(pid), 'SIGQUIT')
  } catch {
    // It was stopped in order, which removes the file.
  }
}

// The bench is interrupted from the terminal, not its reaper.
process.on('SIGINT', () => undefined).on('SIGTERM', () => undefined)
const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const [word, value = ''] = line.split(' ')
  if (word === 'group') groups.add(Number(value))
  if (word === 'gone') groups.delete(Number(value))
  if (word === 'cluster') clusters.add(value)
})
lines.once('close', () => {
  for (const group of groups) end(-group)
  for (const cluster of clusters) endCluster(cluster)
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
})
