import type Hypercore from 'hypercore'
import type { BlockRange } from '../format/block-ranges.ts'
import { countHeld, dropBlocks } from './held-blocks.ts'
import { EVERYTHING, excludedBy, sameRanges, type Selection } from '../format/selection.ts'

/** Which blocks of a core have their place on this machine, and which of them are here. */
export class BlockSelection {
  readonly #core: Hypercore
  readonly #onChanged = new Set<() => void>()
  #selection: Selection = EVERYTHING
  #retracted: readonly BlockRange[] = []
  #unwanted: readonly BlockRange[] = []

  constructor(core: Hypercore) {
    this.#core = core
  }

  get selection(): Selection {
    return this.#selection
  }

  set selection(selection: Selection) {
    const { fetch, keep } = this.#selection
    if (sameRanges(fetch, selection.fetch) && sameRanges(keep, selection.keep)) return
    this.#selection = selection
    this.#changed()
  }

  /** What its author took back. */
  get retracted(): readonly BlockRange[] {
    return this.#retracted
  }

  set retracted(ranges: readonly BlockRange[]) {
    if (sameRanges(this.#retracted, ranges)) return
    this.#retracted = ranges
    this.#changed()
  }

  /** What need not be here. The last range may end at Infinity. */
  get unwanted(): readonly BlockRange[] {
    return this.#unwanted
  }

  /** Calls `listener` after each change, until the returned function is called. */
  watch(listener: () => void): () => void {
    this.#onChanged.add(listener)
    return () => this.#onChanged.delete(listener)
  }

  /** How many blocks are here or need not be. */
  get held(): number {
    const { length, contiguousLength } = this.#core
    if (contiguousLength === length) return length
    const held = countHeld(this.#core, { start: 0, end: length })
    return this.#unwantedNow().reduce(
      (sum, range) => sum + range.end - range.start - countHeld(this.#core, range),
      held,
    )
  }

  /** Drops what is here and need not be, each range in one piece. @returns how many blocks went. */
  async drop(): Promise<number> {
    let dropped = 0
    for (const range of this.#unwantedNow()) {
      const held = countHeld(this.#core, range)
      if (held > 0) await dropBlocks(this.#core, range)
      dropped += held
    }
    return dropped
  }

  #unwantedNow(): BlockRange[] {
    const { length } = this.#core
    return this.#unwanted
      .filter(({ start }) => start < length)
      .map(({ start, end }) => ({ start, end: Math.min(end, length) }))
  }

  #changed(): void {
    this.#unwanted = excludedBy(this.#selection, this.#retracted)
    for (const listener of this.#onChanged) listener()
  }
}
