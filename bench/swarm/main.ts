import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Lab } from './lab.ts'
import { drawProgress, type Panel } from './picture.ts'
import { ROWS, type Row, type Told } from './rows.ts'

const HELP = `Usage: npm run bench:swarm -- [options]

One publisher and several readers who want an issue the moment it is out, on a network of their own
in this machine: HTTP, BitTorrent, plain Hypercore and Hyperletter, one after the other. Prints when
the last reader had everything and what the publisher sent.

  --only <row>      http, bittorrent, hypercore or hyperletter; may be repeated
  --readers <n>     default: 8
  --size <MiB>      of the issue; default: 16
  --up, --down <n>  of everybody, in Mbit/s; default: 20 and 100
  --rtt <ms>        default: 40
  --runs <n>        rounds; the table has medians; default: 1
  --picture <file>  where to draw what each reader had over time (SVG)
  --help            show this

Needs root on Linux, gcc, ip (iproute2), and for BitTorrent python3-libtorrent.
`

/** Of the issue: "in so many times the least time possible", "sent so many times by the publisher". */
const GOALS: Readonly<Record<number, { last: number; copies: number }>> = {
  8: { last: 1.35, copies: 1.12 },
  20: { last: 1.6, copies: 1.15 },
}

const { values: given } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    readers: { type: 'string', default: '8' },
    size: { type: 'string', default: '16' },
    up: { type: 'string', default: '20' },
    down: { type: 'string', default: '100' },
    rtt: { type: 'string', default: '40' },
    runs: { type: 'string', default: '1' },
    picture: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
const readers = count(given.readers, '--readers')
const sizeBytes = count(given.size, '--size') * 1024 * 1024
const up = count(given.up, '--up')
const network = { readers, up, down: count(given.down, '--down'), rttMs: count(given.rtt, '--rtt') }
// Everybody has the same uplink, so what the publisher has to send once is the limit.
const limitMs = sizeBytes / (up * 125)

interface Run {
  readonly told: readonly Told[]
  readonly lastMs: number
  readonly copies: number
}

let current: Lab | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Whoever waits for a peer that is stopped fails, and so everything ends.
  process.once(signal, () => void current?.close())
}

if (given.help) process.stdout.write(HELP)
else await main()

async function main(): Promise<void> {
  const rows = ROWS.filter(({ name }) => given.only?.includes(name.toLowerCase()) ?? true)
  const runs = new Map<Row, Run[]>(rows.map((row) => [row, []]))
  for (let round = 0; round < count(given.runs, '--runs'); round++) {
    for (const row of rows) {
      process.stderr.write(`${row.name} …\n`)
      runs.get(row)?.push(await measure(row))
    }
  }
  const panels: Panel[] = []
  const lines = [...runs].map(([{ name }, all]) => {
    const run = all.toSorted((a, b) => a.lastMs - b.lastMs)[all.length >> 1]
    if (run === undefined) return ''
    panels.push({ name, readers: run.told })
    const own = (it: (told: Told) => number) => median(run.told.map(it))
    const cells = [
      `${(run.lastMs / 1000).toFixed(1)} s`,
      (run.lastMs / limitMs).toFixed(2),
      median(all.map((it) => it.copies)).toFixed(2),
      `${(own((it) => it.cpuMs) / 1000).toFixed(1)} s`,
      `${Math.round(own((it) => it.memoryBytes) / 1024 / 1024)} MiB`,
    ]
    return `| ${name} | ${cells.join(' | ')} |`
  })
  const goal = GOALS[readers]
  process.stdout.write(
    [
      `${readers} readers, ${given.size} MiB, ${up} Mbit/s up, ${given.down} down, round trip ${given.rtt} ms; ` +
        `${cpus().length} processors, Node ${process.versions.node}`,
      '',
      '| | last reader | × limit | publisher sent × | CPU of a reader | its memory |',
      '| --- | ---: | ---: | ---: | ---: | ---: |',
      ...lines,
      `| limit | ${(limitMs / 1000).toFixed(1)} s | 1.00 | 1.00 | | |`,
      ...(goal === undefined ? [] : [`| goal | | ${goal.last} | ${goal.copies} | | |`]),
      '',
    ].join('\n'),
  )
  if (given.picture === undefined) return
  await mkdir(dirname(resolve(given.picture)), { recursive: true })
  await writeFile(given.picture, drawProgress(panels, sizeBytes, limitMs))
}

async function measure(row: Row): Promise<Run> {
  const dir = await mkdtemp(join(tmpdir(), 'hyperletter-swarm-'))
  const lab = await Lab.open({ ...network, dir })
  current = lab
  try {
    const crew = await row.open({ lab, readers, sizeBytes, dir })
    await lab.sent()
    const beganMs = performance.now()
    for (const it of crew.readers) it.say('begin')
    crew.publisher.say('publish')
    const ends = await Promise.all(crew.readers.map((it) => it.next()))
    const sent = (await lab.sent()).get(Lab.publisher) ?? 0
    return {
      told: ends.map(({ line }) => JSON.parse(line) as Told),
      lastMs: Math.max(...ends.map(({ atMs }) => atMs)) - beganMs,
      copies: sent / sizeBytes,
    }
  } finally {
    current = undefined
    await lab.close()
    await rm(dir, { recursive: true, force: true })
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

function count(text: string, name: string): number {
  const value = Number(text)
  if (value > 0) return value
  throw new Error(`${name} ${text}: not a number above 0.`)
}
