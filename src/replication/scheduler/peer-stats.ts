/** After this without a block, a peer that was asked is not waited for, if it never sent anything … */
const SILENT_MS = 4_000

/** … or already after this many times what others take for a block, but not before that … */
const UNPROVEN = { times: 4, leastMs: 800 }

/** … and if it did, after this many times what a block took on average, but not before `SILENT_MS` either. */
const SILENT_TIMES = 4

/**
 * A reader that announces nothing of its share for this many times as long as sources took for a block of ours is
 * taken out of the division. One that never did may not even be connected to them; one that did may be slow for a while.
 */
const NEW = { times: 2, leastMs: 500, mostMs: 3_000 }
const PROVEN = { times: 4, leastMs: 1_000, mostMs: 10_000 }

/** Of sources, in milliseconds. */
export interface Pace {
  /** How long one takes for a block. */
  readonly usualMs: number
  /** The same, or how long we wait for one now, if that is longer: only for those that did something is so much patience. */
  readonly waitedMs: number
}

/** A block that a peer sent. */
export interface Arrival {
  /** The last one of a run. */
  readonly index: number
  /** How many; one when absent. */
  readonly blocks?: number
  readonly sizeBytes: number
  /** Since it was asked for. */
  readonly elapsedMs: number
}

/** What may be expected of one peer, by what it did so far. */
export class PeerStats {
  /** `seedOf` its public key. */
  readonly seed: number
  readonly window: Window
  /** When it was connected. */
  readonly addedMs: number
  /**
   * The plan in which it has nothing that is to be asked for, as long as it has announced no more than that and no more
   * may come before us for each block.
   */
  nothing:
    { readonly plan: object; readonly announcements: number; readonly most: number } | undefined
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
    this.addedMs = nowMs
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
  noteArrival(arrival: Arrival, isUsed: boolean, nowMs: number): void {
    this.#busySinceMs = nowMs
    this.#restsSinceMs = nowMs
    this.#isSilent = false
    this.window.noteArrival(arrival, isUsed)
  }

  /**
   * @param hasProgressed whether it announced something of its share since the last plan
   * @param isDue whether a share of it is open
   */
  noteShare(hasProgressed: boolean, isDue: boolean, pace: Pace, nowMs: number): void {
    if (hasProgressed) {
      this.#isProven = true
      this.#isIdle = false
    }
    const { times, leastMs, mostMs } = this.#isProven ? PROVEN : NEW
    const sourceMs = this.#isProven ? pace.waitedMs : pace.usualMs
    const patienceMs = Math.min(mostMs, Math.max(leastMs, times * sourceMs))
    if (hasProgressed || !isDue) this.#dueSinceMs = nowMs
    else if (nowMs - this.#dueSinceMs > patienceMs) this.#isIdle = true
  }

  /** Once silent, it stays so until it sends something: what it is asked for, others are asked for too. */
  isSilent(inFlight: number, nowMs: number, othersMs = Infinity): boolean {
    const { elapsedMs } = this.window
    const limitMs =
      elapsedMs === undefined
        ? Math.min(SILENT_MS, Math.max(UNPROVEN.leastMs, UNPROVEN.times * othersMs))
        : Math.max(SILENT_MS, SILENT_TIMES * elapsedMs)
    if (inFlight > 0 && nowMs - this.#busySinceMs > limitMs) this.#isSilent = true
    return this.#isSilent
  }
}

/** Asked of a peer before anything is known of the way to it … */
const FIRST_BYTES = 128 * 1024

/** … and of the only one there is: nobody else would be faster, and a long path holds as much at 50 Mbit/s. */
const FIRST_OF_ONE_BYTES = 512 * 1024
const FIRST_OF_ONE_BYTES_PER_MS = 6_250

/** Nobody is asked for more at a time. */
const MAX_BYTES = 8 * 1024 * 1024

/** One block on its way while the next one waits … */
const LEAST_BLOCKS = 2

/** … unless this many peers are connected: each then has something to do for another. */
export const MANY_PEERS = 12

/** What reading, checking and storing a block may take at both ends, besides the way. */
const WORK_MS = 20

/**
 * If a peer is the only one, what is under way from it has to bridge every pause of either side; the longer the path,
 * the less of that on top of it, since what exceeds twice bandwidth times delay by far is lost at the far end. Of several
 * peers, one bridges the pauses of another.
 */
const AHEAD_OF_ONE_MS = 360
const PAUSE_MS = 160

/** Of the only peer, so many runs are under way; shorter ones gain less, and longer ones hold up what is urgent. */
const RUNS_AT_ONCE = 8
const LEAST_RUN_BYTES = 64 * 1024
const MOST_RUN_BYTES = 1024 * 1024

/** A path that is longer is taken for one that queues. */
const MAX_RTT_MS = 1_000

/** Requests that are remembered: more are never under way. */
const MOST_NOTES = 16_384

/** Weight of the newest sample in an average. */
const NEWEST = 0.2

/**
 * How many blocks are asked of one peer at a time: about twice what is under way when the path to it
 * is full, bandwidth times delay. Fewer leave it idle, more only queue, and what is queued at a slow
 * peer cannot be asked of a faster one.
 */
export class Window {
  #blockBytes: number
  #deliveredBytes = 0
  /** Block asked for → what had been delivered by then. */
  readonly #deliveredBefore = new Map<number, number>()
  #rttMs: number | undefined
  #bytesPerMs: number | undefined
  #elapsedMs: number | undefined

  /** @param blockBytes how long blocks are expected to be. */
  constructor(blockBytes: number) {
    this.#blockBytes = Math.max(1, blockBytes)
  }

  /** How long the blocks that come are expected to be. */
  setBlockBytes(blockBytes: number): void {
    this.#blockBytes = Math.max(1, blockBytes)
  }

  /** A round trip as the transport measured it; the shortest counts, since it did not queue. */
  noteRoundTrip(rttMs: number): void {
    if (rttMs > 0) this.#rttMs = Math.min(this.#rttMs ?? MAX_RTT_MS, rttMs)
  }

  /** A block is asked for. */
  noteAsked(index: number): void {
    // What others delivered stays behind.
    if (this.#deliveredBefore.size > MOST_NOTES) this.#deliveredBefore.clear()
    this.#deliveredBefore.set(index, this.#deliveredBytes)
  }

  /**
   * A block or a run arrived.
   * @param isUsed whether the window was: if not, more might have come if more had been asked for.
   */
  noteArrival({ index, blocks = 1, sizeBytes, elapsedMs }: Arrival, isUsed: boolean): void {
    const ms = Math.max(1, elapsedMs)
    const before = this.#deliveredBefore.get(index)
    this.#deliveredBefore.delete(index)
    this.#deliveredBytes += sizeBytes
    this.#blockBytes += (sizeBytes / blocks - this.#blockBytes) * NEWEST
    this.#elapsedMs = mix(this.#elapsedMs, ms)
    // All that came while this one was waited for, and not only this one: others were under way too.
    if (before === undefined) return
    const bytesPerMs = (this.#deliveredBytes - before) / ms
    if (!isUsed && bytesPerMs < (this.#bytesPerMs ?? Infinity)) return
    this.#bytesPerMs = mix(this.#bytesPerMs, bytesPerMs)
  }

  /** How many blocks may be asked for at a time, of one of `peers`. */
  blocks(peers: number): number {
    const bytes =
      this.#bytesPerMs === undefined
        ? this.#firstBytes(peers)
        : this.#bytesPerMs * this.#aheadMs(peers)
    const least = peers < MANY_PEERS ? LEAST_BLOCKS : 1
    return Math.max(least, Math.ceil(Math.min(bytes, MAX_BYTES) / this.#blockBytes))
  }

  #firstBytes(peers: number): number {
    if (peers > 1) return FIRST_BYTES
    return Math.max(FIRST_OF_ONE_BYTES, 2 * (this.#rttMs ?? 0) * FIRST_OF_ONE_BYTES_PER_MS)
  }

  /** How many blocks to ask for in one run of the only peer. */
  runBlocks(): number {
    const bytes = (this.blocks(1) * this.#blockBytes) / RUNS_AT_ONCE
    const most = Math.min(MOST_RUN_BYTES, Math.max(LEAST_RUN_BYTES, bytes))
    return Math.max(1, Math.floor(most / this.#blockBytes))
  }

  // Twice the way, or the rate could never be seen to grow.
  #aheadMs(peers: number): number {
    const rttMs = this.#rttMs ?? 0
    if (peers <= 1) return Math.max(2 * rttMs, AHEAD_OF_ONE_MS - rttMs)
    return 2 * (rttMs + Math.max(WORK_MS, PAUSE_MS / peers))
  }

  /** At which rate blocks came while they were asked for; 0 before the first one. */
  get bytesPerMs(): number {
    return this.#bytesPerMs ?? 0
  }

  /** How long a block took on average, from asking to storing; nothing before the first one. */
  get elapsedMs(): number | undefined {
    return this.#elapsedMs
  }
}

function mix(average: number | undefined, sample: number): number {
  return average === undefined ? sample : average + (sample - average) * NEWEST
}
