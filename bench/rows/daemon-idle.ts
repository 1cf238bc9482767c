import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Context } from '../context.ts'
import type { Result } from '../measure.ts'
import { cpuMs, residentMb } from '../processes.ts'

/** What starts settles meanwhile; some ten seconds after the start, V8 collects once all that it left. */
const SETTLE_MS = 20_000
const LEAST_MS = 1_000

/** Long enough to count what comes every few seconds; Linux counts processor time in hundredths of a second. */
const IDLE_MS = 30_000
const PLAIN_SEEDER = fileURLToPath(new URL('../scripts/plain-seeder.js', import.meta.url))

interface Times {
  readonly settleMs: number
  readonly idleMs: number
}

interface Idle {
  readonly residentMb: number
  /** Undefined where the system does not tell. */
  readonly cpuPercent: number | undefined
}

/** An idle daemon with one newsletter against a plain script that seeds one core. */
export async function measureDaemonIdle(context: Context): Promise<Result[]> {
  const ours: Idle[] = []
  const plain: Idle[] = []
  const runs = context.runs(1)
  const times = {
    settleMs: context.size(SETTLE_MS, LEAST_MS),
    idleMs: context.size(IDLE_MS, LEAST_MS),
  }
  for (let round = 1; round <= runs; round++) {
    context.say(
      `idle daemon: round ${round} of ${runs}, ${(times.settleMs + times.idleMs) / 1_000} s`,
    )
    // At the same time, so that a busy moment of the machine meets both.
    const [daemon, seeder] = await context.withDaemon((it) =>
      Promise.all([watchIdle(it.pid, times), watchPlainSeeder(context, times)]),
    )
    ours.push(daemon)
    plain.push(seeder)
  }
  const cpu = (idles: readonly Idle[]) =>
    idles.flatMap((it) => (it.cpuPercent === undefined ? [] : [it.cpuPercent]))
  return [
    {
      what: 'idle daemon, one newsletter: resident memory',
      unit: 'MB',
      samples: {
        ours: ours.map((it) => it.residentMb),
        baseline: plain.map((it) => it.residentMb),
      },
      goal: { value: 90 },
    },
    {
      what: 'idle daemon, one newsletter: processor',
      unit: '%',
      samples: { ours: cpu(ours), baseline: cpu(plain) },
    },
  ]
}

async function watchPlainSeeder(context: Context, times: Times): Promise<Idle> {
  const bootstrap = await context.bootstrap()
  return context.withTemporary('plain-seeder', async (dir) => {
    const seeder = await context.children.start([PLAIN_SEEDER, dir, bootstrap])
    try {
      return await watchIdle(seeder.pid, times)
    } finally {
      await seeder.stop()
    }
  })
}

async function watchIdle(pid: number, { settleMs, idleMs }: Times): Promise<Idle> {
  await sleep(settleMs)
  const before = await cpuMs(pid)
  await sleep(idleMs)
  const after = await cpuMs(pid)
  const cpuPercent =
    before === undefined || after === undefined ? undefined : ((after - before) / idleMs) * 100
  return { residentMb: await residentMb(pid), cpuPercent }
}
