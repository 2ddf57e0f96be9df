import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: ['src/index.ts', 'src/node.ts'],
  format: 'esm',
  // Only the entry `node` uses Node; without this its built-in modules are looked for on disk.
  platform: 'neutral',
  target: 'es2022',
  dts: true,
  sourcemap: true,
  // From the domain's schemas only texts come along, never the validator behind them.
  deps: { alwaysBundle: ['@gantry/schemas'], onlyBundle: ['@gantry/schemas'], neverBundle: [/^node:/] },
  inputOptions: { resolve: { conditionNames: ['gantry-source', 'import'] } },
})
