import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { defineConfig } from 'prisma/config'

// Gantry never runs Prisma's engine binaries: queries go through the pg adapter and migrations through the engine's
// WebAssembly build (docs/adr/0003). Naming any existing file stops `prisma generate` from trying to download one.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= fileURLToPath(import.meta.url)

export default defineConfig({
  schema: path.join(import.meta.dirname, 'prisma/schema.prisma'),
  migrations: { path: path.join(import.meta.dirname, 'prisma/migrations') },
})
