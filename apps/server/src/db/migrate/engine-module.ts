import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'

import type * as EngineGlue from '@prisma/schema-engine-wasm/schema_engine_bg'

export type EngineModule = Pick<typeof EngineGlue, 'SchemaEngine'>

/** The few words of WebAssembly's interface that are needed; Node.js's own types leave it out. */
interface WebAssemblyApi {
  compile(bytes: Uint8Array): Promise<object>
  instantiate(compiled: object, imports: Record<string, object>): Promise<{ exports: { __wbindgen_start(): void } }>
}

const GLUE = '@prisma/schema-engine-wasm/schema_engine_bg'

/** The glue module caches the memory of the instance it serves, so a process can load the engine once only. */
let loaded: Promise<EngineModule> | undefined

export function loadEngineModule(): Promise<EngineModule> {
  return (loaded ??= load())
}

/** By hand, because the package's own entry imports the .wasm file, which Node.js 20 does not without a flag. */
async function load(): Promise<EngineModule> {
  installPanicRegistry()
  const glue = await import('@prisma/schema-engine-wasm/schema_engine_bg')
  const file = path.join(path.dirname(createRequire(import.meta.url).resolve(GLUE)), 'schema_engine_bg.wasm')
  const wasm = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly
  const compiled = await wasm.compile(await readFile(file))
  const instance = await wasm.instantiate(compiled, { './schema_engine_bg.js': { ...glue } })
  glue.__wbg_set_wasm(instance.exports)
  instance.exports.__wbindgen_start()
  return glue
}

/** Where the engine leaves the reason of a panic; without it every panic reads "undefined.set_message". */
function installPanicRegistry(): void {
  const registry = {
    message: '',
    set_message(message: string) {
      this.message = message
    },
  }
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: registry })
}
