import { defineConfig } from 'vitest/config'

// Vitest hands these to node as --conditions, for `require` too: 'import' or 'module' here would break CommonJS packages.
const conditions = ['gantry-source', 'node']

/** The simulation of printing: more rooms than by default, other ones, or one room of an earlier search. */
const simulation = {
  runs: Number(process.env['SIMULATION_RUNS'] ?? 200),
  seed: Number(process.env['SIMULATION_SEED'] ?? 20_261_126),
  path: process.env['SIMULATION_PATH'] ?? null,
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    provide: { simulation },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Most tests wait for hosts and databases; with one file at a time, as two cores would get, both stood idle, and with
    // two they still had time.
    maxWorkers: 3,
    // Nothing is mocked and nothing is kept in modules: files of one worker share what they import, which took longer than
    // most of them run.
    isolate: false,
    // The default second is too short for a machine with much else to do.
    expect: { poll: { timeout: 10_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            ...['packages/*/src/**/*.test.ts', 'tools/**/*.test.ts'],
            'apps/server/{bench,faults}/**/*.test.ts',
          ],
        },
      },
      {
        extends: true,
        test: {
          name: 'server',
          include: [
            'apps/server/src/**/*.test.ts',
            'apps/server/test/{printing,database,api,sdk,browser}/**/*.test.ts',
          ],
          globalSetup: ['apps/server/test/global-setup.ts'],
        },
      },
    ],
  },
})
