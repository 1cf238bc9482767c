import { join } from 'node:path'
import type { Context } from '../context.ts'
import { writeGhostExport } from '../corpus.ts'
import { interleave, type Result } from '../measure.ts'

interface Imported {
  readonly ms: number
  readonly issues: number
}

const BATCH = 64
const POSTS = 1_000
const FEW_POSTS = 50
/** 300 posts a second. */
const POSTS_MS = Math.round((POSTS / 300) * 1_000)

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
  const ghost = await context.temporary('ghost')
  await writeGhostExport(join(ghost, 'export.json'), context.size(POSTS, FEW_POSTS))
  const [posts = []] = await interleave(Math.min(runs, 3), [
    () =>
      context.withTemporary('import', (dataDir) =>
        context.children.run<Imported>('import.ts', { dataDir, folder: ghost }),
      ),
  ])
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
    {
      what: `import a Ghost export of ${posts[0]?.issues ?? 0} posts`,
      unit: 'ms',
      samples: { ours: times(posts), baseline: [] },
      goal: { value: POSTS_MS },
    },
  ]
}
