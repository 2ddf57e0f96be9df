import { GantryError } from '../../kernel/errors.js'
import type { NotGcodeReason } from './gcode/gcode-scanner.js'

export const notGcode = (reason: NotGcodeReason): GantryError => new GantryError('NOT_GCODE', { params: { reason } })
