import type { Context } from '../context.ts'
import { interleave, type Result } from '../measure.ts'

interface Imported {
  readonly ms: number
  readonly issues: number
}

const BATCH = 64

/** Import of an archive against reading, parsing and appending it by hand. */
export async function measureImport(context: Context): Promise<Result[]> {
  const folder = await context.corpus()
  const plain = (batch: number) => () =>
    context.withTemporary('plain-import', (dir) =>
      context.children.run<Imported>('plain-import.ts', { dir, folder, batch }),
    )
  const runs = context.runs(7)
  const product = (dryRun: boolean) => () =>
    context.withTemporary('import', (dataDir) =>
      context.children.run<Imported>('import.ts', { dataDir, folder, dryRun }),
    )
  const [ours = [], single = [], batched = [], rehearsed = []] = await interleave(
    runs,
    [product(false), plain(1), plain(BATCH), product(true)],
    (round) => context.say(`import: round ${round} of ${runs}`),
  )
  const issues = ours[0]?.issues ?? 0
  const times = (results: readonly Imported[]) => results.map((it) => it.ms)
  return [
    {
      what: `import ${issues} issues, plain: one append an issue`,
      unit: 'ms',
      samples: { ours: times(ours), baseline: times(single) },
      goal: { ratio: 1.5 },
    },
    {
      what: `import ${issues} issues, plain: appends of ${BATCH}`,
      unit: 'ms',
      samples: { ours: times(ours), baseline: times(batched) },
    },
    {
      what: `rehearse the import of ${issues} issues, plain: the import`,
      unit: 'ms',
      samples: { ours: times(rehearsed), baseline: times(ours) },
      goal: { ratio: 0.8 },
    },
  ]
}
