import { open, type FileHandle } from 'node:fs/promises'
import { codeOf, HyperletterError } from '../../errors.ts'
import type { Output } from '../contract/contract.ts'

type Progress = Extract<Output<'importBundle'>, { event: 'progress' }>

/** How often progress is reported. */
const REPORT_EVERY_MS = 100

const READ_BYTES = 256 * 1024

/** Opens a plain file to read; whoever asks closes it. @throws INVALID_INPUT */
export async function openFile(path: string): Promise<FileHandle> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw unreadable(path, codeOf(cause) ?? String(cause), cause)
  })
  // It is read twice, so a pipe cannot be taken.
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw unreadable(path, 'it is no plain file')
}

function unreadable(path: string, why: string, cause?: unknown): HyperletterError {
  const message = `Cannot read ${path}: ${why}.`
  return new HyperletterError('INVALID_INPUT', message, cause === undefined ? {} : { cause })
}

/** A file that is read twice, and how far that has come. */
export class TwoReadings {
  readonly #file: FileHandle
  readonly #sizeBytes: number
  readonly #signal: AbortSignal | undefined
  /** Of both readings together. */
  readBytes = 0
  #reportedAt = 0

  constructor(file: FileHandle, sizeBytes: number, signal: AbortSignal | undefined) {
    this.#file = file
    this.#sizeBytes = sizeBytes
    this.#signal = signal
  }

  /** The bytes from the beginning. Throws the reason of an aborted signal. */
  async *read(): AsyncGenerator<Uint8Array> {
    for (let position = 0; ;) {
      this.#signal?.throwIfAborted()
      // A new buffer each time: blocks of the one before may still be on their way to disk.
      const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
      const { bytesRead } = await this.#file.read(buffer, 0, READ_BYTES, position)
      if (bytesRead === 0) return
      position += bytesRead
      this.readBytes += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  }

  /** Runs work that reads the file, and tells from time to time how far it is. */
  async *of<T>(
    step: Progress['step'],
    work: AsyncGenerator<unknown, T>,
  ): AsyncGenerator<Progress, T> {
    try {
      for (;;) {
        const next = await work.next()
        if (next.done === true) return next.value
        const now = Date.now()
        if (now - this.#reportedAt < REPORT_EVERY_MS) continue
        this.#reportedAt = now
        const total = 2 * this.#sizeBytes
        yield { event: 'progress', step, done: Math.min(this.readBytes, total), total }
      }
    } finally {
      await work.return(undefined as T)
    }
  }
}
