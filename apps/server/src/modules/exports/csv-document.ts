import { csvLine } from './csv.js'
import type { Cell, ExportDocument } from './exports.ports.js'
import { ZipStream } from './zip-stream.js'

const NOTHING = Buffer.alloc(0)

/** The only table of the export, with a line of column names. */
export class CsvDocument implements ExportDocument {
  open(): Buffer {
    return NOTHING
  }

  beginTable(_name: string, columns: readonly string[]): Buffer {
    return Buffer.from(csvLine(columns))
  }

  rows(rows: readonly Cell[][]): Buffer {
    return Buffer.from(rows.map(csvLine).join(''))
  }

  endTable(): Buffer {
    return NOTHING
  }

  close(): Buffer {
    return NOTHING
  }
}

/** A ZIP with one CSV file for each table. */
export class CsvArchive implements ExportDocument {
  private readonly zip = new ZipStream()

  open(): Buffer {
    return NOTHING
  }

  beginTable(name: string, columns: readonly string[]): Buffer {
    return Buffer.concat([this.zip.beginFile(`${name}.csv`), this.zip.content(Buffer.from(csvLine(columns)))])
  }

  rows(rows: readonly Cell[][]): Buffer {
    return this.zip.content(Buffer.from(rows.map(csvLine).join('')))
  }

  endTable(): Buffer {
    return this.zip.endFile()
  }

  close(): Buffer {
    return this.zip.close()
  }
}
