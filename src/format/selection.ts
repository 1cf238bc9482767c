import { merged, without, type BlockRange } from './block-ranges.ts'
import type { Log } from './log.ts'

/** Which blocks of a log have their place on this machine. Ranges ascend without overlap; the last may end at Infinity. */
export interface Selection {
  /** To be fetched now. */
  readonly fetch: readonly BlockRange[]
  /** May stay; what lies outside is freed. Contains `fetch`. */
  readonly keep: readonly BlockRange[]
}

const ALL: readonly BlockRange[] = [{ start: 0, end: Infinity }]

/** All there is and will be. */
export const EVERYTHING: Selection = { fetch: ALL, keep: ALL }

/** Nothing is decided: what is here stays, and nothing more comes. */
export const UNDECIDED: Selection = { fetch: [], keep: ALL }

/** What is neither to be fetched nor kept. */
export function excludedBy(
  { keep }: Selection,
  dropped: readonly BlockRange[],
): readonly BlockRange[] {
  return keep === ALL ? dropped : merged([...without(ALL, keep), ...dropped])
}

/** Whether both lists have the same ranges. */
export function sameRanges(a: readonly BlockRange[], b: readonly BlockRange[]): boolean {
  return (
    a.length === b.length && a.every((it, i) => it.start === b[i]?.start && it.end === b[i].end)
  )
}

/** Which blocks of a log have their place on this machine, and which of them are here. A change is a `selected` event. */
export class BlockSelection {
  readonly #log: Log
  #selection: Selection = EVERYTHING
  #retracted: readonly BlockRange[] = []
  #unwanted: readonly BlockRange[] = []

  constructor(log: Log) {
    this.#log = log
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

  /** How many blocks are here or need not be. */
  get held(): number {
    const { length, contiguousLength } = this.#log
    if (contiguousLength === length) return length
    const held = this.#log.countHeld({ start: 0, end: length })
    return this.#unwantedNow().reduce(
      (sum, range) => sum + range.end - range.start - this.#log.countHeld(range),
      held,
    )
  }

  /** Drops what is here and need not be, each range in one piece. @returns how many blocks went. */
  async drop(): Promise<number> {
    let dropped = 0
    for (const range of this.#unwantedNow()) {
      const held = this.#log.countHeld(range)
      if (held > 0) await this.#log.drop(range)
      dropped += held
    }
    return dropped
  }

  #unwantedNow(): BlockRange[] {
    const { length } = this.#log
    return this.#unwanted
      .filter(({ start }) => start < length)
      .map(({ start, end }) => ({ start, end: Math.min(end, length) }))
  }

  #changed(): void {
    this.#unwanted = excludedBy(this.#selection, this.#retracted)
    this.#log.events.emit('selected')
  }
}

/**
 * The blocks of a log that are not here, but for what is `dropped`: ascending, neighbours together, and
 * no more than the first `limit` ranges of them.
 */
export function missingRanges(
  log: Log,
  dropped: readonly BlockRange[],
  limit: number,
): BlockRange[] {
  const found: BlockRange[] = []
  for (const range of without([{ start: 0, end: log.length }], dropped)) collect(range)
  return found.slice(0, limit)

  // By halves: a long log that lacks little is not looked through block by block.
  function collect({ start, end }: BlockRange): void {
    if (start >= end || found.length > limit) return
    const held = log.countHeld({ start, end })
    if (held === end - start) return
    const last = found.at(-1)
    if (held > 0) {
      const middle = Math.floor((start + end) / 2)
      collect({ start, end: middle })
      collect({ start: middle, end })
    } else if (last?.end === start) {
      found[found.length - 1] = { start: last.start, end }
    } else {
      found.push({ start, end })
    }
  }
}
