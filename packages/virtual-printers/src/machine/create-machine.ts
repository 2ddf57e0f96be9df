import type { Clock } from './clock.js'
import { PrinterMachine } from './printer-machine.js'
import type { MachineOptions, VirtualMachine } from './machine.types.js'
import type { Scheduler } from './scheduler.js'

/** A printer at rest: bed clear, 22 °C, nothing homed. */
export function createMachine(options: MachineOptions, clock: Clock, scheduler: Scheduler): VirtualMachine {
  return new PrinterMachine(options, clock, scheduler)
}
