import { asAdmin, request, type Attack } from './attack.js'

const stream = (procedure: string, input: string, lastEventId = '') =>
  `/trpc/${procedure}?input=${encodeURIComponent(input)}${lastEventId}`

const asStream = ['Accept: text/event-stream']

export const STREAMS: Attack[] = [
  ['a stream of nobody', () => request('/trpc/printers.onStatus', { headers: asStream }), '200 UNAUTHENTICATED'],
  [
    'a stream from a cursor beyond all numbers',
    (lab) => asAdmin(lab, '/trpc/printJobs.onChange', { headers: [...asStream, `Last-Event-ID: ${'9'.repeat(400)}`] }),
    '200 VALIDATION_FAILED',
  ],
  [
    'a stream from a cursor that is a list',
    (lab) => asAdmin(lab, stream('printJobs.onChange', '{"json":{"lastEventId":[1]}}'), { headers: asStream }),
    '200 VALIDATION_FAILED',
  ],
  [
    'a stream by POST',
    (lab) =>
      asAdmin(lab, '/trpc/printers.onStatus', {
        method: 'POST',
        headers: ['Content-Type: application/json', 'Content-Length: 2'],
        body: '{}',
      }),
    '200 METHOD_NOT_ALLOWED',
  ],
]
