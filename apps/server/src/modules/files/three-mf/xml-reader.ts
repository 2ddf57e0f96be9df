import { SaxesParser } from 'saxes'

import { refused } from './refusal.js'

/** Hears of a document's elements as they pass; text between them carries nothing that is wanted here. */
export interface XmlListener {
  /** @param path the names from the root to this element, prefixes included */
  opened(path: readonly string[], attributes: Readonly<Record<string, string>>): void
  closed?(path: readonly string[]): void
}

/** Largest document; the description of plates with thousands of objects has some hundred kB. */
export const MAX_XML_BYTES = 4 * 1024 * 1024
const MAX_DEPTH = 16
const MAX_ATTRIBUTES = 32
const MAX_ELEMENTS = 100_000

/**
 * Reads an XML document in UTF-8, a chunk at a time. A document type is refused, and with it every entity that a
 * document could define; so is more than bounds allow.
 * @param content of at most {@link MAX_XML_BYTES}
 * @param name for the log
 * @throws GantryError `NOT_3MF` when it is not well-formed; whatever `content` throws
 */
export const readXml = async (content: AsyncIterable<Buffer>, name: string, listener: XmlListener): Promise<void> => {
  const parser = listeningParser(listener)
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const parse = (step: () => void) => {
    try {
      step()
    } catch (error) {
      throw refused('xml', `${name}: ${error instanceof Error ? error.message : 'unreadable'}`, error)
    }
  }
  for await (const chunk of content) parse(() => void parser.write(decoder.decode(chunk, { stream: true })))
  parse(() => void parser.write(decoder.decode()).close())
}

const listeningParser = (listener: XmlListener): SaxesParser => {
  const parser = new SaxesParser()
  const path: string[] = []
  let elements = 0
  let attributes = 0
  parser.on('doctype', () => {
    throw new Error('a document type')
  })
  parser.on('opentagstart', ({ name }) => {
    path.push(name)
    attributes = 0
    elements += 1
    if (path.length > MAX_DEPTH || elements > MAX_ELEMENTS) throw new Error('more elements than any slicer writes')
  })
  parser.on('attribute', () => {
    attributes += 1
    if (attributes > MAX_ATTRIBUTES) throw new Error('more attributes than any slicer writes')
  })
  parser.on('opentag', (tag) => listener.opened(path, tag.attributes))
  parser.on('closetag', () => {
    listener.closed?.(path)
    path.pop()
  })
  return parser
}
