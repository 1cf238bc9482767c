import type { DebouncedTask } from '../../async.ts'
import { EVERYTHING } from '../../format/selection.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { CappedDisk } from './capped-disk.ts'
import type { FeedUsage } from './feed-usage.ts'
import { nextStep, type Choice, type OnDemandIssue, type Plan, type Step } from './plan.ts'

/** After this without a block, older issues are fetched beside those that nobody sends. */
const STALLED_MS = 5_000

/** How many times in a row there has to be no room before less is planned. */
const PATIENT_ROUNDS = 5

/** Of the budget: what is fetched at a time of a newsletter that does not fit whole. */
const STEP = 0.125

/** How many newsletters are opened at a time to see what they have, and how often: an open log takes memory. */
const OPEN_AT_ONCE = 4
const OPEN_EVERY_MS = 3_000

/** Has what a round decided fetched, a step at a time where not all of it fits. */
export class StepwiseFetching {
  readonly #disk: CappedDisk
  readonly #rounds: DebouncedTask
  /** Of the last round. */
  #usages: readonly FeedUsage[] = []
  #refusals = 0
  readonly #open: (feedKey: FeedKey) => Promise<unknown>
  #openedAt = 0

  /** @param open opens a newsletter whose log is closed. */
  constructor(
    disk: CappedDisk,
    rounds: DebouncedTask,
    open: (feedKey: FeedKey) => Promise<unknown>,
  ) {
    this.#disk = disk
    this.#rounds = rounds
    this.#open = open
  }

  /**
   * Selects what of each newsletter is fetched now, and has another round later where that is not all.
   * @param usages in the order of the plan; @param options.mayFetch false where the choice is outdated.
   */
  async fetch(
    usages: readonly FeedUsage[],
    { isTight, choices }: Plan,
    options: {
      readonly mayFetch: (usage: FeedUsage) => boolean
      readonly onDemandOf: (usage: FeedUsage) => readonly OnDemandIssue[]
    },
  ): Promise<void> {
    this.#usages = usages
    const isWhole = choices.every((it) => it === 'all')
    const step = isWhole ? undefined : await this.#nextStep(choices, isTight)
    for (const [i, usage] of usages.entries()) {
      const choice = choices[i] ?? 'all'
      if (!options.mayFetch(usage)) continue
      if (choice === 'all') usage.feed.select(EVERYTHING)
      else {
        const fetched = step?.fetched.get(i) ?? new Set()
        usage.feed.select(usage.selectionOf(choice, fetched, options.onDemandOf(usage)))
      }
    }
    if (step !== undefined) this.#afterStep(step, isTight)
  }

  /** Opens some of these newsletters, whose logs are closed, to know what may stay of them. */
  async openSome(closed: readonly FeedKey[]): Promise<void> {
    if (closed.length === 0) return
    if (Date.now() - this.#openedAt >= OPEN_EVERY_MS) {
      this.#openedAt = Date.now()
      for (const feedKey of closed.slice(0, OPEN_AT_ONCE)) await this.#open(feedKey)
    }
    this.#continueLater()
  }

  // Another round after a while: a peer that has the rest may never come, and others should not wait behind it.
  #continueLater(): void {
    this.#rounds.scheduleAfter(STALLED_MS, () => {
      for (const usage of this.#usages) usage.onPause()
    })
  }

  async #nextStep(choices: readonly Choice[], isTight: boolean): Promise<Step> {
    const usages = this.#usages
    const take = async () => {
      // What is fetched whole will take this beyond what it takes now.
      const expected = usages.filter((_, i) => isTight && choices[i] === 'all')
      const expectedBytes = expected.reduce((sum, it) => sum + it.expectedBytes, 0)
      return nextStep(
        choices,
        ({ newsletter, item }) => usages[newsletter]?.missingBytes(item) ?? 0,
        (await this.#disk.roomBytes()) - expectedBytes,
        (i) => this.#disk.budgetBytes * STEP * (usages[i]?.stepsAtOnce ?? 1),
      )
    }
    const step = await take()
    if (step.refusedBytes === undefined || !this.#disk.isReclaimable) return step
    await this.#disk.reclaim({ wantedBytes: step.refusedBytes })
    return take()
  }

  #afterStep({ missingBytes, refusedBytes }: Step, isTight: boolean): void {
    const isRefused = missingBytes === 0 && refusedBytes !== undefined && isTight
    this.#refusals = isRefused ? this.#refusals + 1 : 0
    if (missingBytes > 0) this.#continueLater()
    else if (isRefused) {
      // Something else takes the room, and nothing is on its way that would leave; the storage may be about
      // to remove a log, though.
      if (this.#refusals > PATIENT_ROUNDS) this.#disk.lose(refusedBytes)
      this.#rounds.schedule()
    }
  }
}
