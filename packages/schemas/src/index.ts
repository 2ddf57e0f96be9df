export * from './ids.js'
export * from './pagination.js'
export * from './printers.js'
export * from './reasons.js'
