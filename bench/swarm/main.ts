import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Lab } from './lab.ts'
import { drawProgress } from './picture.ts'
import { cold, crowd, long } from './scenarios/crowd.ts'
import { publisherUp, readerUp } from './scenarios/download.ts'
import { gone } from './scenarios/gone.ts'
import { latency } from './scenarios/latency.ts'
import { newest } from './scenarios/newest.ts'
import { medianOf, MIB, type Measured, type Numbers } from './scenarios/scenario.ts'
import { small } from './scenarios/small.ts'
import type { Ground } from './sides/side.ts'
import { layOut } from './table.ts'

const SCENARIOS = [crowd, cold, long, gone, small, newest, latency]

const HELP = `Usage: npm run bench:swarm -- [options]

One publisher and its readers, on a network of their own in this machine: HTTP, BitTorrent, plain
Hypercore, Hyperletter and others, one after the other. Prints when the last reader had what it waited
for, and what the publisher sent.

  --scenario <name> one of these; default: crowd
${SCENARIOS.map(({ name, summary }) => `    ${name.padEnd(16)}${summary}`).join('\n')}
  --only <side>     http, bittorrent, hypercore, hyperletter …; may be repeated
  --runs <n>        rounds; the table has medians; default: 1
  --readers <n>     default: 8, or what the scenario is about
  --size <MiB>      of the issue; default: 16
  --up, --down <n>  of everybody, in Mbit/s; default: 20 and 100
  --publisher-up <n>        of the publisher alone
  --reader-ups <n,n,…>      of readers, taken in turn
  --rtt <ms>        default: 40
  --apart <ms>      between one reader's coming and the next one's
  --leaving <n>     so many readers leave half-way
  --picture <file>  where to draw what each reader had over time (SVG)
  --help            show this

Needs root on Linux, gcc, ip (iproute2), for BitTorrent python3-libtorrent, and for rsync that.
`

const USUAL: Numbers = {
  readers: 8,
  size: 16,
  up: 20,
  down: 100,
  publisherUp: undefined,
  readerUps: [],
  rtt: 40,
  apart: 0,
  leaving: 0,
}

const { values: given } = parseArgs({
  options: {
    scenario: { type: 'string', default: 'crowd' },
    only: { type: 'string', multiple: true },
    readers: { type: 'string' },
    size: { type: 'string' },
    up: { type: 'string' },
    down: { type: 'string' },
    'publisher-up': { type: 'string' },
    'reader-ups': { type: 'string' },
    rtt: { type: 'string' },
    apart: { type: 'string' },
    leaving: { type: 'string' },
    runs: { type: 'string', default: '1' },
    picture: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
let current: Lab | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Whoever waits for a peer that is stopped fails, and so everything ends.
  process.once(signal, () => void current?.close())
}

if (given.help) process.stdout.write(HELP)
else await main()

async function main(): Promise<void> {
  const scenario = SCENARIOS.find(({ name }) => name === given.scenario)
  if (scenario === undefined) throw new Error(`There is no scenario ${given.scenario}.`)
  const numbers = numbersOf(scenario.defaults)
  const sides = scenario.sides.filter(
    ({ name }) => given.only?.includes(name.toLowerCase()) ?? true,
  )
  const runs = new Map<string, Measured[]>(sides.map(({ name }) => [name, []]))
  const before = loadavg()[0] ?? 0
  for (let round = 0; round < above0(given.runs, '--runs'); round++) {
    for (const side of sides) {
      process.stderr.write(`${side.name} …\n`)
      const run = (ground: Ground) => scenario.run(side, ground, numbers)
      runs.get(side.name)?.push(await onOwnGround(numbers, run))
    }
  }
  const { readers, size, up, down, rtt } = numbers
  process.stdout.write(
    `${scenario.name}: readers ${readers}, issue ${size < 1 ? `${size * 1024} KiB` : `${size} MiB`}, ${up} Mbit/s up, ${down} down, round trip ${rtt} ms; ` +
      `${cpus().length} processors, load ${before.toFixed(1)} before, Node ${process.versions.node}\n\n` +
      layOut(scenario, numbers, runs),
  )
  if (given.picture === undefined) return
  await mkdir(dirname(resolve(given.picture)), { recursive: true })
  const panels = [...runs].map(([name, all]) => {
    const median = medianOf(all.map(({ ms }) => ms))
    return { name, readers: all.find(({ ms }) => ms === median)?.readers ?? [] }
  })
  const picture = drawProgress(panels, size * MIB, scenario.limitMs(numbers))
  await writeFile(given.picture, picture)
}

async function onOwnGround(
  numbers: Numbers,
  run: (ground: Ground) => Promise<Measured>,
): Promise<Measured> {
  const { readers, down, rtt } = numbers
  const dir = await mkdtemp(join(tmpdir(), 'hyperletter-swarm-'))
  const places = new Map(Array.from({ length: readers }, (_, place) => [Lab.reader(place), place]))
  const rates = (address: string) => {
    const place = places.get(address)
    return { up: place === undefined ? publisherUp(numbers) : readerUp(numbers, place), down }
  }
  const lab = await Lab.open({ readers, rates, rttMs: rtt, dir })
  current = lab
  try {
    return await run({ lab, readers, dir })
  } finally {
    current = undefined
    await lab.close()
    await rm(dir, { recursive: true, force: true })
  }
}

function numbersOf(defaults: Partial<Numbers>): Numbers {
  const usual = { ...USUAL, ...defaults }
  const own = (name: 'readers' | 'size' | 'up' | 'down' | 'rtt' | 'apart' | 'leaving') => {
    const text = given[name]
    return text === undefined ? usual[name] : above0(text, `--${name}`)
  }
  return {
    readers: own('readers'),
    size: own('size'),
    up: own('up'),
    down: own('down'),
    rtt: own('rtt'),
    apart: own('apart'),
    leaving: own('leaving'),
    publisherUp: given['publisher-up']
      ? above0(given['publisher-up'], '--publisher-up')
      : undefined,
    readerUps: (given['reader-ups']?.split(',') ?? []).map((it) => above0(it, '--reader-ups')),
  }
}

function above0(text: string, name: string): number {
  const value = Number(text)
  if (value > 0) return value
  throw new Error(`${name} ${text}: not a number above 0.`)
}
