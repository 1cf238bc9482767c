import type { Context } from '../context.ts'
import { interleave, type Result } from '../measure.ts'

interface Reading {
  readonly newestMs: number
  readonly wholeMs: number
  /** Of the newest issue's text; empty if it was not read. */
  readonly hash: string
}

/** A new reader of the whole archive against plain scripts on the same DHT and publisher. */
export async function measureReader(context: Context): Promise<Result[]> {
  const { link, feedKey, issues } = await context.archive()
  const bootstrap = await context.bootstrap()
  const { children } = context
  const read = () =>
    context.withTemporary('reader', (dataDir) =>
      children.run<Reading>('read.ts', { dataDir, bootstrap, link }),
    )
  const plain = (want: 'newest' | 'whole') => () =>
    context.withTemporary('plain-reader', async (dir): Promise<Reading> => {
      const input = { dir, bootstrap, feedKey, want }
      const { ms, hash } = await children.run<{ ms: number; hash: string }>('plain-read.ts', input)
      return { newestMs: ms, wholeMs: ms, hash }
    })
  const runs = context.runs(9)
  const [ours = [], newest = [], whole = []] = await context.withDaemon(() =>
    interleave(runs, [read, plain('newest'), plain('whole')], (round) =>
      context.say(`reader: round ${round} of ${runs}`),
    ),
  )
  if (new Set([...ours, ...newest].map((it) => it.hash)).size > 1) {
    throw new Error('The readers did not read the same text.')
  }
  return [
    {
      what: `new reader: newest of ${issues} issues read`,
      unit: 'ms',
      samples: { ours: ours.map((it) => it.newestMs), baseline: newest.map((it) => it.newestMs) },
      goal: { ratio: 1.3 },
    },
    {
      what: `new reader: all ${issues} issues held`,
      unit: 'ms',
      samples: { ours: ours.map((it) => it.wholeMs), baseline: whole.map((it) => it.wholeMs) },
      goal: { ratio: 1.3 },
    },
  ]
}
