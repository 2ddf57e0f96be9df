import type { CallerRepository, LiveApiKey } from '../modules/auth/callers.ports.js'
import { Prisma } from './generated/client.js'
import { knownPermissions } from './known-permissions.js'
import type { QuickRead } from './quick-reads.js'
import { RIGHTS, rightsOf, WITH_RIGHTS, type RightsRow } from './user-rights.js'

interface KeyRow extends RightsRow {
  id: string
  secretHash: string
  scopes: string[]
  keyPrinterGroupIds: string[]
  keyProjectIds: string[]
  expiresAt: Date | null
}

/** Each is one statement, whatever the caller may. */
export class QuickCallerRepository implements CallerRepository {
  constructor(private readonly read: QuickRead) {}

  async findLiveSession(sessionId: string) {
    const [row] = await this.read<RightsRow>(
      'findLiveSession',
      Prisma.sql`
      SELECT ${RIGHTS} FROM session s JOIN app_user u ON u.id = s.user_id ${WITH_RIGHTS}
      WHERE s.id = ${sessionId} AND s.revoked_at IS NULL AND s.expires_at > now() AND u.disabled_at IS NULL`,
    )
    return row === undefined ? null : rightsOf(row)
  }

  async findLiveKey(keyId: string): Promise<LiveApiKey | null> {
    const [row] = await this.read<KeyRow>(
      'findLiveKey',
      Prisma.sql`
      SELECT k.id, k.secret_hash AS "secretHash", coalesce(k.scopes, '{}') AS scopes,
        coalesce(k.printer_group_ids, '{}') AS "keyPrinterGroupIds",
        coalesce(k.project_ids, '{}') AS "keyProjectIds", k.expires_at AS "expiresAt", ${RIGHTS}
      FROM api_key k JOIN app_user u ON u.id = k.user_id ${WITH_RIGHTS}
      WHERE k.id = ${keyId} AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
        AND u.disabled_at IS NULL`,
    )
    if (row === undefined) return null
    const { id, secretHash, scopes, keyPrinterGroupIds, keyProjectIds, expiresAt } = row
    const places = { printerGroupIds: keyPrinterGroupIds, projectIds: keyProjectIds }
    return { id, secretHash, scopes: knownPermissions(scopes), ...places, expiresAt, user: rightsOf(row) }
  }
}
