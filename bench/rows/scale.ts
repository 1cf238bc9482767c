import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Child } from '../children.ts'
import type { Context } from '../context.ts'
import type { Result } from '../measure.ts'
import { cpuMs, residentMb } from '../processes.ts'

const ISSUES = 20
const MANY = 1_000
const SOME = 100

const COUNTING_DHT = fileURLToPath(new URL('../scripts/counting-dht.js', import.meta.url))
const PLAIN_JOINER = fileURLToPath(new URL('../scripts/plain-joiner.js', import.meta.url))

/** Until all topics have been announced and looked up twice more, at ten a second, and a little more. */
const settleMs = (newsletters: number) => newsletters * 300 + 30_000

const CPU_MS = 60_000

/** How long it is counted what nodes of the DHT receive; the stack announces every 10 to 12 minutes. */
const IDLE_MINUTES = Number(process.env['HYPERLETTER_BENCH_IDLE_MINUTES'] ?? '12')

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
  const many = await context.temporary('many')
  context.say(`scale: writing ${MANY} newsletters of ${ISSUES} issues`)
  await fill(context, many, MANY)
  const plain = await context.temporary('plain')
  await fill(context, plain, MANY)
  const [ours, naive, nobody] = [await dht(context), await dht(context), await dht(context)]

  context.say('scale: starting the daemon, then the plain script')
  const { child: daemon, startMs } = await startDaemon(context, many, ours.ready.bootstrap)
  const startCpuMs = await cpuMs(daemon.pid)
  const joinerArgs = [PLAIN_JOINER, `${plain}/store`, naive.ready.bootstrap]
  const joiner = await context.children.start(joinerArgs)
  await sleep(settleMs(MANY))
  context.say(`scale: idle for ${CPU_MS / 1_000} s`)
  const resident = { ours: await residentMb(daemon.pid), naive: await residentMb(joiner.pid) }
  const cpuBefore = { ours: await cpuMs(daemon.pid), naive: await cpuMs(joiner.pid) }
  await sleep(CPU_MS)
  const cpuAfter = { ours: await cpuMs(daemon.pid), naive: await cpuMs(joiner.pid) }

  context.say(`scale: counting for ${IDLE_MINUTES} minutes`)
  const all = [ours, naive, nobody]
  const before = await Promise.all(all.map(received))
  await sleep(IDLE_MINUTES * 60_000)
  const after = await Promise.all(all.map(received))
  const kbPerMinute = after.map((it, i) => (it - (before[i] ?? 0)) / 1_000 / IDLE_MINUTES)
  const [oursKb = NaN, naiveKb = NaN, nobodyKb = NaN] = kbPerMinute
  const stopping = performance.now()
  await daemon.stop()
  const stopMs = performance.now() - stopping
  await joiner.stop()

  context.say(`scale: ${SOME} newsletters`)
  const some = await context.temporary('some')
  await fill(context, some, SOME)
  const { child: small } = await startDaemon(context, some, nobody.ready.bootstrap)
  await sleep(settleMs(SOME))
  const smallResident = await residentMb(small.pid)
  await small.stop()
  for (const it of all) await it.stop()

  const name = (what: string) => `daemon, ${MANY} newsletters: ${what}`
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
      samples: of(percent(cpuBefore.ours, cpuAfter.ours), percent(cpuBefore.naive, cpuAfter.naive)),
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
      what: `daemon, ${SOME} newsletters: resident memory`,
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

function percent(before: number | undefined, after: number | undefined): number | undefined {
  if (before === undefined || after === undefined) return undefined
  return ((after - before) / CPU_MS) * 100
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
