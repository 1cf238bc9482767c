import type { BlockRange } from '../format/block-ranges.ts'
import type { Feed } from '../format/feed.ts'
import type { Fetch, LogPeer } from '../format/log.ts'
import { EVERYTHING } from '../format/selection.ts'

/** Blocks arrive by the hundred; how soon after one of them the newest issue is looked at. */
const LOOK_MS = 100

/** How long the record of a new issue is waited for. */
const RECORD_TIMEOUT_MS = 15_000

/**
 * Fetches an issue that is published while older ones are still being fetched before the rest of those, and announces
 * when all of it is here. By itself, Hypercore announces blocks to peers that have them too only when it holds
 * everything, and so the author would not know of the copy.
 */
export class NewestIssueFirst {
  readonly #feed: Feed
  readonly #log: (what: string, error: unknown) => void
  readonly #abort = new AbortController()
  readonly #stop: readonly (() => void)[]
  #length: number
  #timer: NodeJS.Timeout | undefined
  #downloads: Fetch[] = []
  #held: { readonly index: number; readonly ranges: readonly BlockRange[] } | undefined

  /** Begins at once; nothing is awaited. */
  constructor(feed: Feed, log: (what: string, error: unknown) => void) {
    this.#feed = feed
    this.#log = log
    this.#length = feed.length
    const { events } = feed.log
    this.#stop = [
      events.on('selection', 'append', this.#onAppend),
      events.on('announcements', 'download', this.#onDownload),
      events.on('announcements', 'peer-add', this.#onPeerAdd),
    ]
    this.#onDownload()
  }

  close(): void {
    this.#abort.abort()
    clearTimeout(this.#timer)
    this.#giveUp()
    for (const stop of this.#stop) stop()
  }

  readonly #onAppend = (): void => {
    const isFirst = this.#length === 0
    this.#length = this.#feed.length
    // The first sync begins with the newest issue anyway, and so does whoever selects.
    if (this.#feed.writable || isFirst || this.#feed.selection !== EVERYTHING) return
    this.#fetch().catch((error: unknown) => this.#fail('fetching the newest issue', error))
  }

  readonly #onDownload = (): void => {
    if (this.#timer !== undefined || this.#feed.writable) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#look().catch((error: unknown) => this.#fail('looking at the newest issue', error))
    }, LOOK_MS).unref()
  }

  readonly #onPeerAdd = (peer: LogPeer): void => {
    if (this.#held !== undefined && !this.#isComplete) announce([peer], this.#held.ranges)
  }

  get #isComplete(): boolean {
    const { contiguousLength, length } = this.#feed.log
    return contiguousLength === length
  }

  async #fetch(): Promise<void> {
    const { signal } = this.#abort
    const newest = await this.#feed.newest({ signal, timeoutMs: RECORD_TIMEOUT_MS })
    if (newest === undefined || signal.aborted || this.#feed.holdsIssue(newest)) return
    this.#giveUp()
    this.#downloads = this.#feed.neededRanges(newest).map((it) => this.#feed.log.fetch(it))
  }

  async #look(): Promise<void> {
    if (this.#isComplete || !this.#feed.log.isOpen) return
    const newest = await this.#feed.newest({ wait: false })
    if (newest === undefined || newest.index === this.#held?.index) return
    if (!this.#feed.holdsIssue(newest) || this.#abort.signal.aborted) return
    this.#held = { index: newest.index, ranges: this.#feed.neededRanges(newest) }
    announce(this.#feed.log.peers, this.#held.ranges)
  }

  #giveUp(): void {
    for (const it of this.#downloads) it.destroy()
    this.#downloads = []
  }

  #fail(what: string, error: unknown): void {
    if (!this.#abort.signal.aborted) this.#log(what, error)
  }
}

function announce(peers: readonly LogPeer[], ranges: readonly BlockRange[]): void {
  for (const peer of peers) {
    for (const range of ranges) peer.announce(range)
  }
}
