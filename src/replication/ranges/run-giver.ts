import { noteBuffer } from '../../heap.ts'
import { readRun } from '../../log/internals/runs.ts'
import type { Log, LogPeer } from '../../format/log.ts'
import {
  MAX_GIVEN_BYTES,
  MAX_RUN_BYTES,
  NOT_HERE,
  TOO_LARGE,
  type AskedRun,
  type RangeMessage,
} from './range-message.ts'

/** Runs that one peer has asked for and not got. */
const MAX_WAITING = 256

/** What goes out at once should take about so long: pushes and requests wait behind it. */
const MOST_MS = 30
const MOST_BYTES = 1024 * 1024

/** Where the runs go. */
export interface Receiver {
  send(message: RangeMessage): void
  /** Resolves when what was sent is on its way. */
  drained(): Promise<void>
}

interface Wanted {
  readonly log: Log
  readonly peer: LogPeer
  readonly id: number
  readonly run: AskedRun
}

type Read = Wanted & { readonly found: Awaited<ReturnType<typeof readRun>> }

/** Sends one peer the runs that it asks for, one after the other, the next one read while one goes out. */
export class RunGiver {
  readonly #receiver: Receiver
  #waiting: Wanted[] = []
  #current: number | undefined
  #isBusy = false
  /** Sent without waiting for the way to be free: as much as it lately took in `MOST_MS`. */
  #atOnce = MAX_GIVEN_BYTES
  #unsentBytes = 0

  constructor(receiver: Receiver) {
    this.#receiver = receiver
  }

  ask(wanted: Wanted): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#receiver.send({ kind: 'lack', id: wanted.id, why: TOO_LARGE })
      return
    }
    this.#waiting.push(wanted)
    if (this.#isBusy) return
    this.#isBusy = true
    void this.#run().finally(() => (this.#isBusy = false))
  }

  cancel(id: number): void {
    this.#waiting = this.#waiting.filter((it) => it.id !== id)
    if (this.#current === id) this.#current = undefined
  }

  /** Gives nothing more of a log. */
  forget(log: Log): void {
    for (const it of this.#waiting.filter((wanted) => wanted.log === log)) {
      this.cancel(it.id)
      this.#receiver.send({ kind: 'lack', id: it.id, why: NOT_HERE })
    }
  }

  async #run(): Promise<void> {
    let next = this.#begin()
    while (next !== undefined) {
      const current = await next
      next = this.#begin()
      await this.#give(current)
      next ??= this.#begin()
    }
  }

  #begin(): Promise<Read> | undefined {
    const wanted = this.#waiting.shift()
    return wanted && read(wanted)
  }

  async #give({ log, peer, id, found }: Read): Promise<void> {
    const isPeer = log.isOpen && log.peers.includes(peer)
    if (typeof found === 'string' || !isPeer) {
      const why = found === 'too-large' ? TOO_LARGE : NOT_HERE
      this.#receiver.send({ kind: 'lack', id, why })
      return
    }
    this.#current = id
    let { beside } = found
    let blocks: Uint8Array[] = []
    let bytes = 0
    const send = async () => {
      noteBuffer(bytes)
      this.#receiver.send({ kind: 'give', id, beside, blocks })
      beside = []
      this.#unsentBytes += bytes
      blocks = []
      bytes = 0
      if (this.#unsentBytes >= this.#atOnce) await this.#wait()
    }
    for (const block of found.blocks) {
      if (blocks.length > 0 && bytes + block.byteLength > MAX_GIVEN_BYTES) await send()
      if (this.#current !== id) return
      blocks.push(block)
      bytes += block.byteLength
    }
    found.noteGiven()
    await send()
  }

  async #wait(): Promise<void> {
    const beganMs = performance.now()
    await this.#receiver.drained()
    const tookMs = performance.now() - beganMs
    const factor = tookMs < MOST_MS / 2 ? 2 : tookMs > MOST_MS ? 0.5 : 1
    this.#atOnce = Math.min(MOST_BYTES, Math.max(MAX_GIVEN_BYTES, this.#atOnce * factor))
    this.#unsentBytes = 0
  }
}

async function read(wanted: Wanted): Promise<Read> {
  const { log, run, peer } = wanted
  if (!log.isOpen || !log.peers.includes(peer)) return { ...wanted, found: 'lacking' }
  // A store that cannot be read, or is being closed, has nothing to give.
  const found = await readRun(log, run, peer, MAX_RUN_BYTES).catch(() => 'lacking' as const)
  return { ...wanted, found }
}
