import { LAUNCHER } from '../children.ts'
import type { Context } from '../context.ts'
import { interleave, type Result } from '../measure.ts'

const LEAST_RUNS = 15

/** Wall time of short commands against Node doing nothing. */
export async function measureCommandLine(context: Context): Promise<Result[]> {
  const runs = context.runs(21, LEAST_RUNS)
  const time = (args: readonly string[]) => () => context.children.time(args)
  const [help = [], status = [], node = []] = await context.withDaemon((_, flags) => {
    context.say(`command line: ${runs} rounds`)
    return interleave(runs, [
      time([LAUNCHER, '--help']),
      time([LAUNCHER, 'status', ...flags]),
      time(['-e', '0']),
    ])
  })
  return [
    {
      what: 'hyperletter --help, plain: node -e 0',
      unit: 'ms',
      samples: { ours: help, baseline: node },
      goal: { ratio: 2 },
    },
    {
      what: 'hyperletter status by the daemon, plain: node -e 0',
      unit: 'ms',
      samples: { ours: status, baseline: node },
      goal: { ratio: 3 },
    },
  ]
}
