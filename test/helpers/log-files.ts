import type { BlockRange } from '../../src/format/block-ranges.ts'
import type { LogFileSource } from '../../src/format/log-files/source.ts'
import { tooLong } from '../../src/format/log-files/source.ts'
import { logFilesOf, type WriteLogOptions } from '../../src/format/log-files/write.ts'
import type { StoredLog } from '../../src/format/log.ts'
import { HyperletterError } from '../../src/errors.ts'

export type Files = Map<string, Uint8Array>

/** All log files of a log, in memory. */
export async function filesOf(log: StoredLog, options: WriteLogOptions = {}): Promise<Files> {
  const { files } = await logFilesOf(log, options)
  const written: Files = new Map()
  for (const { path, bytes } of files) written.set(path, await bytes())
  return written
}

/** Files in memory as a server has them. */
export class MemorySource implements LogFileSource {
  readonly files: Files
  readonly hasRanges: boolean
  /** What was asked for. */
  readonly requests: string[] = []
  /** Bytes that were answered. */
  bytes = 0

  constructor(files: Files, { hasRanges = true } = {}) {
    this.files = files
    this.hasRanges = hasRanges
  }

  get: LogFileSource['get'] = async (path, { from, to, limit }) => {
    this.requests.push(from === undefined ? path : `${path} ${from}-${to}`)
    const whole = this.files.get(path)
    if (whole === undefined) throw new HyperletterError('NOT_AVAILABLE', `No ${path}.`)
    const bytes = this.hasRanges ? whole.slice(from, to) : whole
    if (bytes.byteLength > limit) throw tooLong(path, limit)
    this.bytes += bytes.byteLength
    return Promise.resolve(bytes)
  }
}

export const range = (start: number, end: number): BlockRange => ({ start, end })
