import { loadSecrets } from '../adapters/secrets/load-secrets.js'
import type { Config } from '../config/config.js'
import { createDatabase } from '../db/client.js'
import { startEmbeddedPostgres } from '../db/embedded/embedded-postgres.js'
import { acceptEnd } from '../modules/audit/end-of-chain.js'
import { Seals } from '../modules/audit/seals.js'
import { verifyChain, type Anchor, type BreakKind, type Verdict } from '../modules/audit/verify-chain.js'
import { createLogger } from '../observability/logger.js'
import { openAuditChain, type AuditChain } from './audit-chain.js'

const USAGE = `Usage: npm run audit:verify [-- SEQ:HASH | --accept SEQ:HASH]
  SEQ:HASH            an end of the log as an earlier run named it: the log must still contain it
  --accept SEQ:HASH   vouch for this end, and whatever is before it, although it is under a key that is not known here`

const WHAT: Readonly<Record<BreakKind, string>> = {
  changed: 'is not what was sealed: it was changed, or another one stands in its place',
  missing: 'is missing: it was removed, or took another place',
  forged: 'was not written by the server: its seal is wrong',
  behind_end: 'stands behind the last one that the server wrote',
  cut_off: 'is missing, and all behind it: the end of the log was cut off',
  end_forged: 'is not the end that the server wrote',
  beginning_forged: 'is not where the server let the log begin',
  not_anchored: 'is not the one that was noted',
  unknown_key: 'is under a key that is not known here: nothing vouches for it',
}

export interface AuditVerifyCommand {
  /** The words after the program's name. */
  arguments: readonly string[]
  config: Pick<Config, 'auth' | 'database' | 'dataDir'>
  print: (line: string) => void
}

/**
 * Verifies the audit log.
 * @returns the exit code: 0 when all is right, 1 when something is not, 2 for what cannot be understood
 */
export const runAuditVerify = async ({ arguments: words, config, print }: AuditVerifyCommand): Promise<number> => {
  const order = orderOf(words)
  if (order === null) {
    print(USAGE)
    return 2
  }
  return withDatabase(config, async (url) => {
    const { dataDir, auth, database } = config
    const { auditKeys } = await loadSecrets({ dataDir, ...auth })
    const log = createLogger({ level: 'silent' })
    const { timeoutMs } = database
    const opened = createDatabase({ url, poolSize: 1, timeoutMs, log, applicationName: 'gantry audit' })
    try {
      const chain = openAuditChain(opened)
      const seals = new Seals(auditKeys)
      if (order.accepts && !(await accept(chain, seals, order.anchor, print))) return 1
      const verdict = await verifyChain({ ...chain, seals, anchor: order.anchor })
      linesOf(verdict).forEach(print)
      return verdict.broken === null ? 0 : 1
    } finally {
      await opened.close()
    }
  })
}

/** Nothing but the unknown key may speak against it. */
const accept = async (
  { audit, unitOfWork }: AuditChain,
  seals: Seals,
  end: Anchor,
  print: (line: string) => void,
): Promise<boolean> => {
  const verdict = await verifyChain({ audit, seals, anchor: end, anyKey: true })
  const { broken, otherKeys, head } = verdict
  const keyIds = otherKeys.map(({ keyId }) => keyId)
  if (broken === null && head.seq === end.seq && (await acceptEnd(unitOfWork, seals, end, keyIds))) return true
  linesOf(verdict).forEach(print)
  print('Nothing was accepted: the log is broken, or ends elsewhere.')
  return false
}

type Order = { accepts: false; anchor: Anchor | null } | { accepts: true; anchor: Anchor }

/** Null for what cannot be understood. */
const orderOf = (words: readonly string[]): Order | null => {
  const [first, second, ...more] = words
  if (more.length > 0) return null
  if (first === undefined) return { accepts: false, anchor: null }
  const accepts = first === '--accept'
  if (!accepts && second !== undefined) return null
  const anchor = anchorOf((accepts ? second : first) ?? '')
  return anchor === 'unreadable' ? null : { accepts, anchor }
}

const anchorOf = (text: string): Anchor | 'unreadable' => {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? []
  return seq === undefined || hash === undefined ? 'unreadable' : { seq: Number(seq), hash }
}

const linesOf = ({ entries, base, head, otherKeys, broken }: Verdict): string[] => [
  broken === null
    ? `The audit log is as it was sealed: ${entries} entries.`
    : `The audit log is BROKEN: entry ${broken.seq} ${WHAT[broken.kind]}. ${entries} entries before it are right.`,
  ...(base.seq > 0 ? [`Entries up to ${base.seq} were removed for their age.`] : []),
  ...otherKeys.map(({ keyId, first, last }) => `Sealed by an earlier key ${keyId}: entries ${first} to ${last}.`),
  `Its end, to be kept elsewhere: ${head.seq}:${head.hash}`,
]

/** A server, or the embedded one, which is started if it does not run. */
const withDatabase = async <T>(
  { database: { url }, dataDir }: AuditVerifyCommand['config'],
  work: (url: string) => Promise<T>,
): Promise<T> => {
  if (url !== null) return work(url)
  const embedded = await startEmbeddedPostgres({ dataDir, log: { info: () => undefined } })
  try {
    return await work(embedded.url)
  } finally {
    await embedded.stop()
  }
}
