import type { UnitOfWork } from '../../kernel/index.js'
import type { FileStorage } from './file-storage.port.js'
import type { FileRepository } from './files.ports.js'

export interface ContentDiscard {
  unitOfWork: UnitOfWork<{ files: FileRepository }>
  storage: FileStorage
}

/**
 * Deletes a content that no version refers to. Whoever stores a version holds the same lock while he looks whether its
 * content is there.
 * @param unusedSince a content that was received after this is left alone, also if the same had lain there before
 * @returns whether it was deleted
 */
export const discardContent = (
  { unitOfWork, storage }: ContentDiscard,
  sha256: string,
  unusedSince: Date,
): Promise<boolean> =>
  unitOfWork.run(async ({ files }) => {
    await files.lockContents([sha256])
    if ((await files.unreferenced([sha256])).length === 0) return false
    return storage.delete(sha256, unusedSince)
  })
