import { refused } from './refusal.js'
import { readXml } from './xml-reader.js'

export const CONTENT_TYPES = '[Content_Types].xml'

const MODEL_TYPE = 'application/vnd.ms-package.3dmanufacturing-3dmodel+xml'

/**
 * What tells a 3MF from other packages of the same make, such as a text document: it knows the type of 3D models.
 * @throws GantryError `NOT_3MF`
 */
export const checkContentTypes = async (content: AsyncIterable<Buffer>): Promise<void> => {
  const found = { model: false }
  await readXml(content, CONTENT_TYPES, {
    opened: ([root, , below], attributes) => {
      found.model ||= root === 'Types' && below === undefined && attributes['ContentType'] === MODEL_TYPE
    },
  })
  if (!found.model) throw refused('not_3mf', 'a package without the type of 3D models')
}
