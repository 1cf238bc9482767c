import { join } from 'node:path'
import { LAUNCHER } from '../children.ts'
import type { Context } from '../context.ts'
import { writeGhostExport } from '../corpus.ts'
import type { Result } from '../measure.ts'

const POSTS = 100_000
const FEW_POSTS = 500
const EVERY_MS = 60 * 60 * 1_000
const MOST_MB = 300

/** Memory of the command that imports a very large export, and of one that finds all of it published. */
export async function measureLargeImport(context: Context): Promise<Result[]> {
  const dataDir = await context.temporary('large-import')
  const file = join(await context.temporary('ghost'), 'export.json')
  const posts = context.size(POSTS, FEW_POSTS)
  context.say(`large import: writing ${posts} posts`)
  await writeGhostExport(file, posts, EVERY_MS)
  await context.children.time([LAUNCHER, 'create', 'Archive', '--data-dir', dataDir])
  const results: Result[] = []
  for (const what of ['import', 'import again']) {
    context.say(`large import: ${what}`)
    const peakMb = await context.children.peakMb(['import', file, '--yes', '--data-dir', dataDir])
    results.push({
      what: `${what} a Ghost export of ${posts} posts: peak memory`,
      unit: 'MB',
      samples: { ours: [peakMb], baseline: [] },
      goal: { value: MOST_MB },
    })
  }
  return results
}
