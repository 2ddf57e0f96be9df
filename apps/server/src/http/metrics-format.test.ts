import { expect, it } from 'vitest'

import { metricsFormatFor } from './metrics-format.js'

const PROMETHEUS_2 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'

it.each([
  [PROMETHEUS_2, 'openmetrics'],
  [PROMETHEUS_3, 'openmetrics'],
  ['Application/OpenMetrics-Text', 'openmetrics'],
  ['application/openmetrics-text; q=0.1, */*', 'openmetrics'],
  ['text/plain;version=0.0.4;q=0.9, application/openmetrics-text;q=0.5', 'prometheus'],
  ['application/openmetrics-text;q=0', 'prometheus'],
  ['text/html,*/*', 'prometheus'],
  ['', 'prometheus'],
  [undefined, 'prometheus'],
])('whoever accepts %s gets %s', (accept, format) => {
  expect(metricsFormatFor(accept)).toBe(format)
})
