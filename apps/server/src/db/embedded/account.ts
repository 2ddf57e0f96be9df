import { stat } from 'node:fs/promises'
import path from 'node:path'

import { EmbeddedPostgresError, isSystemError } from './errors.js'
import { runProgram, type Launch } from './run-program.js'

const ACCOUNT_NAME = 'postgres'
const SETPRIV = '/usr/bin/setpriv'
const COMMAND_TIMEOUT_SECONDS = 20

/** The user that runs PostgreSQL, which refuses to run as root. */
export interface PostgresAccount {
  /** Null when it is our own user. */
  owner: { uid: number; gid: number } | null
  launch(command: string, args: string[]): Launch
}

/**
 * Chooses the account: our own user, or as root the owner of an existing cluster, or the system's `postgres` user, which
 * is created when there is none.
 * @param paths - what the account must be able to reach: the cluster's folder and the programs
 * @throws EmbeddedPostgresError `account_unavailable`, `directory_unreachable`
 */
export async function chooseAccount(cluster: string, paths: string[]): Promise<PostgresAccount> {
  if (process.getuid?.() !== 0) return { owner: null, launch: (command, args) => ({ command, args }) }
  const owner = (await ownerOf(cluster)) ?? (await systemAccount()) ?? (await createSystemAccount())
  for (const file of paths) {
    const blocked = await firstBlockedFolder(file, owner)
    if (blocked !== null) return await accountThatMayPass(owner, blocked)
  }
  return { owner, launch: (command, args) => ({ command, args, ...owner }) }
}

async function ownerOf(cluster: string): Promise<{ uid: number; gid: number } | null> {
  try {
    const { uid, gid } = await stat(cluster)
    return uid === 0 ? null : { uid, gid }
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return null
    throw error
  }
}

async function systemAccount(): Promise<{ uid: number; gid: number } | null> {
  const [uid, gid] = [await numericId('-u'), await numericId('-g')]
  return uid === null || gid === null ? null : { uid, gid }
}

async function numericId(flag: '-u' | '-g'): Promise<number | null> {
  const { exitCode, output } = await runCommand('id', [flag, ACCOUNT_NAME])
  return exitCode === 0 ? Number.parseInt(output, 10) : null
}

async function createSystemAccount(): Promise<{ uid: number; gid: number }> {
  const args = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', ACCOUNT_NAME]
  const { output } = await runCommand('useradd', args)
  const account = await systemAccount()
  if (account !== null) return account
  throw new EmbeddedPostgresError(
    'account_unavailable',
    `PostgreSQL does not run as root and the user "${ACCOUNT_NAME}" could not be created (${output.trim()}). ` +
      'Run Gantry as an ordinary user, or set DATABASE_URL.',
  )
}

async function runCommand(command: string, args: string[]): Promise<{ exitCode: number | null; output: string }> {
  try {
    return await runProgram({ command, args }, { timeoutSeconds: COMMAND_TIMEOUT_SECONDS })
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES')) return { exitCode: null, output: error.message }
    throw error
  }
}

/** The topmost folder on the way to `file` that the account may not pass; null when the way is free. */
export async function firstBlockedFolder(file: string, account: { uid: number; gid: number }): Promise<string | null> {
  const folders: string[] = []
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    folders.unshift(folder)
    if (folder === path.dirname(folder)) break
  }
  for (const folder of folders) {
    const { mode, uid, gid } = await stat(folder)
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return folder
  }
  return null
}

/**
 * A checkout in /root or in a temporary folder is closed to other users. Rather than open root's folders to everybody
 * or keep the data elsewhere, the server gets the one capability to pass closed folders; containers often lack it but
 * have the wider one.
 */
async function accountThatMayPass(owner: { uid: number; gid: number }, blocked: string): Promise<PostgresAccount> {
  for (const capability of ['+dac_read_search', '+dac_override']) {
    const ids = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups']
    const options = [...ids, `--inh-caps=${capability}`, `--ambient-caps=${capability}`, '--']
    const { exitCode } = await runCommand(SETPRIV, [...options, 'true'])
    if (exitCode !== 0) continue
    return { owner, launch: (command, args) => ({ command: SETPRIV, args: [...options, command, ...args] }) }
  }
  throw new EmbeddedPostgresError(
    'directory_unreachable',
    `PostgreSQL runs as user id ${owner.uid}, which may not enter ${blocked}. Run Gantry as an ordinary user, ` +
      `move it out of that folder, or allow passing with "chmod o+x ${blocked}".`,
  )
}
