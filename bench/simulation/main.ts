// Prints how a swarm of many readers would do, by simulation. Arguments: numbers of readers.
import { crowd, downlink, fluidLimitMs, uplink, type Crowd } from './scenarios.ts'
import { simulate } from './simulation.ts'

const SIZES = [1, 3, 8, 20, 40, 100, 300]

/** Of a reader on average, and of the publisher: fewer than the product may have. */
const CONNECTIONS = { degree: 48, atPublisher: 64 }

const EIGHT = { readers: 8, size: 16, up: 20 }

const SCENARIOS: Record<string, Crowd> = {
  '8 readers, 16 MiB, 20 Mbit/s': EIGHT,
  'the publisher has 5 Mbit/s': { ...EIGHT, publisherUp: 5 },
  'two readers have 2 Mbit/s': { ...EIGHT, but: (i) => (i < 2 ? uplink(2) : {}) },
  'one reader has 100 Mbit/s, seven 5': { ...EIGHT, but: (i) => uplink(i === 0 ? 100 : 5) },
  'two readers send nothing': { ...EIGHT, but: (i) => (i < 2 ? { fault: 'silent' } : {}) },
  'two readers send bad blocks': { ...EIGHT, but: (i) => (i < 2 ? { fault: 'lying' } : {}) },
  'three readers leave half-way': { ...EIGHT, but: (i) => (i < 3 ? { leavesMs: 3_500 } : {}) },
  'readers come 700 ms apart': { ...EIGHT, but: (i) => ({ joinsMs: i * 700 }) },
  'readers have 25 to 200 Mbit/s down, and are up to 60 ms further away': {
    ...EIGHT,
    but: (i) => ({ ...downlink([25, 50, 100, 200][i % 4] ?? 200), awayMs: 20 * (i % 4) }),
  },
  'of 40 readers, every second one comes while the issue is out': {
    readers: 40,
    size: 4,
    up: 5,
    ...CONNECTIONS,
    but: (i) => (i % 2 === 0 ? {} : { joinsMs: i * 100 }),
  },
  'a fast publisher (200 Mbit/s), two slow readers (5)': {
    ...EIGHT,
    readers: 2,
    up: 5,
    publisherUp: 200,
  },
}

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : SIZES
for (const readers of sizes) {
  show(`${readers} readers, 4 MiB, 5 Mbit/s`, { readers, size: 4, up: 5, ...CONNECTIONS })
}
if (process.argv.length <= 2) {
  for (const [name, it] of Object.entries(SCENARIOS)) show(name, it)
  for (const it of [EIGHT, { readers: 8, size: 4, up: 5 }, { readers: 20, size: 4, up: 5 }]) {
    show(`${it.readers} readers, ${it.size} MiB, ${it.up} Mbit/s, rough`, { ...it, isRough: true })
  }
}

function show(name: string, it: Crowd): void {
  const options = crowd(it)
  const { doneMs, publisherCopies, degree } = simulate(options)
  const limitMs = fluidLimitMs(options)
  const all = doneMs.filter((ms) => ms < Infinity).toSorted((a, b) => a - b)
  const seconds = (ms = Infinity) => `${(ms / 1000).toFixed(1)} s`
  const cells = [
    seconds(limitMs),
    seconds(all[all.length >> 1]),
    seconds(all.at(-1)),
    ((all.at(-1) ?? Infinity) / limitMs).toFixed(2),
    publisherCopies.toFixed(2),
    degree.toFixed(0),
  ]
  process.stdout.write(`| ${name} | ${cells.join(' | ')} |\n`)
}
