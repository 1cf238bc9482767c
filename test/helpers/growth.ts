import { expect } from 'vitest'

/** Longest body of an issue, in bytes. */
export const BODY_MAX = 2 * 1024 * 1024

/** The smallest text that is measured; each following one is four times as long. */
const SMALLEST = 8 * 1024
const STEP = 4

/** Beyond this times the growth of the text, the cost grows faster than linearly: with its square, four times. */
const TOLERANCE = 2.5

/** Below this many milliseconds of CPU time, growth is noise. */
const FLOOR_MS = 250

/** For a text of 2 MiB, in milliseconds of CPU time. */
const CEILING_MS = 8_000

/** A text by its length: a beginning, and a unit that is repeated. */
export interface Construct {
  readonly start?: string
  readonly unit: string
  readonly end?: string
}

export function textOf({ start = '', unit, end = '' }: Construct, length: number): string {
  const room = Math.max(0, length - start.length - end.length)
  return start + unit.repeat(Math.ceil(room / unit.length)).slice(0, room) + end
}

/** Fails unless the CPU time of `work` grows about as the text does, up to 2 MiB. */
export async function expectLinear(
  construct: Construct,
  work: (text: string) => unknown,
): Promise<void> {
  let before: number | undefined
  for (let length = SMALLEST; length <= BODY_MAX; length *= STEP) {
    const text = textOf(construct, length)
    const most = Math.max(FLOOR_MS, (before ?? Infinity) * STEP * TOLERANCE)
    // The first one warms up, and costs more.
    before = await least(() => work(text), Math.min(most, CEILING_MS), before === undefined ? 3 : 1)
    const cost = { length, ms: before }
    expect(cost).toSatisfy(({ ms }: typeof cost) => ms < Math.min(most, CEILING_MS))
  }
}

/** The CPU time of `work`, of the cheapest of more attempts where it is more than `most`: others use the processor, too. */
async function least(work: () => unknown, most: number, attempts: number): Promise<number> {
  let cost = Infinity
  for (let done = 0; done < attempts || (cost >= most && done < attempts + 5); done++) {
    cost = Math.min(cost, await cpuOf(work))
  }
  return cost
}

async function cpuOf(work: () => unknown): Promise<number> {
  const start = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1_000
}
