import type { Context } from '../context.ts'
import type { Result } from '../measure.ts'

interface LetterTimes {
  readonly checkUs: number
  readonly arrivalMs: number
}

interface TalkTimes {
  readonly reachMs: readonly number[]
  readonly oneWayMs: readonly number[]
}

/** What letters cost those who carry and receive them, and how soon a line of a conversation is everywhere. */
export async function measureLetters(context: Context): Promise<Result[]> {
  const runs: LetterTimes[] = []
  const count = context.runs(3)
  for (let round = 1; round <= count; round++) {
    context.say(`letters: round ${round} of ${count}`)
    runs.push(
      await context.withTemporary('letters', (dataDir) =>
        context.children.run<LetterTimes>('letters.ts', { dataDir }),
      ),
    )
  }
  const bootstrap = await context.bootstrap()
  const talk: TalkTimes[] = []
  for (let round = 1; round <= count; round++) {
    context.say(`talk: round ${round} of ${count}`)
    talk.push(
      await context.withTemporary('talk', (dataDir) =>
        context.children.run<TalkTimes>('talk.ts', { dataDir, bootstrap }),
      ),
    )
  }
  const samples = (of: (run: LetterTimes) => number) => ({ ours: runs.map(of), baseline: [] })
  return [
    {
      what: 'letters: processor time of a carrier for 1,000',
      unit: 'ms',
      samples: samples((it) => it.checkUs),
      goal: { value: 100 },
    },
    {
      what: 'letters: 256 of a carrier to an author who comes online',
      unit: 'ms',
      samples: samples((it) => it.arrivalMs),
      goal: { value: 500 },
    },
    {
      what: 'talk: a line until the last of 5 processes has it, plain: one message one way',
      unit: 'ms',
      samples: {
        ours: talk.flatMap((it) => it.reachMs),
        baseline: talk.flatMap((it) => it.oneWayMs),
      },
      goal: { over: 10 },
    },
  ]
}
