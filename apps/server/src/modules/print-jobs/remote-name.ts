import { randomInt } from 'node:crypto'

import type { FileFormat } from '@gantry/schemas'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Ten characters that no earlier name had; guessed by nobody, but not a secret. */
const random10 = () => Array.from({ length: 10 }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('')

/**
 * The name under which an attempt's file lies on the host: `g<job8>-<n>-<rand10>.<format>`, never used before, so that the
 * name alone tells the attempt. `[a-z0-9.-]` and short, so that no host changes it.
 */
export const newRemoteName = (jobId: string, copyNumber: number, format: FileFormat = 'gcode'): string =>
  `g${jobId.replace(/[^a-z0-9]/g, '').slice(-8)}-${copyNumber}-${random10()}.${format}`

const OURS = /^g[a-z0-9]{8}-\d+-[a-z0-9]{10}\.(gcode|3mf)$/

/** A file's own name, whatever folder the host put it in. */
export const nameOf = (path: string): string => path.split('/').at(-1) ?? path

/** Whether a file on a host can be one of ours, by its name. */
export const isOurRemoteName = (path: string): boolean => OURS.test(nameOf(path))
