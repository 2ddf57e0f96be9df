import { defineConfig } from 'vitest/config'

// Vitest hands these to node, for `require` too: 'import' or 'module' here would break CommonJS packages.
const conditions = ['gantry-source', 'node']

/** The tests against real hosts; slower than the others and in need of Python, so they run apart. */
export default defineConfig({
  root: import.meta.dirname,
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    name: 'hosts',
    include: ['**/*.test.ts'],
    globalSetup: ['global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
})
