export { createGantryClient } from './client.js'
export type { AuthCalls, FileCalls, GantryClient, GantryClientOptions, LoginOptions } from './client.types.js'
export type { SignOnTicket } from './session/session.js'
export type { Call, CallOptions, GantryInputs, GantryOutputs, Stream } from './api.types.js'
export {
  GantryApiError,
  isGantryApiError,
  type ApiErrorCode,
  type ClientErrorCode,
  type GantryApiErrorInit,
} from './errors/gantry-api-error.js'
export type { Download } from './files/downloader.js'
export type { UploadFile, UploadInput } from './files/upload-source.js'
export type { UploadOptions, UploadProgress } from './files/upload.types.js'
export type * from './generated/router.js'
export type { FetchLike } from './http/exchange.js'
export { reasonText } from './reasons.js'
export {
  localStorageTokenStore,
  memoryTokenStore,
  type LocalStorageOptions,
  type StoredSession,
  type TokenStore,
  type WebStorage,
} from './session/token-store.js'
export type { IterateOptions, StopStream, StreamConnection, StreamEnd, StreamHandlers } from './streams/stream.types.js'
export type { SpanLike, TracerLike } from './transport/call-spans.js'
