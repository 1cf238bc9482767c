import { readFile, rm } from 'node:fs/promises'
import { z } from 'zod'
import { issueSummary } from '../api/contract/parts.ts'
import { replaceWhole } from '../atomic-file.ts'
import { codeOf } from '../errors.ts'
import { SerialQueue } from '../serial-queue.ts'
import type { ArrivedIssue } from './outlet.ts'

/** An issue that is still to be delivered. */
export interface Delivery {
  readonly issue: ArrivedIssue
  /** When it arrived, in milliseconds since 1970. */
  readonly arrivedAt: number
}

/** A thousand issues with the longest titles and summaries take less. */
const MAX_FILE_BYTES = 16 * 1024 * 1024

const content = z.object({
  deliveries: z.array(z.object({ issue: issueSummary, arrivedAt: z.number() })).max(1_000),
})

/** Undelivered issues in a file for this user alone, so that they outlive a restart. */
export class QueueFile {
  readonly #path: string
  readonly #onProblem: (error: unknown) => void
  readonly #writes = new SerialQueue()
  #mustWrite = false
  #isOnDisk = false

  /** @param onProblem called where the file cannot be read or written; the outlet goes on without it. */
  constructor(path: string, onProblem: (error: unknown) => void) {
    this.#path = path
    this.#onProblem = onProblem
  }

  /** Empty where there is no file, or a damaged one. */
  async load(): Promise<Delivery[]> {
    try {
      const bytes = await readFile(this.#path)
      this.#isOnDisk = true
      if (bytes.byteLength > MAX_FILE_BYTES) throw new Error('The file is too large.')
      return content.parse(JSON.parse(bytes.toString('utf8'))).deliveries
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.#onProblem(error)
      return []
    }
  }

  /** @param current is read when its turn has come: what was asked for in between is one write. */
  save(current: () => readonly Delivery[]): void {
    if (this.#mustWrite) return
    this.#mustWrite = true
    void this.#writes.run(async () => {
      this.#mustWrite = false
      await this.#write(current()).catch(this.#onProblem)
    })
  }

  /** Resolves when everything is on disk, as far as it can be. */
  saved(): Promise<void> {
    return this.#writes.idle()
  }

  async #write(deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length > 0) {
      await replaceWhole(this.#path, [Buffer.from(JSON.stringify({ deliveries }))])
      this.#isOnDisk = true
    } else if (this.#isOnDisk) {
      await rm(this.#path, { force: true })
      this.#isOnDisk = false
    }
  }
}
