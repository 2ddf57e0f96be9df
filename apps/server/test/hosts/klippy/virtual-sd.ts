import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { GcodeMachine } from './gcode-machine.js'
import type { PrinterObjects } from './printer-objects.js'

const RUNNING = ['printing', 'paused']

/** The virtual SD card with its print statistics: start, pause, resume, cancel, end, error, as Klipper has them. */
export class VirtualSd {
  readonly #objects: PrinterObjects
  readonly #machine: GcodeMachine
  readonly #gcodesDir: string
  #lines: string[] = []
  #nextLine = 0
  #runs = false

  constructor(objects: PrinterObjects, machine: GcodeMachine, gcodesDir: string) {
    this.#objects = objects
    this.#machine = machine
    this.#gcodesDir = gcodesDir
  }

  /** Loads and starts a file; the caller holds the mutex. @throws `SD busy`, `Unable to open file` */
  async print(filename: string): Promise<void> {
    if (this.#objects.virtual_sdcard.is_active) throw new Error('SD busy')
    const relative = filename.replace(/^\//, '')
    const path = join(this.#gcodesDir, relative)
    const content = await readFile(path, 'utf8').catch(() => {
      throw new Error('Unable to open file')
    })
    this.reset()
    this.#lines = content.split('\n')
    this.#nextLine = 0
    Object.assign(this.#objects.virtual_sdcard, { file_path: path, file_size: Buffer.byteLength(content) })
    Object.assign(this.#objects.print_stats, { filename: relative })
    this.#run()
  }

  reset(): void {
    if (this.#objects.virtual_sdcard.is_active) throw new Error('SD busy')
    this.#unload()
    Object.assign(this.#objects.print_stats, {
      filename: '',
      total_duration: 0,
      print_duration: 0,
      filament_used: 0,
      state: 'standby',
      message: '',
      info: { total_layer: null, current_layer: null },
    })
  }

  pause(): void {
    if (this.#objects.virtual_sdcard.is_active) this.#stop('paused')
    this.#objects.pause_resume.is_paused = true
  }

  resume(): void {
    if (!this.#objects.pause_resume.is_paused) return
    this.#objects.pause_resume.is_paused = false
    if (this.#objects.print_stats.state === 'paused') this.#run()
  }

  cancel(): void {
    if (RUNNING.includes(this.#objects.print_stats.state)) {
      this.#stop('cancelled')
      this.#unload()
    }
    this.#objects.pause_resume.is_paused = false
  }

  /** What a shutdown leaves: the statistics say `paused` although nothing will move any more. */
  interrupt(): void {
    if (this.#objects.virtual_sdcard.is_active) this.#stop('paused')
  }

  /** Lets time pass. */
  tick(seconds: number): void {
    const stats = this.#objects.print_stats
    if (RUNNING.includes(stats.state)) stats.total_duration += seconds
    if (stats.state === 'printing' && stats.filament_used > 0) stats.print_duration += seconds
    this.#objects.idle_timeout.state = stats.state === 'printing' ? 'Printing' : 'Ready'
  }

  #run(): void {
    this.#runs = true
    this.#objects.virtual_sdcard.is_active = true
    this.#objects.print_stats.state = 'printing'
    void this.#work()
  }

  #stop(state: string): void {
    this.#runs = false
    this.#objects.virtual_sdcard.is_active = false
    this.#objects.print_stats.state = state
  }

  #unload(): void {
    const nothing = { file_path: null, progress: 0, is_active: false, file_position: 0, file_size: 0 }
    Object.assign(this.#objects.virtual_sdcard, nothing)
  }

  #isRunning(): boolean {
    return this.#runs
  }

  async #work(): Promise<void> {
    try {
      while (await this.#machine.exclusive(() => this.#step()));
    } catch (error) {
      if (this.#objects.webhooks.state !== 'ready') return
      this.#stop('error')
      this.#objects.print_stats.message = error instanceof Error ? error.message : String(error)
    }
  }

  async #step(): Promise<boolean> {
    if (!this.#isRunning()) return false
    const line = this.#lines[this.#nextLine]
    if (line === undefined) {
      this.#stop('complete')
      this.#objects.virtual_sdcard.file_path = null
      this.#objects.virtual_sdcard.progress = 1
      return false
    }
    this.#nextLine += 1
    await this.#machine.execute(line)
    if (!this.#isRunning()) return false
    const card = this.#objects.virtual_sdcard
    card.file_position = Math.min(card.file_position + Buffer.byteLength(line) + 1, card.file_size)
    card.progress = card.file_size === 0 ? 0 : card.file_position / card.file_size
    this.#objects.display_status.progress = card.progress
    return true
  }
}
