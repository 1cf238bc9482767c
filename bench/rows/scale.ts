import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Child } from '../children.ts'
import type { Context } from '../context.ts'
import type { Result } from '../measure.ts'
import { cpuMs, residentMb } from '../processes.ts'

const ISSUES = 20

const COUNTING_DHT = fileURLToPath(new URL('../scripts/counting-dht.js', import.meta.url))
const PLAIN_JOINER = fileURLToPath(new URL('../scripts/plain-joiner.js', import.meta.url))

/** Until all topics have been announced and looked up twice more, at ten a second. */
const ANNOUNCED_MS = 300

interface Dht {
  readonly bootstrap: string
  /** Where it tells how many bytes its nodes received. */
  readonly counts: string
}

/**
 * A daemon with very many newsletters, against a script that opens all cores and joins all topics. Each
 * side has a DHT of its own, and a third one with nobody in it shows what the nodes say to each other.
 */
export async function measureScale(context: Context): Promise<Result[]> {
  const many = context.size(1_000, 10)
  const some = context.size(100, 5)
  const moreMs = context.size(30_000, 0)
  const idleMs = context.size(60_000, 1_000)
  // The stack announces every 10 to 12 minutes.
  const countedMinutes = context.size(12, 0.02)
  const dataDir = await context.temporary('many')
  context.say(`scale: writing ${many} newsletters of ${ISSUES} issues`)
  await fill(context, dataDir, many)
  const plain = await context.temporary('plain')
  await fill(context, plain, many)
  const [ours, naive, nobody] = [await dht(context), await dht(context), await dht(context)]

  context.say('scale: starting the daemon, then the plain script')
  const { child: daemon, startMs } = await startDaemon(context, dataDir, ours.ready.bootstrap)
  const startCpuMs = await cpuMs(daemon.pid)
  const joinerArgs = [PLAIN_JOINER, `${plain}/store`, naive.ready.bootstrap]
  const joiner = await context.children.start(joinerArgs)
  await sleep(many * ANNOUNCED_MS + moreMs)
  context.say(`scale: idle for ${idleMs / 1_000} s`)
  const resident = { ours: await residentMb(daemon.pid), naive: await residentMb(joiner.pid) }
  const cpuBefore = { ours: await cpuMs(daemon.pid), naive: await cpuMs(joiner.pid) }
  await sleep(idleMs)
  const cpuAfter = { ours: await cpuMs(daemon.pid), naive: await cpuMs(joiner.pid) }

  context.say(`scale: counting for ${countedMinutes} minutes`)
  const all = [ours, naive, nobody]
  const before = await Promise.all(all.map(received))
  await sleep(countedMinutes * 60_000)
  const after = await Promise.all(all.map(received))
  const kbPerMinute = after.map((it, i) => (it - (before[i] ?? 0)) / 1_000 / countedMinutes)
  const [oursKb = NaN, naiveKb = NaN, nobodyKb = NaN] = kbPerMinute
  const stopping = performance.now()
  await daemon.stop()
  const stopMs = performance.now() - stopping
  await joiner.stop()

  context.say(`scale: ${some} newsletters`)
  const smallDir = await context.temporary('some')
  await fill(context, smallDir, some)
  const { child: small } = await startDaemon(context, smallDir, nobody.ready.bootstrap)
  await sleep(some * ANNOUNCED_MS + moreMs)
  const smallResident = await residentMb(small.pid)
  await small.stop()
  for (const it of all) await it.stop()

  const name = (what: string) => `daemon, ${many} newsletters: ${what}`
  return [
    {
      what: name('start until it serves'),
      unit: 'ms',
      samples: of(startMs),
      goal: { value: 3_000 },
    },
    { what: name('processor time until then'), unit: 'ms', samples: of(startCpuMs) },
    {
      what: name('resident memory'),
      unit: 'MB',
      samples: of(resident.ours, resident.naive),
      goal: { value: 140 },
    },
    {
      what: name('processor while idle'),
      unit: '%',
      samples: of(
        percent(cpuBefore.ours, cpuAfter.ours, idleMs),
        percent(cpuBefore.naive, cpuAfter.naive, idleMs),
      ),
      goal: { value: 0.5 },
    },
    {
      what: name('what the DHT receives of it a minute while idle'),
      unit: 'kB',
      samples: of(oursKb - nobodyKb, naiveKb - nobodyKb),
      goal: { ratio: 0.25 },
    },
    { what: name('clean stop'), unit: 'ms', samples: of(stopMs), goal: { value: 5_000 } },
    {
      what: `daemon, ${some} newsletters: resident memory`,
      unit: 'MB',
      samples: of(smallResident),
      goal: { value: 95 },
    },
  ]
}

function of(ours: number | undefined, baseline?: number): Result['samples'] {
  const some = (it: number | undefined) => (it === undefined ? [] : [it])
  return { ours: some(ours), baseline: some(baseline) }
}

function percent(
  before: number | undefined,
  after: number | undefined,
  ms: number,
): number | undefined {
  return before === undefined || after === undefined ? undefined : ((after - before) / ms) * 100
}

async function fill(context: Context, dataDir: string, newsletters: number): Promise<void> {
  await context.children.run('fill-newsletters.ts', { dataDir, newsletters, issues: ISSUES })
}

function dht(context: Context): Promise<Child<Dht>> {
  return context.children.start<Dht>([COUNTING_DHT])
}

async function received({ ready }: Child<Dht>): Promise<number> {
  return Number(await (await fetch(ready.counts)).text())
}

async function startDaemon(context: Context, dataDir: string, bootstrap: string) {
  const start = performance.now()
  const flags = ['--data-dir', dataDir, '--bootstrap', bootstrap]
  const child = await context.children.startDaemon(flags)
  return { child, startMs: performance.now() - start }
}
