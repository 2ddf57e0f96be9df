import type { StoredFile } from '../files/file-store.js'
import type { HostReply } from '../net/host-server.types.js'
import { ApiError, json, NO_CONTENT } from './api-error.js'
import { fileEntry, folderEntries, folderEntry, listing } from './file-view.js'
import type { OctoPrintInstance } from './octoprint-instance.js'
import { commandBody, type Route, type RouteCall } from './router.js'
import { upload } from './upload.js'

const FILE = /^\/api\/files\/local\/(.+)$/

/** `/api/files`: one storage, `local`. */
export class FileRoutes {
  readonly #folders = new Set<string>()

  constructor(private readonly instance: OctoPrintInstance) {}

  routes(): Route[] {
    const list = (call: RouteCall): HostReply => this.#list(call)
    return [
      { method: 'GET', path: /^\/api\/files(?:\/local)?\/?$/, permission: 'FILES_LIST', handle: list },
      { method: 'GET', path: FILE, permission: 'FILES_LIST', handle: (call) => this.#show(call) },
      {
        method: 'POST',
        path: /^\/api\/files\/local\/?$/,
        permission: 'FILES_UPLOAD',
        handle: (call) => upload(this.instance, call, (folder) => this.#makeFolders(folder)),
      },
      { method: 'POST', path: FILE, permission: 'FILES_SELECT', handle: (call) => this.#command(call) },
      { method: 'DELETE', path: FILE, permission: 'FILES_DELETE', handle: (call) => this.#delete(call) },
      {
        method: 'GET',
        path: /^\/downloads\/files\/local\/(.+)$/,
        permission: 'FILES_DOWNLOAD',
        handle: (call) => this.#download(call),
      },
    ]
  }

  #list({ call, origin }: RouteCall): HostReply {
    const recursive = call.query.get('recursive') === 'true'
    return json(listing(folderEntries(this.instance, this.#folders, '', origin, recursive)))
  }

  #show({ tail, origin, call }: RouteCall): HostReply {
    if (!this.#folders.has(tail)) return json(fileEntry(this.instance, this.#file(tail), origin))
    const recursive = call.query.get('recursive') === 'true'
    const children = folderEntries(this.instance, this.#folders, tail, origin, recursive)
    return json({ ...folderEntry(tail, origin), children })
  }

  async #command(call: RouteCall): Promise<HostReply> {
    const { command, body } = await commandBody(call, ['select', 'unselect'])
    const { instance } = this
    if (command === 'select') this.#select(call, body['print'] === true || body['print'] === 'true')
    else {
      if (call.tail !== 'current' && instance.selected?.path !== call.tail) {
        throw new ApiError(400, 'Only the currently selected file can be unselected')
      }
      if (instance.hasActiveJob) throw new ApiError(409, 'Printer is already printing, cannot unselect')
      instance.unselect()
    }
    return NO_CONTENT
  }

  #select({ tail, user }: RouteCall, print: boolean): void {
    const { instance } = this
    const file = this.#file(tail)
    if (print && !user.permissions.has('PRINT')) throw new ApiError(403, "You don't have the permission to print")
    if (instance.hasActiveJob) throw new ApiError(409, 'Printer is already printing, cannot select a new file')
    if (print && instance.link !== 'connected') {
      throw new ApiError(409, 'Printer is not operational, cannot directly start printing')
    }
    instance.select(file, user.name)
    if (print) instance.startSelected()
  }

  /** A finished file may go, and its print record goes with it. */
  async #delete({ tail }: RouteCall): Promise<HostReply> {
    const { instance } = this
    if (this.#folders.has(tail)) return this.#deleteFolder(tail)
    const file = this.#file(tail)
    if (instance.isBusyWith(file.path)) {
      throw new ApiError(409, 'Trying to delete a file that is currently in use')
    }
    await this.#remove(file)
    return NO_CONTENT
  }

  async #deleteFolder(folder: string): Promise<HostReply> {
    const inside = this.instance.store.list().filter((file) => file.path.startsWith(`${folder}/`))
    if (inside.some((file) => this.instance.isBusyWith(file.path))) {
      throw new ApiError(409, 'Trying to delete a folder that contains a file that is currently in use')
    }
    for (const file of inside) await this.#remove(file)
    for (const path of this.#folders) {
      if (path === folder || path.startsWith(`${folder}/`)) this.#folders.delete(path)
    }
    return NO_CONTENT
  }

  async #remove(file: StoredFile): Promise<void> {
    const { instance } = this
    if (instance.selected?.path === file.path) instance.unselect()
    instance.records.forget(file.path)
    await instance.store.delete(file.path)
    const name = file.path.split('/').at(-1)
    instance.fire('FileRemoved', { storage: 'local', path: file.path, name, type: ['machinecode', 'gcode'] })
    instance.fire('UpdatedFiles', { type: 'printables' })
  }

  async #download({ tail }: RouteCall): Promise<HostReply> {
    const body = await this.instance.store.read(this.#file(tail).path)
    if (!body) throw new ApiError(404, 'Not Found')
    return { status: 200, body, headers: { 'content-type': 'application/octet-stream' } }
  }

  #file(path: string): StoredFile {
    const file = this.instance.store.get(path)
    if (!file) throw new ApiError(404, 'Not Found')
    return file
  }

  #makeFolders(folder: string): void {
    const segments = folder.split('/').filter((segment) => segment !== '')
    segments.forEach((_, index) => this.#folders.add(segments.slice(0, index + 1).join('/')))
  }
}
