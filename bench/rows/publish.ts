import type { Context } from '../context.ts'
import type { Result, Samples } from '../measure.ts'

/** One issue published, on disk for certain, against a plain append that is not. */
export async function measurePublish(context: Context): Promise<Result[]> {
  const rounds = context.runs(30)
  context.say(`publish: ${rounds} rounds`)
  const samples = await context.withTemporary('publish', (dir) =>
    context.children.run<Samples>('publish.ts', { dir, rounds }),
  )
  const what = 'publish one issue, plain: one append'
  return [{ what, unit: 'ms', samples, goal: { over: 15 } }]
}
