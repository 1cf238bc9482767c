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
  const [ours = [], single = [], batched = []] = await interleave(
    runs,
    [
      () =>
        context.withTemporary('import', (dataDir) =>
          context.children.run<Imported>('import.ts', { dataDir, folder }),
        ),
      plain(1),
      plain(BATCH),
    ],
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
  ]
}
