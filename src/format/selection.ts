import { merged, without, type BlockRange } from './block-ranges.ts'

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
