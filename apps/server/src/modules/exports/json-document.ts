import type { Cell, ExportDocument, ExportRecord } from './exports.ports.js'

/** One JSON object: what was exported, then each table as a list of objects, one a line. */
export class JsonDocument implements ExportDocument {
  private columns: readonly string[] = []
  private isFirst = true

  constructor(private readonly described: Pick<ExportRecord, 'id' | 'kind' | 'scope' | 'createdAt'>) {}

  open(): Buffer {
    const { id, kind, scope, createdAt } = this.described
    return Buffer.from(`{"export":${JSON.stringify({ id, kind, scope, createdAt })}`)
  }

  beginTable(name: string, columns: readonly string[]): Buffer {
    this.columns = columns
    this.isFirst = true
    return Buffer.from(`,\n${JSON.stringify(name)}:[`)
  }

  rows(rows: readonly Cell[][]): Buffer {
    let text = ''
    for (const row of rows) {
      text += `${this.isFirst ? '\n' : ',\n'}${this.objectOf(row)}`
      this.isFirst = false
    }
    return Buffer.from(text)
  }

  endTable(): Buffer {
    return Buffer.from(']')
  }

  close(): Buffer {
    return Buffer.from('}\n')
  }

  private objectOf(row: readonly Cell[]): string {
    return JSON.stringify(Object.fromEntries(this.columns.map((column, index) => [column, row[index] ?? null])))
  }
}
