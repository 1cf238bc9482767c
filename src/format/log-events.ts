import type { BlockRange } from './block-ranges.ts'

/**
 * What handles an event of an open log, in this order, whoever registered first:
 *
 *     the log ──event──▶ retention      what does not fit is held back before any of it is asked for
 *                        selection      the newest issue goes before the backlog
 *                        downloader     what is wanted is asked for, and what is not wanted is dropped
 *                        scheduler      which peer is asked for which block
 *                        push           a new entry goes to peers who hold the log up to it
 *                        announcements  peers learn what is held here, and who else is here
 *                        watchers       progress, statistics, the activity of the library
 *
 * `append`: the log has grown, from here or from a peer. `download`: a block arrived and is stored. `selected`: which
 * blocks are wanted has changed. `listed`: a listing has found something new.
 */
export const ORDER = [
  'retention',
  'selection',
  'downloader',
  'scheduler',
  'push',
  'announcements',
  'watchers',
] as const

export type Stage = (typeof ORDER)[number]

/** A connected peer that replicates a log with us. */
export interface LogPeer {
  /** 32 bytes, authenticated by the connection. */
  readonly publicKey: Uint8Array
  /** Of this device, on the same connection. */
  readonly ownPublicKey: Uint8Array
  /** Blocks of its log, as it said; 0 until then. */
  readonly length: number
  /** It has said how long its log is. */
  readonly isSynced: boolean
  /** Whether it announced to have every block of a range. */
  holds(range: BlockRange): boolean
  /**
   * Asks for a block, to see whether the peer has it. Nothing is stored.
   * @param hash of the block, as the tree that the key signed has it.
   * @throws Error if it does not answer in time
   */
  prove(index: number, hash: Uint8Array): Promise<'proved' | 'wrong' | 'not-held'>
  /** Tells it that every block of a range can be had here. */
  announce(range: BlockRange): void
}

/** What happens to an open log, and what its listeners get. Sizes are in bytes, without padding. */
export interface LogEventMap {
  append: []
  truncate: []
  close: []
  /** Two histories under one key; the log closes. */
  conflict: [length: number, fork: number]
  /** `elapsedMs`: since it was asked for; absent for what was not. */
  download: [index: number, sizeBytes: number, peer: LogPeer, elapsedMs: number | undefined]
  upload: [index: number, sizeBytes: number, peer: LogPeer]
  'peer-add': [peer: LogPeer]
  'peer-remove': [peer: LogPeer]
  /** A block that a peer sent is not what the key signed, or could not be stored; `growsLog`: it came with a new length. */
  'bad-block': [error: Error, peer: LogPeer, growsLog: boolean]
  'bad-request': [peer: LogPeer]
  selected: []
  listed: []
}

type Listener<E extends keyof LogEventMap> = (...args: LogEventMap[E]) => void

interface Registration {
  readonly rank: number
  readonly listener: Listener<never>
}

/** The dispatcher of one open log. */
export class LogEvents {
  readonly #registrations = new Map<keyof LogEventMap, readonly Registration[]>()

  /** Calls `listener` at its stage of each such event, until the returned function is called. */
  on<E extends keyof LogEventMap>(stage: Stage, event: E, listener: Listener<E>): () => void {
    const registration = { rank: ORDER.indexOf(stage), listener }
    const change = (how: (before: readonly Registration[]) => Registration[]) => {
      this.#registrations.set(event, how(this.#registrations.get(event) ?? []))
    }
    // Sorting is stable: within a stage, first come, first served.
    change((it) => [...it, registration].toSorted((a, b) => a.rank - b.rank))
    return () => change((it) => it.filter((other) => other !== registration))
  }

  /** For the log and its feed: calls all listeners of an event. */
  emit<E extends keyof LogEventMap>(event: E, ...args: LogEventMap[E]): void {
    const registrations = this.#registrations.get(event)
    if (registrations === undefined) return
    for (const { listener } of registrations) (listener as Listener<E>)(...args)
  }
}
