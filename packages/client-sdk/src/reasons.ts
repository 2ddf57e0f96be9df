import { reasonText as textOf } from '@gantry/schemas'

import type { Reason } from './generated/router.js'

/** The English sentence for a reason: why something waits, was refused or needs a person. */
export const reasonText = (reason: Reason): string => (textOf as (reason: Reason) => string)(reason)
