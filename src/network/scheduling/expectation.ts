import { Window } from './window.ts'

/** A peer that was asked and sends nothing for so long is not waited for, if it never sent anything … */
const SILENT_MS = 4_000

/** … and if it did, after so many times what a block took on average, but not before `SILENT_MS` either. */
const SILENT_TIMES = 4

/**
 * A fellow that announces nothing of its share, for so many times as long as sources took for a block of ours, is
 * taken out of the division: it may not even be connected to them.
 */
const IDLE_TIMES = 4
const LEAST_IDLE_MS = 1_000
const MOST_IDLE_MS = 3_000

/** What may be expected of one peer, by what it did so far. */
export class Expectation {
  /** `seedOf` its public key. */
  readonly seed: number
  readonly window: Window
  /** Since when it owes a block without a break; or when it last sent one. */
  #busySinceMs: number
  #isSilent = false
  /** How many announcements it had made, and since when it makes none, though some are due. */
  #announcements = 0
  #dueSinceMs: number
  #isIdle = false

  constructor(seed: number, blockBytes: number, nowMs: number) {
    this.seed = seed
    this.window = new Window(blockBytes)
    this.#busySinceMs = nowMs
    this.#dueSinceMs = nowMs
  }

  /** Does not fetch its share. */
  get isIdle(): boolean {
    return this.#isIdle
  }

  /** @param inFlight requests to it that are under way, without this one */
  noteAsked(index: number, inFlight: number, nowMs: number): void {
    if (inFlight === 0) this.#busySinceMs = nowMs
    this.window.noteAsked(index)
  }

  noteArrival(index: number, sizeBytes: number, elapsedMs: number, nowMs: number): void {
    this.#busySinceMs = nowMs
    this.#isSilent = false
    this.window.noteArrival(index, sizeBytes, elapsedMs)
  }

  /**
   * @param announcements how many it has made so far
   * @param isDue whether a share of it is open
   * @param usualMs how long a source takes for a block
   */
  noteAnnouncements(announcements: number, isDue: boolean, usualMs: number, nowMs: number): void {
    const patienceMs = Math.min(MOST_IDLE_MS, Math.max(LEAST_IDLE_MS, IDLE_TIMES * usualMs))
    if (announcements !== this.#announcements) this.#isIdle = false
    if (announcements !== this.#announcements || !isDue) this.#dueSinceMs = nowMs
    else if (nowMs - this.#dueSinceMs > patienceMs) this.#isIdle = true
    this.#announcements = announcements
  }

  /** Once silent, it stays so until it sends something: what it is asked for, others are asked for too. */
  isSilent(inFlight: number, nowMs: number): boolean {
    const limitMs = Math.max(SILENT_MS, SILENT_TIMES * (this.window.elapsedMs ?? 0))
    if (inFlight > 0 && nowMs - this.#busySinceMs > limitMs) this.#isSilent = true
    return this.#isSilent
  }
}
