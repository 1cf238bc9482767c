import { hasCode } from '../errors.ts'
import { includes, without } from '../format/block-ranges.ts'
import type { Feed } from '../format/feed.ts'
import { firstBlock, type Fetch, type LogPeer } from '../format/log.ts'
import { EVERYTHING } from '../format/selection.ts'
import { Bell, inBackground, SerialQueue, sleep, timeoutSignal } from '../async.ts'

/**
 * How long the backlog waits for the newest issue. If no peer delivers that one by then, older
 * issues must not wait for it.
 */
const NEWEST_FIRST_MS = 3_000

/** How long the backlog waits for whoever waited for the newest issue, and reads it now on the same processor. */
const READ_FIRST_MS = 10

/**
 * So much of the log is fetched ahead of the walk through its records, which would have to wait for each few of them.
 * If the author took something of it back, it is fetched in vain.
 */
const AHEAD_BYTES = 1024 * 1024

/** So few blocks are asked for one by one: to plan who sends which takes longer. */
const FEW_BLOCKS = 4

/** How long each record is waited for before the log is looked through again. */
const RECORD_TIMEOUT_MS = 20_000

/** Delay from the growth of a log to reading what is new. */
const LOOK_AFTER_MS = 100

/** How long after a look at a log of which records were missing the next one comes. */
const LOOK_AGAIN_MS = 5_000

/** Delay from the arrival of a block to checking whether it was the last one. */
const ANNOUNCE_AFTER_MS = 100

/**
 * The downloads of one feed: the newest issue first, then everything there is and will be, but for
 * what its author took back. That is taken off the disk, and never asked for again. Where the feed has a
 * selection, that alone is fetched and kept.
 */
export class Downloader {
  readonly #feed: Feed
  readonly #log: (what: string, error: unknown) => void
  readonly #abort = new AbortController()
  readonly #stop: readonly (() => void)[]
  #downloads: Fetch[] | undefined
  #announcement: NodeJS.Timeout | undefined
  readonly #drops = new SerialQueue()

  /** Begins at once; nothing is awaited. */
  constructor(feed: Feed, log: (what: string, error: unknown) => void) {
    this.#feed = feed
    this.#log = log
    const { events } = feed.log
    this.#stop = [
      events.on('downloader', 'selected', this.#onUnwanted),
      events.on('downloader', 'download', this.#onDownload),
    ]
    this.#run().catch((error: unknown) => {
      if (!this.#abort.signal.aborted) log('download failed', error)
    })
  }

  close(): void {
    this.#abort.abort()
    for (const stop of this.#stop) stop()
    clearTimeout(this.#announcement)
    for (const it of this.#downloads ?? []) it.destroy()
  }

  // The first sync holds the backlog back until the newest issue and the profile are in.
  async #run(): Promise<void> {
    const feed = this.#feed
    const { signal } = this.#abort
    if (!feed.writable) await firstBlock(feed.log, signal)
    if (!feed.writable && feed.selection === EVERYTHING) {
      const deadline = timeoutSignal(NEWEST_FIRST_MS, signal)
      const options = { signal: deadline }
      // The newest record says where the profile is, nearly always there.
      const usualProfile = feed.log.read(0, options)
      usualProfile.catch(() => undefined)
      const first = [fetchNewest(feed, deadline), feed.profile(options)]
      for (const it of await Promise.allSettled(first)) {
        if (it.status === 'rejected') this.#log('newest first', it.reason)
      }
      await sleep(READ_FIRST_MS)
      await this.#begin(deadline).catch((error: unknown) => this.#log('list of issues', error))
    }
    if (signal.aborted) return
    this.#plan()
    await this.#drop()
    await this.#keepUp(signal)
  }

  // What was taken back should not be fetched first, and nothing should wait for the whole list: a retraction
  // stands behind what it takes back, so each section that has been walked through can be fetched, and a little more.
  async #begin(signal: AbortSignal): Promise<void> {
    const { log } = this.#feed
    this.#downloads = []
    let end = this.#feed.length
    const ahead = Math.ceil((AHEAD_BYTES * log.length) / Math.max(1, log.byteLength))
    for await (const { from, dropped } of this.#feed.sections({ signal })) {
      if (this.#abort.signal.aborted || this.#feed.selection !== EVERYTHING) return
      const start = Math.max(0, from - ahead)
      if (start >= end) continue
      const wanted = without([{ start, end }], dropped)
      this.#downloads.push(...wanted.map((it) => log.fetch(it)))
      end = start
    }
  }

  // Looks through the log whenever it has grown; `#onUnwanted` handles what was taken back.
  async #keepUp(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { length } = this.#feed
      const isWhole = await this.#feed
        .list({ signal, timeoutMs: RECORD_TIMEOUT_MS })
        .then(({ missing }) => missing === 0)
        .catch((error: unknown) => {
          this.#log('looking for retractions', error)
          // Of a log that cannot be read here, everything is kept.
          return !hasCode(error, 'NOT_AVAILABLE')
        })
      if (signal.aborted || !this.#feed.log.isOpen) return
      if (this.#feed.length === length) await this.#grown(isWhole ? undefined : LOOK_AGAIN_MS)
      await sleep(LOOK_AFTER_MS)
    }
  }

  // An import or a sync appends again and again; one look serves them all.
  async #grown(timeoutMs: number | undefined): Promise<void> {
    const { events } = this.#feed.log
    const bell = new Bell()
    const ring = () => bell.ring()
    const stops = [events.on('downloader', 'append', ring), events.on('downloader', 'close', ring)]
    await bell.wait(this.#abort.signal, timeoutMs)
    for (const stop of stops) stop()
  }

  // One range a gap, and one that follows the log from the end of the last hole on.
  #plan(): void {
    const { log, dropped, selection } = this.#feed
    for (const it of this.#downloads ?? []) it.destroy()
    this.#downloads = without(selection.fetch, dropped)
      .filter((it) => it.end === Infinity || log.countHeld(it) < it.end - it.start)
      .map((it) => log.fetch(it))
  }

  readonly #onUnwanted = (): void => {
    if (this.#abort.signal.aborted) return
    if (this.#downloads !== undefined) this.#plan()
    this.#drop().catch((error: unknown) => this.#log('dropping', error))
  }

  // A block that was on its way when its issue was taken back.
  readonly #onDownload = (index: number): void => {
    const { unwanted } = this.#feed
    if (unwanted.some((it) => includes(it, index))) {
      this.#drop().catch((error: unknown) => this.#log('dropping', error))
    } else if (unwanted.length > 0) this.#announceSoon()
  }

  // Hypercore announces by itself that a core is complete, but not one with holes.
  #announceSoon(): void {
    this.#announcement ??= inBackground(
      setTimeout(() => {
        this.#announcement = undefined
        const { heldBlocks, length } = this.#feed
        if (heldBlocks === length) this.#announce()
      }, ANNOUNCE_AFTER_MS),
    )
  }

  #drop(): Promise<void> {
    return this.#drops.run(async () => {
      if (this.#feed.unwanted.length === 0 || this.#abort.signal.aborted) return
      await this.#feed.dropUnwanted()
      this.#announce()
    })
  }

  #announce(): void {
    for (const peer of this.#feed.log.peers) announceHeld(this.#feed, peer)
  }
}

async function fetchNewest(feed: Feed, signal: AbortSignal): Promise<void> {
  const newest = await feed.newest({ signal })
  if (newest === undefined) return
  const { log } = feed
  const lacking = feed.neededRanges(newest).flatMap((it) => log.missingIn(it, FEW_BLOCKS))
  if (lacking.length <= FEW_BLOCKS) {
    await Promise.all(lacking.map((index) => log.read(index, { signal })))
    return
  }
  const ranges = feed.neededRanges(newest).map((it) => log.fetch(it))
  const stop = () => ranges.forEach((it) => it.destroy())
  signal.addEventListener('abort', stop, { once: true })
  await Promise.all(ranges.map((it) => it.done()))
  signal.removeEventListener('abort', stop)
}

/**
 * Announces to a peer what is held around what is not wanted here. By itself Hypercore announces the unbroken
 * beginning of a core, and each block that is dropped; the other side then takes all behind it for gone.
 */
export function announceHeld({ log, unwanted }: Feed, peer: LogPeer): void {
  if (unwanted.length === 0) return
  for (const range of without([{ start: 0, end: log.length }], unwanted)) {
    // What is held in part is announced on demand.
    if (log.countHeld(range) === range.end - range.start) peer.announce(range)
  }
}
