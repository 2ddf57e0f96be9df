import { ApiError, json, NO_CONTENT } from './api-error.js'
import type { OctoPrintInstance } from './octoprint-instance.js'
import { commandBody, type Route } from './router.js'
import { jobBlock, progressBlock, stateText } from './state-view.js'

/** `/api/job`. */
export function jobRoutes(instance: OctoPrintInstance): Route[] {
  return [
    { method: 'GET', path: /^\/api\/job$/, permission: 'STATUS', handle: () => json(jobView(instance)) },
    {
      method: 'POST',
      path: /^\/api\/job$/,
      permission: 'PRINT',
      handle: async (call) => {
        const { command, body } = await commandBody(call, ['start', 'pause', 'cancel'])
        instance.requireOperational()
        if (command === 'start') start(instance)
        else if (command === 'pause') pause(instance, body['action'] ?? 'toggle')
        else cancel(instance)
        return NO_CONTENT
      },
    },
  ]
}

function jobView(instance: OctoPrintInstance): object {
  const view = {
    job: jobBlock(instance),
    progress: progressBlock(instance),
    state: stateText(instance.link, instance.machine.state),
  }
  return instance.errorText === '' ? view : { ...view, error: instance.errorText }
}

function start(instance: OctoPrintInstance): void {
  if (instance.hasActiveJob) {
    throw new ApiError(409, "Printer already has an active print job, did you mean 'restart'?")
  }
  instance.startSelected()
}

function pause(instance: OctoPrintInstance, action: unknown): void {
  requireActive(instance, 'pause')
  const { machine } = instance
  if (action !== 'pause' && action !== 'resume' && action !== 'toggle') {
    throw new ApiError(400, `Unknown action: ${JSON.stringify(action)}`)
  }
  // What the state does not allow is ignored without an error.
  const running = machine.state === 'printing' || machine.state === 'starting'
  if (running && action !== 'resume') machine.pause()
  else if (machine.state === 'paused' && action !== 'pause') machine.resume()
}

function cancel(instance: OctoPrintInstance): void {
  requireActive(instance, 'cancel')
  const { machine } = instance
  if (machine.state !== 'cancelling' && machine.state !== 'finishing') machine.cancel()
}

function requireActive(instance: OctoPrintInstance, command: string): void {
  if (instance.hasActiveJob) return
  throw new ApiError(409, `Printer is neither printing nor paused, '${command}' command cannot be performed`)
}
