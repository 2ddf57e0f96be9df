import { arch, cpus, freemem, platform, totalmem, uptime } from 'node:os'

/** The part of `machine.proc_stats` that is also pushed every second. */
export function readProcStats(websocketCount: number): Readonly<Record<string, unknown>> {
  const totalKb = Math.round(totalmem() / 1_024)
  const availableKb = Math.round(freemem() / 1_024)
  return {
    cpu_temp: 42.5,
    network: {},
    system_cpu_usage: { cpu: 0 },
    system_uptime: uptime(),
    system_memory: { total: totalKb, available: availableKb, used: totalKb - availableKb },
    websocket_connections: websocketCount,
  }
}

/** As of a Moonraker with one printer: this process is a whole fleet, and its memory tells nothing of one host. */
const MOONRAKER_KB = 62_000

/** One `moonraker_stats` entry. */
export function readProcessUsage(wallMs: number): Readonly<Record<string, unknown>> {
  return { time: wallMs / 1_000, cpu_usage: 0, memory: MOONRAKER_KB, mem_units: 'kB' }
}

/** `machine.system_info`: only what a client reads to name the host. */
export function readSystemInfo(): Readonly<Record<string, unknown>> {
  return {
    cpu_info: {
      cpu_count: cpus().length,
      processor: arch(),
      model: 'Gantry virtual printer',
      total_memory: Math.round(totalmem() / 1_024),
      memory_units: 'kB',
    },
    distribution: { name: platform(), id: platform(), version: '' },
    virtualization: { virt_type: 'none', virt_identifier: 'none' },
    available_services: ['klipper', 'moonraker'],
    service_state: {
      klipper: { active_state: 'active', sub_state: 'running' },
      moonraker: { active_state: 'active', sub_state: 'running' },
    },
  }
}
