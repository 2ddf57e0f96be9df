import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { HOSTILE, hostileJson, mutatedJson, unfitTexts } from '../../testing/hostile-input.js'
import { heaterObjects } from './heaters.js'
import { mapReport, type MoonrakerView } from './mapper.js'
import { RunTracker } from './run-tracker.js'
import { mergeStatus, readStatus } from './status.js'
import {
  fileList,
  fileMetadata,
  historyChange,
  historyPage,
  httpError,
  objectList,
  rpcMessage,
  serverInfo,
  statusReply,
  statusUpdate,
  uploadReply,
} from './wire.js'

const STATUS = {
  webhooks: { state: 'ready', state_message: 'Printer is ready' },
  print_stats: {
    state: 'printing',
    filename: 'a.gcode',
    total_duration: 20,
    print_duration: 10,
    filament_used: 5,
    message: '',
    info: { total_layer: 10, current_layer: 2 },
  },
  virtual_sdcard: { progress: 0.25, is_active: true },
  display_status: { progress: 0.2 },
  pause_resume: { is_paused: false },
  idle_timeout: { state: 'Printing' },
  extruder: { temperature: 210, target: 210 },
}
const JOB = {
  job_id: '0001',
  filename: 'a.gcode',
  status: 'completed',
  start_time: 1,
  end_time: 2,
  print_duration: 1,
  total_duration: 1,
  filament_used: 1,
}
const RPC = [
  { jsonrpc: '2.0', id: 1, result: { status: STATUS } },
  { jsonrpc: '2.0', method: 'notify_status_update', params: [STATUS, 1.5] },
  { jsonrpc: '2.0', method: 'notify_history_changed', params: [{ action: 'finished', job: JOB }] },
  { jsonrpc: '2.0', id: 2, error: { code: 400, message: 'no' } },
]
/** Of a text that is cut, with what our own words put before it. */
const MAX_CHARACTERS = 1_010

const view = (status: MoonrakerView['status']): MoonrakerView => ({
  klippy: { connected: true, state: 'ready', message: null },
  heaters: heaterObjects(Object.keys(status)),
  run: { hostJobRef: null, progress: null, estimatedSeconds: null, layerCount: null },
  ...{ status, pending: null, notice: null },
})

const isShare = (progress: number | null | undefined) => progress == null || (progress >= 0 && progress <= 1)

describe('what a Moonraker sends', () => {
  it('becomes a report within its bounds, whatever a status says', () => {
    const updates = fc.array(fc.oneof(hostileJson, mutatedJson([STATUS, 1])), { maxLength: 8 })
    const check = fc.property(mutatedJson({ status: STATUS }), updates, (first, sent) => {
      let status = statusReply.safeParse(first).data?.status ?? {}
      const told: unknown[] = []
      const tracker = new RunTracker((event) => told.push(event))
      for (const one of sent) {
        status = mergeStatus(status, statusUpdate.safeParse(one).data?.[0] ?? {})
        const report = mapReport(view(status))
        tracker.observe(readStatus(status), report.state === 'printing')
        expect(unfitTexts([report, told], MAX_CHARACTERS)).toEqual([])
        expect(isShare(report.job?.progress)).toBe(true)
        expect(report.heaters.length).toBeLessThanOrEqual(64)
      }
      expect(told.length).toBeLessThanOrEqual(2 * sent.length)
    })
    fc.assert(check, HOSTILE)
  })

  it('is read as it is when it is real', () => {
    const [reply] = RPC
    const { status } = statusReply.parse(rpcMessage.parse(reply).result)
    expect(mapReport(view(status))).toMatchObject({
      state: 'printing',
      job: { remotePath: 'a.gcode', progress: 0.25, layer: 2, layerCount: 10 },
      heaters: [{ heater: 'extruder', actualCelsius: 210 }],
    })
  })

  it('never is a message or an answer that throws', () => {
    const messages = [
      rpcMessage,
      serverInfo,
      objectList,
      statusReply,
      statusUpdate,
      historyPage,
      historyChange,
      fileList,
      fileMetadata,
      uploadReply,
      httpError,
    ]
    const check = fc.property(fc.oneof(hostileJson, mutatedJson(...RPC, JOB, STATUS)), (sent) => {
      for (const message of messages) message.safeParse(sent)
    })
    fc.assert(check, HOSTILE)
  })

  it('ends prints as often as it begins them, whatever its history says', () => {
    const changes = fc.array(mutatedJson([{ action: 'added', job: JOB }], [{ action: 'finished', job: JOB }]), {
      maxLength: 10,
    })
    const check = fc.property(changes, (sent) => {
      const told: { type: string }[] = []
      const tracker = new RunTracker((event) => told.push(event))
      for (const one of sent) {
        const change = historyChange.safeParse(one).data?.[0]
        if (change?.action === 'added') tracker.historyAdded(change.job)
        if (change?.action === 'finished') tracker.historyFinished(change.job)
      }
      expect(unfitTexts(told, MAX_CHARACTERS)).toEqual([])
      expect(told.length).toBeLessThanOrEqual(2 * sent.length)
    })
    fc.assert(check, HOSTILE)
  })
})
