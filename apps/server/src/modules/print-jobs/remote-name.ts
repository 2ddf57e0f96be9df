import { randomInt } from 'node:crypto'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Ten characters that no earlier name had; guessed by nobody, but not a secret. */
const random10 = () => Array.from({ length: 10 }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('')

/**
 * The name under which an attempt's file lies on the host: `g<job8>-<n>-<rand10>.gcode`, never used before, so that the
 * name alone tells the attempt. `[a-z0-9.-]` and short, so that no host changes it.
 */
export const newRemoteName = (jobId: string, copyNumber: number): string =>
  `g${jobId.replace(/[^a-z0-9]/g, '').slice(-8)}-${copyNumber}-${random10()}.gcode`
