import { reasonText, type Reason, type ToldReason } from '@gantry/schemas'

/** A reason with its English sentence, which is derived and never stored. */
export const told = (reason: Reason): ToldReason => ({ ...reason, text: reasonText(reason) })
