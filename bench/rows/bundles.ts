import { mkdir, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Context } from '../context.ts'
import { interleave, type Result } from '../measure.ts'

interface Copied {
  readonly ms: number
  readonly blocks: number
}

interface Watched {
  readonly idleMb: number
  readonly peakMb: number
}

/** Blocks under way together in the plain copy: as many as an import stores at once. */
const BATCH = 64

/** Size of the newsletter whose memory is watched, in MiB. */
const USUAL_MIB = 1_024
const SMALLEST_MIB = 24
const ISSUE_MIB = 16

/** Issues that one child publishes: a run has a deadline. */
const ISSUES_AT_ONCE = 16

/** The newsletter, its bundle, the copy, and as much again for what the stores write meanwhile. */
const DISK_PER_SIZE = 4

/** Bundles: time against a copy by proofs, and memory with a large newsletter. */
export async function measureBundles(context: Context): Promise<Result[]> {
  return [...(await measureTime(context)), ...(await measureMemory(context))]
}

async function measureTime(context: Context): Promise<Result[]> {
  const { dataDir, feedKey, issues } = await context.archive()
  const copy = (script: string, more: object) => () =>
    context.withTemporary('copy', (dir) =>
      context.children.run<Copied>(script, { dataDir, feedKey, dir, ...more }),
    )
  const runs = context.runs(7)
  const [ours = [], single = [], batched = []] = await interleave(
    runs,
    [
      copy('bundle-copy.ts', {}),
      copy('plain-copy.ts', { batch: 1 }),
      copy('plain-copy.ts', { batch: BATCH }),
    ],
    (round) => context.say(`bundles: round ${round} of ${runs}`),
  )
  if (new Set([...ours, ...single, ...batched].map((it) => it.blocks)).size > 1) {
    throw new Error('The copies are not of the same blocks.')
  }
  const times = (copies: readonly Copied[]) => copies.map((it) => it.ms)
  return [
    {
      what: `export and import ${issues} issues, plain: proofs one by one`,
      unit: 'ms',
      samples: { ours: times(ours), baseline: times(single) },
      goal: { ratio: 2 },
    },
    {
      what: `export and import ${issues} issues, plain: ${BATCH} proofs at a time`,
      unit: 'ms',
      samples: { ours: times(ours), baseline: times(batched) },
      goal: { ratio: 2 },
    },
  ]
}

async function measureMemory(context: Context): Promise<Result[]> {
  const sizeMib = context.size(USUAL_MIB, SMALLEST_MIB)
  return context.withTemporary('large', async (dir) => {
    const neededMib = sizeMib * DISK_PER_SIZE
    const { bavail, bsize } = await statfs(dir)
    if (bavail * bsize < neededMib * 2 ** 20) {
      context.say(`bundles: no memory measured: ${neededMib} MiB of disk are needed`)
      return []
    }
    const dataDir = join(dir, 'newsletter')
    const newsletter = await publishLarge(context, { dir, dataDir, sizeMib })
    const runs = context.runs(3)
    const exports: Watched[] = []
    const imports: Watched[] = []
    for (let round = 1; round <= runs; round++) {
      context.say(`bundles: memory with ${sizeMib} MiB, round ${round} of ${runs}`)
      const file = join(dir, 'large.bundle')
      exports.push(await context.children.run('bundle-memory.ts', { dataDir, file, newsletter }))
      imports.push(
        await context.withTemporary('large-copy', (copyDir) =>
          context.children.run('bundle-memory.ts', { dataDir: copyDir, file }),
        ),
      )
      await rm(file)
    }
    return [overIdle('export', sizeMib, exports), overIdle('import', sizeMib, imports)]
  })
}

function overIdle(step: string, sizeMib: number, runs: readonly Watched[]): Result {
  return {
    what: `${step} of a bundle of ${sizeMib} MiB: peak of memory over idle`,
    unit: 'MB',
    samples: { ours: runs.map((it) => it.peakMb - it.idleMb), baseline: [] },
    goal: { value: 120 },
  }
}

interface Large {
  readonly dir: string
  readonly dataDir: string
  readonly sizeMib: number
}

async function publishLarge(context: Context, { dir, dataDir, sizeMib }: Large): Promise<string> {
  await mkdir(dataDir)
  const total = Math.ceil(sizeMib / ISSUE_MIB)
  let newsletter: string | undefined
  for (let published = 0; published < total; published += ISSUES_AT_ONCE) {
    context.say(`bundles: publishing ${sizeMib} MiB, ${published * ISSUE_MIB} are done`)
    const { feedKey } = await context.children.run<{ feedKey: string }>('large-newsletter.ts', {
      dir,
      dataDir,
      newsletter,
      issues: Math.min(ISSUES_AT_ONCE, total - published),
      attachmentBytes: Math.min(sizeMib, ISSUE_MIB) * 2 ** 20,
    })
    newsletter = feedKey
  }
  if (newsletter === undefined) throw new Error('Nothing was published.')
  return newsletter
}
