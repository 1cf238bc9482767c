import type { Download, Peer } from 'hypercore'
import type { BlockRange, Feed } from '../format/feed.ts'
import { EVERYTHING } from '../format/selection.ts'
import { announceRange } from './held-announcements.ts'

export interface NewestIssueFirstOptions {
  readonly feed: Feed
  readonly log: (what: string, error: unknown) => void
}

/** Blocks arrive by the hundred; how soon after one of them the newest issue is looked at. */
const LOOK_MS = 100

/** How long the record of a new issue is waited for. */
const RECORD_TIMEOUT_MS = 15_000

/**
 * Fetches an issue that is published while older ones are still being fetched before the rest of those, and tells peers
 * when all of it is here. Of itself Hypercore tells nobody of blocks that they have too before it holds
 * everything, and so the author would not know of the copy.
 */
export class NewestIssueFirst {
  readonly #feed: Feed
  readonly #log: NewestIssueFirstOptions['log']
  readonly #abort = new AbortController()
  #length: number
  #timer: NodeJS.Timeout | undefined
  #downloads: Download[] = []
  #held: { readonly index: number; readonly ranges: readonly BlockRange[] } | undefined

  /** Begins at once; nothing is awaited. */
  constructor({ feed, log }: NewestIssueFirstOptions) {
    this.#feed = feed
    this.#log = log
    this.#length = feed.length
    const { core } = feed
    core.on('append', this.#onAppend)
    core.on('download', this.#onDownload)
    core.on('peer-add', this.#onPeerAdd)
    this.#onDownload()
  }

  close(): void {
    const { core } = this.#feed
    this.#abort.abort()
    clearTimeout(this.#timer)
    this.#giveUp()
    core.off('append', this.#onAppend)
    core.off('download', this.#onDownload)
    core.off('peer-add', this.#onPeerAdd)
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
    }, LOOK_MS)
    this.#timer.unref()
  }

  readonly #onPeerAdd = (peer: Peer): void => {
    if (this.#held !== undefined && !this.#isComplete) tell([peer], this.#held.ranges)
  }

  get #isComplete(): boolean {
    const { contiguousLength, length } = this.#feed.core
    return contiguousLength === length
  }

  async #fetch(): Promise<void> {
    const { signal } = this.#abort
    const newest = await this.#feed.newest({ signal, timeoutMs: RECORD_TIMEOUT_MS })
    if (newest === undefined || signal.aborted || (await this.#feed.holdsIssue(newest))) return
    this.#giveUp()
    this.#downloads = this.#feed.neededRanges(newest).map((it) => this.#feed.core.download(it))
  }

  async #look(): Promise<void> {
    if (this.#isComplete || this.#feed.core.closing !== null) return
    const newest = await this.#feed.newest({ wait: false })
    if (newest === undefined || newest.index === this.#held?.index) return
    if (!(await this.#feed.holdsIssue(newest)) || this.#abort.signal.aborted) return
    this.#held = { index: newest.index, ranges: this.#feed.neededRanges(newest) }
    tell(this.#feed.core.peers, this.#held.ranges)
  }

  #giveUp(): void {
    for (const it of this.#downloads) it.destroy()
    this.#downloads = []
  }

  #fail(what: string, error: unknown): void {
    if (!this.#abort.signal.aborted) this.#log(what, error)
  }
}

function tell(peers: readonly Peer[], ranges: readonly BlockRange[]): void {
  for (const peer of peers) {
    for (const range of ranges) announceRange(peer, range)
  }
}
