import {
  createGantryClient,
  isGantryApiError,
  reasonText,
  type ApiErrorCode,
  type AppRouter,
  type ErrorCode,
  type GantryApiError,
  type GantryClient,
  type GantryInputs,
  type GantryOutputs,
  type Printer,
  type PrinterStatusEvent,
  type PrintFile,
  type PrintJob,
  type PrintJobEvent,
  type Reason,
} from '@gantry/client'
import { fileAt, type UploadFile } from '@gantry/client/node'
import { expectTypeOf } from 'expect-type'

const gantry = createGantryClient({ url: 'https://gantry.example' })
expectTypeOf(gantry).toEqualTypeOf<GantryClient>()

// Calls: inputs, outputs, and what may be left out.
expectTypeOf(gantry.printers.list()).resolves.toEqualTypeOf<{ items: Printer[]; nextCursor: string | null }>()
expectTypeOf(gantry.printers.get({ id: 'x' })).resolves.toEqualTypeOf<Printer>()
expectTypeOf(gantry.printJobs.submit).parameter(0).toEqualTypeOf<GantryInputs['printJobs']['submit']>()
expectTypeOf(gantry.printers.remove({ id: 'x' })).resolves.toBeVoid()
expectTypeOf<GantryOutputs['printJobs']['list']['items'][number]>().toEqualTypeOf<PrintJob>()
expectTypeOf<Printer['createdAt']>().toEqualTypeOf<Date>()
expectTypeOf<GantryInputs['projects']['create']['dueAt']>().toEqualTypeOf<Date | undefined>()
expectTypeOf<GantryOutputs['alarms']['list']>().not.toBeAny()
// @ts-expect-error -- an id is required
void gantry.printers.get()
// @ts-expect-error -- no such kind of host
void gantry.printers.create({ name: 'x', kind: 'teapot', url: 'http://10.0.0.1' })
// @ts-expect-error -- no such field
void gantry.printers.list({ limt: 5 })
expectTypeOf(gantry.auth).not.toHaveProperty('refresh')
// @ts-expect-error -- no such procedure
expectTypeOf(gantry.printers.explode).toBeFunction()

// Streams.
const stop = gantry.printers.onStatus({ onData: (event) => expectTypeOf(event).toEqualTypeOf<PrinterStatusEvent>() })
expectTypeOf(stop).toEqualTypeOf<() => void>()
gantry.printJobs.onChange({
  onData: (event, cursor) => {
    expectTypeOf(event).toEqualTypeOf<PrintJobEvent>()
    expectTypeOf(cursor).toEqualTypeOf<string | null>()
  },
  onError: (error) => expectTypeOf(error).toEqualTypeOf<GantryApiError>(),
})
gantry.printJobs.onChange({ lastEventId: '7' }, { onData: () => undefined })
expectTypeOf(gantry.alarms.onChange.iterate()).toExtend<AsyncIterable<GantryOutputs['alarms']['onChange']>>()
// @ts-expect-error -- a stream needs somebody who listens
gantry.printers.onStatus()

// Files.
expectTypeOf(gantry.files.upload(new Uint8Array(), { name: 'a.gcode' })).resolves.toEqualTypeOf<PrintFile>()
expectTypeOf(fileAt('a.gcode')).resolves.toEqualTypeOf<UploadFile>()
expectTypeOf<PrintFile['latest']['metadata']['layerCount']>().toEqualTypeOf<number | null>()

// Errors and reasons.
export const explain = (error: unknown): string => {
  if (isGantryApiError(error, 'PRINTER_UNREACHABLE')) {
    expectTypeOf(error.code).toEqualTypeOf<'PRINTER_UNREACHABLE'>()
    return error.message
  }
  if (isGantryApiError(error)) expectTypeOf(error.code).toEqualTypeOf<ApiErrorCode>()
  // @ts-expect-error -- no such code
  return isGantryApiError(error, 'NO_SUCH_CODE') ? 'never' : 'something else'
}
expectTypeOf<ErrorCode>().toExtend<ApiErrorCode>()
expectTypeOf(reasonText).parameter(0).toEqualTypeOf<Reason>()
const nozzle: Reason = { code: 'NOZZLE_MISMATCH', params: { hasMm: 0.4, needsMm: 0.6 } }
// @ts-expect-error -- these params belong to another code
export const mixed: Reason = { code: 'NOZZLE_MISMATCH', params: { attemptId: 'x' } }
expectTypeOf(reasonText(nozzle)).toBeString()
expectTypeOf<AppRouter['_def']['record']>().toHaveProperty('printers')
