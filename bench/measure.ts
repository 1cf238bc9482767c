/** Runs of the two sides of a comparison, in the order in which they were made. */
export interface Samples {
  readonly ours: readonly number[]
  readonly baseline: readonly number[]
}

/** What a row promises: at most so many times the baseline, so much more than it, or so much of its unit. */
export type Goal =
  { readonly ratio: number } | { readonly over: number } | { readonly value: number }

/** One line of the table. */
export interface Result {
  readonly what: string
  readonly unit: 'ms' | 'kB' | 'MB' | '%'
  readonly samples: Samples
  /** Absent: the line is there to know, not to judge. */
  readonly goal?: Goal
}

/** The middle value; the mean of the two in the middle when there is none. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? NaN
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? NaN) + upper) / 2 : upper
}

/** Median of ours over median of the baseline; undefined without a baseline. */
export function ratioOf({ samples }: Result): number | undefined {
  if (samples.baseline.length === 0) return undefined
  return median(samples.ours) / median(samples.baseline)
}

/** Whether the goal is reached; undefined for a line without one. */
export function isMet(result: Result): boolean | undefined {
  if (result.goal === undefined) return undefined
  if ('value' in result.goal) return median(result.samples.ours) <= result.goal.value
  if ('over' in result.goal) {
    const { ours, baseline } = result.samples
    return median(ours) - median(baseline) <= result.goal.over
  }
  return (ratioOf(result) ?? Infinity) <= result.goal.ratio
}

/**
 * Runs the sides in turn, so that a busy moment of the machine meets all of them. One round before
 * the first counts for nothing: it fills the caches of the file system.
 * @returns for each side its result of every round.
 */
export async function interleave<T>(
  rounds: number,
  sides: readonly (() => Promise<T>)[],
  onRound: (round: number) => void = () => {},
): Promise<T[][]> {
  const results = sides.map((): T[] => [])
  for (let round = 0; round <= rounds; round++) {
    onRound(round)
    for (const [i, side] of sides.entries()) {
      const result = await side()
      if (round > 0) results[i]?.push(result)
    }
  }
  return results
}
