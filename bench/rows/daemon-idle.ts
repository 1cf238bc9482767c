import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Context } from '../context.ts'
import type { Result } from '../measure.ts'

const IDLE_MS = 10_000
const PLAIN_SEEDER = fileURLToPath(new URL('../scripts/plain-seeder.js', import.meta.url))

/** Linux counts processor time of processes in hundredths of a second, whatever its own clock. */
const TICK_MS = 10

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
  for (let round = 1; round <= runs; round++) {
    context.say(`idle daemon: round ${round} of ${runs}, ${(2 * IDLE_MS) / 1_000} s`)
    ours.push(await context.withDaemon((daemon) => watchIdle(daemon.pid)))
    plain.push(await watchPlainSeeder(context))
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

async function watchPlainSeeder(context: Context): Promise<Idle> {
  const bootstrap = await context.bootstrap()
  return context.withTemporary('plain-seeder', async (dir) => {
    const seeder = await context.children.start([PLAIN_SEEDER, dir, bootstrap])
    try {
      return await watchIdle(seeder.pid)
    } finally {
      await seeder.stop()
    }
  })
}

async function watchIdle(pid: number): Promise<Idle> {
  // Half of the time to settle; starting up is not idling.
  await sleep(IDLE_MS / 2)
  const before = await cpuMs(pid)
  await sleep(IDLE_MS / 2)
  const after = await cpuMs(pid)
  const cpuPercent =
    before === undefined || after === undefined
      ? undefined
      : ((after - before) / (IDLE_MS / 2)) * 100
  return { residentMb: await residentMb(pid), cpuPercent }
}

async function residentMb(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)])
  return (Number(stdout.trim()) * 1_024) / 1e6
}

async function cpuMs(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // After the name in parentheses come the fields 3, 4, …; user and system time are 14 and 15.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields === undefined) return undefined
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}
