import type { StagedFile, StoredFile } from '../files/file-store.js'
import type { HostReply } from '../net/host-server.types.js'
import { MultipartError, readMultipart, type MultipartForm } from '../net/multipart.js'
import { ApiError, json } from './api-error.js'
import { folderEntry, refs } from './file-view.js'
import { filePayload, type OctoPrintInstance } from './octoprint-instance.js'
import type { RouteCall } from './router.js'

const TRUE_WORDS = new Set(['true', 'yes', 'y', '1'])
const MACHINE_CODE = /\.(gcode|gco|g)$/i
const MAX_SEGMENTS = 10

/** Makes every folder of a path exist. */
type MakeFolders = (folder: string) => void

/** `POST /api/files/local`. */
export async function upload(
  instance: OctoPrintInstance,
  call: RouteCall,
  makeFolders: MakeFolders,
): Promise<HostReply> {
  const { request } = call.call
  if (request.headers['content-length'] === undefined) throw new ApiError(411, 'Length Required')
  const form = await readForm(call, instance)
  try {
    await call.call.onReceived?.()
    if (form.file) return await storeUpload(instance, call, form, form.file, makeFolders)
  } catch (error) {
    if (form.file) await instance.store.discard(form.file.staged)
    throw error
  }
  const folder = form.fields.get('foldername')
  if (folder === undefined) throw new ApiError(400, 'No file to upload and no folder to create')
  const path = joinPath(form.fields.get('path'), folder)
  makeFolders(path)
  return json({ done: true, folder: folderEntry(path, call.origin) }, 201)
}

async function readForm({ call }: RouteCall, instance: OctoPrintInstance): Promise<MultipartForm> {
  try {
    return await readMultipart(call.request, instance.store)
  } catch (error) {
    if (error instanceof MultipartError) throw new ApiError(400, 'No file to upload and no folder to create')
    throw error
  }
}

async function storeUpload(
  instance: OctoPrintInstance,
  call: RouteCall,
  { fields }: MultipartForm,
  { filename, staged }: { filename: string; staged: StagedFile },
  makeFolders: MakeFolders,
): Promise<HostReply> {
  const path = joinPath(fields.get('path'), fields.get('filename') ?? filename)
  if (!MACHINE_CODE.test(path)) throw new ApiError(415, 'Could not upload file, invalid type')
  checkUserdata(fields.get('userdata'))
  checkOverwrite(instance, call, path, isTrue(fields.get('noOverwrite')))
  makeFolders(path.slice(0, Math.max(0, path.lastIndexOf('/'))))
  const file = await commit(instance, path, staged)
  announceFile(instance, file)
  const effective = selectOrPrint(instance, call, file, fields)
  announceUpload(instance, file, fields, effective)
  const links = refs(path, call.origin)
  const { name, origin } = filePayload(file)
  const files = { local: { name, origin, path, refs: links } }
  const { effectiveSelect, effectivePrint } = effective
  return json({ done: true, effectivePrint, effectiveSelect, files }, 201, { location: links.resource })
}

function checkUserdata(userdata: string | undefined): void {
  if (userdata === undefined) return
  try {
    JSON.parse(userdata)
  } catch {
    throw new ApiError(400, 'userdata contains invalid JSON')
  }
}

function checkOverwrite(instance: OctoPrintInstance, { user }: RouteCall, path: string, noOverwrite: boolean): void {
  if (instance.isBusyWith(path)) throw new ApiError(409, 'Trying to overwrite file that is currently being printed')
  if (!instance.store.get(path)) return
  if (noOverwrite) throw new ApiError(409, 'File already exists and noOverwrite was set')
  if (!user.permissions.has('FILES_DELETE')) throw new ApiError(403, 'File already exists and may not be overwritten')
}

/** A file with other content starts a new record; the same content keeps the old one. */
async function commit(instance: OctoPrintInstance, path: string, staged: StagedFile): Promise<StoredFile> {
  const old = instance.store.get(path)
  if (old && old.sha1 !== staged.sha1) instance.records.forget(path)
  const file = await instance.store.commit(path, staged)
  if (instance.selected?.path === path) instance.select(file, instance.jobUser)
  return file
}

interface Effective {
  readonly effectiveSelect: boolean
  readonly effectivePrint: boolean
}

/** An upload succeeds also when the print cannot begin; only the answer tells. */
function selectOrPrint(
  instance: OctoPrintInstance,
  { user }: RouteCall,
  file: StoredFile,
  fields: ReadonlyMap<string, string>,
): Effective {
  const print = isTrue(fields.get('print')) && user.permissions.has('PRINT')
  const select = isTrue(fields.get('select')) && user.permissions.has('FILES_SELECT')
  if (instance.hasActiveJob || (!print && !select)) return { effectiveSelect: false, effectivePrint: false }
  instance.select(file, user.name)
  if (!print) return { effectiveSelect: true, effectivePrint: false }
  if (instance.link !== 'connected') return { effectiveSelect: false, effectivePrint: false }
  instance.startSelected()
  return { effectiveSelect: false, effectivePrint: true }
}

function announceFile(instance: OctoPrintInstance, file: StoredFile): void {
  const { name, path } = filePayload(file)
  instance.fire('FileAdded', { storage: 'local', path, name, type: ['machinecode', 'gcode'] })
  instance.fire('UpdatedFiles', { type: 'printables' })
}

function announceUpload(
  instance: OctoPrintInstance,
  file: StoredFile,
  fields: ReadonlyMap<string, string>,
  { effectiveSelect, effectivePrint }: Effective,
): void {
  const { name, path } = filePayload(file)
  instance.fire('Upload', {
    name,
    path,
    target: 'local',
    select: isTrue(fields.get('select')),
    print: isTrue(fields.get('print')),
    effective_select: effectiveSelect,
    effective_print: effectivePrint,
  })
}

function isTrue(word: string | undefined): boolean {
  return word !== undefined && TRUE_WORDS.has(word.toLowerCase())
}

/** @throws ApiError 400 for names that leave the upload folder or are empty */
function joinPath(folder: string | undefined, name: string): string {
  const segments = `${folder ?? ''}/${name}`.split('/').filter((segment) => segment !== '' && segment !== '.')
  if (segments.includes('..') || segments.length === 0 || segments.length > MAX_SEGMENTS) {
    throw new ApiError(400, `Invalid name: ${JSON.stringify(name)}`)
  }
  return segments.map(sanitise).join('/')
}

/** Spaces become underscores; what is no letter, digit or `-_.()[]` goes, and so do leading dots. */
function sanitise(segment: string): string {
  const clean = segment
    .replaceAll(' ', '_')
    .replace(/[^\p{L}\p{N}\-_.()[\]]/gu, '')
    .replace(/^\.+/, '')
  if (clean === '') throw new ApiError(400, `Invalid name: ${JSON.stringify(segment)}`)
  return clean
}
