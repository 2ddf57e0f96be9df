import type { StagedFile } from '../files/file-store.js'
import { type FileLocation, isGcode, locate, locateUpload, pathOf } from './file-location.js'
import type { JobWatch } from './job-watch.js'
import type { Klippy } from './klippy.js'
import type { PathInfo, ServedFiles } from './served-files.js'
import { ServerError } from './server-error.js'

/** Answer and notification of a change to the files. */
export interface FileAction {
  readonly action: 'create_file' | 'delete_file'
  readonly item: PathInfo & FileLocation
}

export interface UploadAnswer extends FileAction {
  readonly print_started: boolean
  readonly print_queued: boolean
}

/** A received upload form; the bytes have no name yet. */
export interface UploadForm {
  readonly staged: StagedFile
  readonly filename: string
  readonly root: string
  readonly folder: string
  readonly print: boolean
}

interface FileOperationsOptions {
  readonly files: ServedFiles
  readonly jobs: JobWatch
  readonly klippy: Klippy
  readonly onChange: (change: FileAction) => void
}

/** Uploads and deletes with the rules of a file in print; one at a time, as in the real host. */
export class FileOperations {
  #queue: Promise<unknown> = Promise.resolve()

  constructor(private readonly options: FileOperationsOptions) {}

  /**
   * Deletes a file. What is loaded is judged by Klipper's last report: a file that was opened since then goes.
   * @throws {ServerError} 403 while loaded, 400 when there is no such file
   */
  delete(requested: string): Promise<FileAction> {
    return this.#alone(async () => {
      const location = locate(requested)
      if (!this.options.files.has(location)) throw new ServerError(`Invalid file path: ${requested}`)
      if (this.#isLoaded(location)) throw new ServerError('File currently in use', 403)
      await this.options.files.delete(location)
      return this.#changed('delete_file', location)
    })
  }

  /**
   * Names an upload and, when asked, starts it; a start that is not possible is no error.
   * @throws {ServerError} 403 over a loaded file, 400 for a bad place; the bytes are gone then
   */
  upload(form: UploadForm): Promise<UploadAnswer> {
    return this.#alone(async () => {
      const location = await this.#store(form)
      const isStarted = form.print && isGcode(location) && (await this.#start(location))
      return { ...this.#changed('create_file', location), print_started: isStarted, print_queued: false }
    })
  }

  async #store(form: UploadForm): Promise<FileLocation> {
    const { files } = this.options
    try {
      const location = locateUpload(form.root, form.folder, form.filename)
      if (this.#isLoaded(location)) throw new ServerError('File is loaded, upload not permitted', 403)
      await files.write(location, form.staged)
      return location
    } catch (error) {
      await files.store.discard(form.staged)
      throw error
    }
  }

  async #start({ path }: FileLocation): Promise<boolean> {
    const { jobs, klippy } = this.options
    if (jobs.loadedFilename !== null) return false
    try {
      await klippy.startPrint(path)
      return true
    } catch (error) {
      if (error instanceof ServerError) return false
      throw error
    }
  }

  #isLoaded(location: FileLocation): boolean {
    const loaded = this.options.jobs.loadedFilename
    return loaded !== null && pathOf(location) === `gcodes/${loaded}`
  }

  #changed(action: FileAction['action'], location: FileLocation): FileAction {
    const change = { action, item: this.options.files.item(location) }
    this.options.onChange(change)
    return change
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work)
    this.#queue = result.catch(() => undefined)
    return result
  }
}
