import { parentPort } from 'node:worker_threads'
import { GcodeScanner } from './gcode-scanner.js'
import type { ScanOrder, ScanReport } from './scan-messages.js'

/** The thread's own side: one scanner for each file that is being received. */
const scanners = new Map<number, GcodeScanner>()

const scannerOf = (scan: number): GcodeScanner => {
  const scanner = scanners.get(scan) ?? new GcodeScanner()
  scanners.set(scan, scanner)
  return scanner
}

const tell = (report: ScanReport, transferred: ArrayBuffer[] = []): void => parentPort?.postMessage(report, transferred)

const obey = (order: ScanOrder): void => {
  const { kind, scan } = order
  if (kind === 'bytes') {
    const { bytes, length } = order
    scannerOf(scan).push(Buffer.from(bytes, 0, length))
    tell({ kind: 'read', scan, bytes }, [bytes])
    return
  }
  if (kind === 'finish') tell({ kind: 'finished', scan, result: scannerOf(scan).finish() })
  scanners.delete(scan)
}

parentPort?.on('message', (order: ScanOrder) => {
  try {
    obey(order)
  } catch (error) {
    scanners.delete(order.scan)
    tell({ kind: 'failed', scan: order.scan, error })
  }
})
