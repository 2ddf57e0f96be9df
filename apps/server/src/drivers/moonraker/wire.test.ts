import { describe, expect, it } from 'vitest'

import { RpcError } from './rpc-error.js'
import { toDriverError } from './driver-errors.js'
import { heaterCommand, heaterObjects } from './heaters.js'
import { hostUrl, socketUrl } from './host-url.js'
import { historyChange, rpcMessage, serverInfo, statusUpdate, uploadReply } from './wire.js'

describe('what Moonraker sends', () => {
  it('is read as reply, error or notification', () => {
    expect(rpcMessage.parse({ jsonrpc: '2.0', id: 1, result: 'ok' })).toMatchObject({
      id: 1,
      result: 'ok',
      error: null,
    })
    const error = { code: 400, message: 'SD busy' }
    expect(rpcMessage.parse({ jsonrpc: '2.0', id: 1, error })).toMatchObject({ id: 1, error, method: null })
    expect(rpcMessage.parse({ jsonrpc: '2.0', method: 'notify_klippy_ready' })).toMatchObject({ id: null })
  })

  it('is known by its version and nothing else', () => {
    expect(serverInfo.safeParse({ hello: 'world' }).success).toBe(false)
    expect(serverInfo.parse({ moonraker_version: 'v0.8.0', components: 'none' })).toMatchObject({ components: null })
  })

  it('loses a field of another type without losing the rest', () => {
    const job = { job_id: '1', filename: 'a.gcode', status: 'completed', print_duration: 'long', filament_used: 3 }
    const [change] = historyChange.parse([{ action: 'finished', job }])
    expect(change.job).toMatchObject({ status: 'completed', print_duration: null, filament_used: 3 })
    expect(statusUpdate.parse([{ print_stats: 17, webhooks: { state: 'ready' } }, 12.5])[0]).toEqual({
      print_stats: {},
      webhooks: { state: 'ready' },
    })
  })

  it('counts as an upload only with a path and a size', () => {
    expect(uploadReply.safeParse({ item: { path: 'a.gcode' } }).success).toBe(false)
    expect(uploadReply.safeParse({ result: 'ok' }).success).toBe(false)
  })
})

describe("Moonraker's refusals", () => {
  it.each([
    [-32602, 'Unauthorized', 'auth'],
    [-32602, 'Invalid API Key', 'auth'],
    [-32602, 'Invalid params:', 'rejected'],
    [-32601, 'Method not found', 'unsupported'],
    [-32601, 'Metadata not available for <a.gcode>', 'not_found'],
    [503, 'Klippy Host not connected', 'not_connected'],
    [400, 'SD busy', 'busy'],
    [400, 'Unable to open file', 'not_found'],
    [400, 'Must home axis first', 'rejected'],
  ])('%i %s is %s', (code, message, expected) => {
    expect(toDriverError(new RpcError(code, message))).toMatchObject({ code: expected, message })
  })
})

describe('addresses and heaters of a Moonraker', () => {
  it('keeps a path prefix and turns the scheme', () => {
    expect(hostUrl('http://host:7125/prefix/', '/server/info')).toBe('http://host:7125/prefix/server/info')
    expect(socketUrl('https://host/one')).toBe('wss://host/one/websocket')
  })

  it('finds tools, bed, generic heaters and the first chamber', () => {
    const objects = ['gcode', 'extruder', 'extruder1', 'extruder_stepper x', 'heater_bed', 'temperature_sensor Chamber']
    expect(heaterObjects([...objects, 'temperature_fan chamber2', 'heater_generic dryer'])).toEqual([
      'extruder',
      'extruder1',
      'heater_bed',
      'temperature_sensor Chamber',
      'heater_generic dryer',
    ])
  })

  it('sets what can be set', () => {
    expect(heaterCommand('extruder', 210)).toBe('SET_HEATER_TEMPERATURE HEATER=extruder TARGET=210')
    expect(heaterCommand('heater_generic chamber', 50)).toBe('SET_HEATER_TEMPERATURE HEATER=chamber TARGET=50')
    expect(heaterCommand('temperature_sensor chamber', 50)).toBeNull()
    expect(heaterCommand('temperature_fan chamber', 45)).toContain('SET_TEMPERATURE_FAN_TARGET')
  })
})
