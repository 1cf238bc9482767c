import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Context } from '../context.ts'
import type { Result } from '../measure.ts'

interface Listing {
  readonly listed: number
  readonly listMs: number
  readonly pageMs: number
  readonly mostHeapMb: number
}

const ISSUES = 100_000
const FEW_ISSUES = 1_000

/** The list of a very long newsletter, with and without what is known of it from before. */
export async function measureListing(context: Context): Promise<Result[]> {
  const first: Listing[] = []
  const again: Listing[] = []
  const issues = context.size(ISSUES, FEW_ISSUES)
  await context.withTemporary('listing', async (dataDir) => {
    context.say(`listing: writing ${issues} issues`)
    await context.children.run('listing.ts', { dataDir, issues })
    const count = context.runs(3)
    for (let round = 1; round <= count; round++) {
      context.say(`listing: round ${round} of ${count}`)
      await rm(join(dataDir, 'histories'), { recursive: true, force: true })
      for (const runs of [first, again])
        runs.push(await context.children.run<Listing>('listing.ts', { dataDir }))
    }
  })
  if ([...first, ...again].some((it) => it.listed !== issues))
    throw new Error('Issues are missing.')
  const samples = (runs: readonly Listing[], of: (run: Listing) => number) => ({
    ours: runs.map(of),
    baseline: [],
  })
  const what = `listing: ${issues} issues`
  return [
    { what: `${what}, for the first time`, unit: 'ms', samples: samples(first, (it) => it.listMs) },
    {
      what: `${what}, after a restart`,
      unit: 'ms',
      samples: samples(again, (it) => it.listMs),
      goal: { value: 2_000 },
    },
    {
      what: `${what}, heap at most`,
      unit: 'MB',
      samples: samples(again, (it) => it.mostHeapMb),
      goal: { value: 150 },
    },
    { what: `${what}, a page of 50`, unit: 'ms', samples: samples(again, (it) => it.pageMs) },
  ]
}
