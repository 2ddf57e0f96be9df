import { CsvArchive, CsvDocument } from './csv-document.js'
import type { ExportDocument, ExportRecord } from './exports.ports.js'
import { JsonDocument } from './json-document.js'

type Described = Pick<ExportRecord, 'id' | 'kind' | 'scope' | 'format' | 'createdAt'>

/** `csv` is one file of one table; where there are several, a ZIP of them. */
const endingOf = ({ kind, format }: Pick<Described, 'kind' | 'format'>): 'json' | 'csv' | 'zip' =>
  format === 'csv' && kind === 'full' ? 'zip' : format

export const documentOf = (described: Described): ExportDocument => {
  const documents = {
    json: () => new JsonDocument(described),
    csv: () => new CsvDocument(),
    zip: () => new CsvArchive(),
  }
  return documents[endingOf(described)]()
}

export const contentTypeOf = (described: Pick<Described, 'kind' | 'format'>): string =>
  ({ json: 'application/json', csv: 'text/csv; charset=utf-8', zip: 'application/zip' })[endingOf(described)]

export const fileNameOf = (described: Described): string => {
  const { kind, scope, createdAt } = described
  return `gantry-${scope}-${kind}-${createdAt.toISOString().slice(0, 10)}.${endingOf(described)}`
}
