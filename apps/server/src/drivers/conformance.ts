import { afterAll, afterEach, beforeAll, describe } from 'vitest'

import { describeConnecting } from './conformance/connecting.js'
import { describeFaults } from './conformance/faults.js'
import { describeFiles } from './conformance/files.js'
import type { ConformanceHarness } from './conformance/harness.js'
import { describePrinting } from './conformance/printing.js'
import { Bench } from './conformance/bench.js'

export { heatingSample, movesSample } from './conformance/harness.js'
export type { ConformanceFeature, ConformanceHarness, ConformancePace, HostUnderTest } from './conformance/harness.js'

/**
 * The one suite that every driver must pass, against virtual and real hosts alike. Tests run one after the other on one
 * host, through a proxy that injects the faults.
 *
 * @example
 * describeDriverConformance('OctoPrint on the virtual host', { start: startVirtualOctoPrint })
 */
export const describeDriverConformance = (name: string, harness: ConformanceHarness): void => {
  describe(`${name} conforms to the driver port`, () => {
    const bench = new Bench(harness)
    beforeAll(() => bench.start())
    afterEach(() => bench.settle())
    afterAll(() => bench.stop())
    describeConnecting(bench)
    describeFiles(bench)
    describePrinting(bench)
    describeFaults(bench)
  })
}
