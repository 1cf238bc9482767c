import { Window } from './window.ts'

/** A peer that was asked and sends nothing for so long is not waited for, if it never sent anything … */
const SILENT_MS = 4_000

/** … and if it did, after so many times what a block took on average, but not before `SILENT_MS` either. */
const SILENT_TIMES = 4

/**
 * A fellow that announces nothing of its share, for so many times as long as sources took for a block of ours, is
 * taken out of the division. One that never did may not even be connected to them; one that did may be slow for a while.
 */
const NEW = { times: 2, leastMs: 500, mostMs: 3_000 }
const PROVEN = { times: 4, leastMs: 1_000, mostMs: 10_000 }

/** A block that a peer sent. */
export interface Arrival {
  readonly index: number
  readonly sizeBytes: number
  /** Since it was asked for. */
  readonly elapsedMs: number
}

/** What may be expected of one peer, by what it did so far. */
export class PeerStats {
  /** `seedOf` its public key. */
  readonly seed: number
  readonly window: Window
  /** The plan in which it has nothing that is to be asked for, as long as it has announced no more than that. */
  nothing: { readonly plan: object; readonly announcements: number } | undefined
  /** When to look next for blocks of others that are late. */
  lookLateMs = -Infinity
  /** Since when it owes a block without a break; or when it last sent one. */
  #busySinceMs: number
  #restsSinceMs: number
  #isSilent = false
  /** Since when it announces nothing of its share, though some is due. */
  #dueSinceMs: number
  #isIdle = false
  /** Once announced something of its share. */
  #isProven = false

  constructor(seed: number, blockBytes: number, nowMs: number) {
    this.seed = seed
    this.window = new Window(blockBytes)
    this.#busySinceMs = nowMs
    this.#restsSinceMs = nowMs
    this.#dueSinceMs = nowMs
  }

  /** Does not fetch its share. */
  get isIdle(): boolean {
    return this.#isIdle
  }

  /** How long it has been asked for nothing, though something is wanted, if there is nothing that it owes. */
  restedMs(nowMs: number): number {
    return nowMs - this.#restsSinceMs
  }

  /** More is wanted from now on than before: what was not done until now was not due. */
  noteWanted(nowMs: number): void {
    this.#dueSinceMs = nowMs
    this.#restsSinceMs = nowMs
  }

  /** @param inFlight requests to it that are under way, without this one */
  noteAsked(index: number, inFlight: number, nowMs: number): void {
    if (inFlight === 0) this.#busySinceMs = nowMs
    this.#restsSinceMs = nowMs
    this.window.noteAsked(index)
  }

  /** @param isUsed whether about as much was under way from it as its window allows. */
  noteArrival({ index, sizeBytes, elapsedMs }: Arrival, isUsed: boolean, nowMs: number): void {
    this.#busySinceMs = nowMs
    this.#restsSinceMs = nowMs
    this.#isSilent = false
    this.window.noteArrival(index, sizeBytes, elapsedMs, isUsed)
  }

  /**
   * @param hasProgressed whether it announced something of its share of late
   * @param isDue whether a share of it is open
   * @param usualMs how long a source takes for a block
   */
  noteShare(hasProgressed: boolean, isDue: boolean, usualMs: number, nowMs: number): void {
    if (hasProgressed) {
      this.#isProven = true
      this.#isIdle = false
    }
    const { times, leastMs, mostMs } = this.#isProven ? PROVEN : NEW
    const patienceMs = Math.min(mostMs, Math.max(leastMs, times * usualMs))
    if (hasProgressed || !isDue) this.#dueSinceMs = nowMs
    else if (nowMs - this.#dueSinceMs > patienceMs) this.#isIdle = true
  }

  /** Once silent, it stays so until it sends something: what it is asked for, others are asked for too. */
  isSilent(inFlight: number, nowMs: number): boolean {
    const limitMs = Math.max(SILENT_MS, SILENT_TIMES * (this.window.elapsedMs ?? 0))
    if (inFlight > 0 && nowMs - this.#busySinceMs > limitMs) this.#isSilent = true
    return this.#isSilent
  }
}
