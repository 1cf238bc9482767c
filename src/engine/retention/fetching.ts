import { EVERYTHING } from '../../format/selection.ts'
import type { Budget } from './budget.ts'
import { expectedBytes, nextStep, type Allocation } from './allocate.ts'
import type { Reclaimer } from './reclaim.ts'
import type { OnDemandCache } from './on-demand-cache.ts'
import type { FeedUsage } from './feed-usage.ts'

/** How many times in a row there has to be no room before less is planned. */
const PATIENT_ROUNDS = 5

/** Of what fits: what is fetched at a time of a newsletter that does not fit whole. */
const STEP = 0.125

export interface FetchingOptions {
  readonly budget: Budget
  readonly freeing: Reclaimer
  readonly loans: OnDemandCache
  readonly usedBytes: () => Promise<number>
  /** Takes what was dropped off the disk, if that makes room for so much. */
  readonly reclaim: (wantedBytes: number) => Promise<void>
  /** Called when something is on its way that may never come. */
  readonly onWaiting: () => void
  /** Called when there was no room, though nothing is on its way. */
  readonly onRefused: () => void
}

/** Whether a newsletter is as it was when it was decided. */
type IsCurrent = (stock: FeedUsage) => boolean

/** Has what was decided fetched, a step at a time where not all of it fits. */
export class Fetching {
  readonly #options: FetchingOptions
  #refusals = 0

  constructor(options: FetchingOptions) {
    this.#options = options
  }

  async begin(
    decisions: readonly Allocation[],
    { isTight, isCurrent }: { readonly isTight: boolean; readonly isCurrent: IsCurrent },
  ): Promise<void> {
    // What has grown since is held back, and decided anew.
    const mayFetch = (stock: FeedUsage) => stock.isOpen && isCurrent(stock)
    if (decisions.every(({ chosen }) => chosen === 'all')) {
      for (const { stock } of decisions) if (mayFetch(stock)) stock.feed.select(EVERYTHING)
      return
    }
    // `isTight`: not everything that is wanted fits.
    const next = await this.#next(decisions, isTight)
    for (const { stock, chosen } of decisions) {
      const { feed } = stock
      if (!mayFetch(stock)) continue
      if (chosen === 'all') feed.select(EVERYTHING)
      else {
        const fetched = next.fetched.get(stock) ?? new Set()
        feed.select(stock.select(chosen, fetched, this.#options.loans.of(feed.feedKey)))
      }
    }
    const isRefused = next.missingBytes === 0 && next.refusedBytes !== undefined && isTight
    this.#refusals = isRefused ? this.#refusals + 1 : 0
    const { budget, onWaiting, onRefused } = this.#options
    if (next.missingBytes > 0) onWaiting()
    else if (isRefused) {
      // Something else takes the room, and nothing is on its way that would leave; the storage may be about
      // to remove a log, though.
      if (this.#refusals > PATIENT_ROUNDS) budget.lose(next.refusedBytes ?? 0)
      onRefused()
    }
  }

  async #next(decisions: readonly Allocation[], isTight: boolean) {
    const { budget, freeing, reclaim } = this.#options
    const step = (stock: FeedUsage) => budget.bytes * STEP * stock.patience
    const next = nextStep(decisions, await this.#roomBytes(decisions, isTight), step)
    if (next.refusedBytes === undefined || !freeing.isWorthwhile) return next
    await reclaim(next.refusedBytes)
    return nextStep(decisions, await this.#roomBytes(decisions, isTight), step)
  }

  async #roomBytes(decisions: readonly Allocation[], isTight: boolean): Promise<number> {
    const { budget, usedBytes } = this.#options
    if (budget.capBytes === Infinity) return Infinity
    const expected = isTight ? expectedBytes(decisions) : 0
    return budget.fullBytes - (await usedBytes()) - budget.logBytes - expected
  }
}
