import { readFile } from 'node:fs/promises'

/** The file, read when it is first asked for: all answers send the same bytes. @throws the system's error, each time anew */
export const keptFile = (path: string): (() => Promise<Buffer>) => {
  let kept: Promise<Buffer> | null = null
  const read = async () => {
    try {
      return await readFile(path)
    } catch (error) {
      kept = null
      throw error
    }
  }
  return () => (kept ??= read())
}
