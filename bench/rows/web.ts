import type { Context } from '../context.ts'
import { interleave, median, type Result } from '../measure.ts'

interface Serving {
  readonly held: number
  readonly inboxMs: readonly number[]
  readonly issueMs: readonly number[]
  readonly inboxKb: readonly number[]
  readonly issueKb: readonly number[]
  readonly scriptKb: number
  readonly inboxPaintMs: readonly number[]
  readonly issuePaintMs: readonly number[]
}

interface Rendering {
  readonly ms: number
  readonly issues: number
}

/** The goals are set for this many. */
const NEWSLETTERS = 3
const ISSUES_OF_EACH = 500

/** The web reader over three newsletters, and its HTML against that of the bare library. */
export async function measureWeb(context: Context): Promise<Result[]> {
  return [...(await measurePages(context)), await measureRendering(context)]
}

async function measurePages(context: Context): Promise<Result[]> {
  const runs: Serving[] = []
  const count = context.runs(3)
  const folder = await context.corpus()
  for (let round = 1; round <= count; round++) {
    context.say(`web: round ${round} of ${count}`)
    const input = { folder, newsletters: NEWSLETTERS, issues: ISSUES_OF_EACH }
    runs.push(
      await context.withTemporary('web', (dir) =>
        context.children.run<Serving>('web.ts', { dir, ...input }),
      ),
    )
  }
  const held = runs[0]?.held ?? 0
  const row = (
    what: string,
    unit: 'ms' | 'kB',
    of: (run: Serving) => number,
    most?: number,
  ): Result => ({
    what: `web: ${what}`,
    unit,
    samples: { ours: runs.map(of), baseline: [] },
    ...(most === undefined ? {} : { goal: { value: most } }),
  })
  return [
    row(`inbox of ${held} issues`, 'ms', (it) => median(it.inboxMs), 30),
    row('issue, seen for the first time', 'ms', (it) => median(it.issueMs), 30),
    row('the slowest of those issues', 'ms', (it) => Math.max(...it.issueMs)),
    row('page of the inbox', 'kB', (it) => median(it.inboxKb), 60),
    row('page of an issue', 'kB', (it) => median(it.issueKb), 60),
    row('page of the longest issue', 'kB', (it) => Math.max(...it.issueKb)),
    row('script', 'kB', (it) => it.scriptKb, 15),
    row('first paint of the inbox', 'ms', (it) => median(it.inboxPaintMs), 300),
    row('first paint of a long issue', 'ms', (it) => median(it.issuePaintMs), 300),
  ]
}

async function measureRendering(context: Context): Promise<Result> {
  const folder = await context.corpus()
  const by = (name: 'product' | 'library') => () =>
    context.children.run<Rendering>('render.ts', { folder, by: name })
  const rounds = context.runs(7)
  const [ours = [], library = []] = await interleave(
    rounds,
    [by('product'), by('library')],
    (round) => context.say(`rendering: round ${round} of ${rounds}`),
  )
  return {
    what: `HTML of ${ours[0]?.issues ?? 0} issues`,
    unit: 'ms',
    samples: { ours: ours.map((it) => it.ms), baseline: library.map((it) => it.ms) },
    goal: { ratio: 1.5 },
  }
}
