import { readFile, rm } from 'node:fs/promises'
import { z } from 'zod'
import { replaceWhole } from '../atomic-file.ts'
import { codeOf } from '../errors.ts'
import { issueSummary } from '../api/contract/parts.ts'
import type { ArrivedIssue } from './outlet.ts'
import { SerialQueue } from '../serial-queue.ts'

/** An issue that has still to be posted. */
export interface Delivery {
  readonly issue: ArrivedIssue
  /** When it arrived, in milliseconds since 1970. */
  readonly arrivedAt: number
}

/** More are given up, oldest first: some megabytes at most. */
const MAX_DELIVERIES = 1_000

const MAX_FILE_BYTES = 16 * 1024 * 1024

const file = z.object({
  deliveries: z.array(z.object({ issue: issueSummary, arrivedAt: z.number() })).max(MAX_DELIVERIES),
})

/** What has still to be posted, in a file for this user alone, so that it outlives a restart. */
export class DeliveryQueue {
  readonly #path: string
  readonly #onProblem: (error: unknown) => void
  #deliveries: Delivery[] = []
  readonly #writes = new SerialQueue()
  #mustWrite = false
  #isOnDisk = false

  private constructor(path: string, onProblem: (error: unknown) => void) {
    this.#path = path
    this.#onProblem = onProblem
  }

  /** @param onProblem called where the file cannot be read or written; the queue goes on without it. */
  static async open(path: string, onProblem: (error: unknown) => void): Promise<DeliveryQueue> {
    const queue = new DeliveryQueue(path, onProblem)
    try {
      const bytes = await readFile(path)
      queue.#isOnDisk = true
      if (bytes.byteLength > MAX_FILE_BYTES) throw new Error('The file is too large.')
      queue.#deliveries = file.parse(JSON.parse(bytes.toString('utf8'))).deliveries
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') onProblem(error)
    }
    return queue
  }

  get first(): Delivery | undefined {
    return this.#deliveries[0]
  }

  /** @returns false if the oldest one had to be given up for it. */
  push(delivery: Delivery): boolean {
    this.#deliveries.push(delivery)
    const hasRoom = this.#deliveries.length <= MAX_DELIVERIES
    if (!hasRoom) this.#deliveries.shift()
    this.#save()
    return hasRoom
  }

  /** The first one is done with. */
  drop(delivery: Delivery): void {
    this.#deliveries = this.#deliveries.filter((it) => it !== delivery)
    this.#save()
  }

  /** The others come first now. */
  postpone(delivery: Delivery): void {
    this.#deliveries = [...this.#deliveries.filter((it) => it !== delivery), delivery]
  }

  /** Resolves when what is queued is on disk, as far as it can be. */
  async saved(): Promise<void> {
    await this.#writes.idle()
  }

  // What is asked for before a write has begun is part of it.
  #save(): void {
    if (this.#mustWrite) return
    this.#mustWrite = true
    void this.#writes.run(async () => {
      this.#mustWrite = false
      await this.#write().catch(this.#onProblem)
    })
  }

  async #write(): Promise<void> {
    if (this.#deliveries.length > 0) {
      const json = JSON.stringify({ deliveries: this.#deliveries })
      await replaceWhole(this.#path, [Buffer.from(json)])
      this.#isOnDisk = true
    } else if (this.#isOnDisk) {
      await rm(this.#path, { force: true })
      this.#isOnDisk = false
    }
  }
}
