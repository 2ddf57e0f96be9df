/** Loaded before an instance's own code: its wall clock is an hour ahead. */
import { shiftClock } from './shift-clock.js'

shiftClock(3_600_000)
