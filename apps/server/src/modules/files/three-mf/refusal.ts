import type { NotThreeMfReason } from '@gantry/schemas'

import { GantryError } from '../../../kernel/errors.js'

/** @param detail for the log alone: what exactly, in whose words ever */
export const refused = (reason: NotThreeMfReason, detail?: string, cause?: unknown): GantryError =>
  new GantryError('NOT_3MF', {
    params: { reason },
    ...(detail === undefined ? {} : { detail: `the archive is refused (${reason}): ${detail}` }),
    cause,
  })
