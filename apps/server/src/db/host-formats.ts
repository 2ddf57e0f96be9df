import type { FileFormat } from '@gantry/schemas'

/**
 * What a host prints, by what its driver can do. Before the first connection that is g-code alone: unknown is not equal.
 * @param capabilities as they were stored
 */
export const formatsIn = (capabilities: unknown): FileFormat[] =>
  Array.isArray(capabilities) && capabilities.includes('3mf') ? ['gcode', '3mf'] : ['gcode']
