import { HyperletterError } from '../../errors.ts'
import { merged, type BlockRange } from '../../format/block-ranges.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'

/** What of an issue was fetched because somebody asked for it, though it has no place here. */
export interface OnDemandIssue {
  readonly feedKey: FeedKey
  readonly number: number
  readonly ranges: readonly BlockRange[]
  readonly bytes: number
}

const SHARE = 0.125

/** All such, the first that was asked for first. It goes first when room is needed, and with the process. */
export class OnDemandCache {
  #loans: readonly OnDemandIssue[] = []

  get bytes(): number {
    return this.#loans.reduce((sum, it) => sum + it.bytes, 0)
  }

  get first(): OnDemandIssue | undefined {
    return this.#loans[0]
  }

  of(feedKey: FeedKey): readonly OnDemandIssue[] {
    return this.#loans.filter((it) => it.feedKey === feedKey)
  }

  /** Adds to what was fetched of an issue; beyond a share of the budget, the oldest of others make room for it. */
  add({ feedKey, number, ranges, bytes }: OnDemandIssue, budgetBytes: number): void {
    const isSame = (it: OnDemandIssue) => it.feedKey === feedKey && it.number === number
    const before = this.#loans.find(isSame)
    const sum = {
      feedKey,
      number,
      ranges: merged([...(before?.ranges ?? []), ...ranges]),
      bytes: bytes + (before?.bytes ?? 0),
    }
    this.#loans = [...this.#loans.filter((it) => !isSame(it)), sum]
    const limitBytes = budgetBytes * SHARE
    while (this.#loans.length > 1 && this.bytes > limitBytes) this.#loans = this.#loans.slice(1)
  }

  forget(feedKey: FeedKey): void {
    this.#loans = this.#loans.filter((it) => it.feedKey !== feedKey)
  }
}

/** @throws TOO_LARGE if something never fits */
export function assertFits(bytes: number, budgetBytes: number): void {
  if (bytes <= budgetBytes) return
  throw new HyperletterError('TOO_LARGE', 'It is larger than the disk cap of this device.', {
    hint: 'Raise it with --disk-cap, or in the settings.',
  })
}
