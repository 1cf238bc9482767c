import { Lab } from '../lab.ts'
import { tcp } from '../sides/servers.ts'
import { hypercore, hyperletter } from '../sides/swarms.ts'
import { openReaders } from './download.ts'
import { medianOf, MIB, type Column, type Results, type Scenario } from './scenario.ts'

const ISSUES = 100

/** Between an issue's arrival and the next publication: what an arrival causes is over by then. */
const REST_MS = 250

/** More than the way itself takes. */
const GOAL_MS = 4

const milliseconds = (ms: number) => `${ms.toFixed(1)} ms`

const COLUMNS: readonly Column[] = [
  { heading: 'median', value: ({ ms }) => ms, show: milliseconds },
  { heading: 'one in 100', value: ({ spread }) => spread?.slow, show: milliseconds },
  { heading: 'fastest', value: ({ spread }) => spread?.fast, show: milliseconds },
  { heading: 'publisher sent ×', value: ({ copies }) => copies, show: (it) => it.toFixed(2) },
]

export const latency: Scenario = {
  name: 'latency',
  summary:
    '100 issues of 1 KiB (or --size), one after the other: from publishing each until connected readers can read it.',
  defaults: { readers: 1, size: 1 / 1024 },
  sides: [tcp, hypercore, hyperletter],
  columns: COLUMNS,
  limitMs: ({ rtt }) => rtt / 2,
  run: async (side, ground, { size }) => {
    const { lab, readers } = ground
    const sizeBytes = size * MIB
    const offer = { sizeBytes, backlog: { issues: 0, sizeBytes: 0 } }
    const opened = await side.open(ground, offer)
    const all = await openReaders(opened, readers, { isLive: true, until: 'times' })
    for (const it of all) it.say('begin')
    await lab.sent()
    const took: number[] = []
    for (let i = 0; i < ISSUES; i++) {
      await new Promise((resolve) => setTimeout(resolve, REST_MS))
      opened.publisher.say('publish')
      const began = timeIn(await opened.publisher.next())
      const arrived = await Promise.all(all.map(async (it) => timeIn(await it.next())))
      took.push(Math.max(...arrived) - began)
    }
    const sent = (await lab.sent()).get(Lab.publisher) ?? 0
    const sorted = took.toSorted((a, b) => a - b)
    return {
      ms: medianOf(took) ?? Number.NaN,
      copies: sent / (ISSUES * sizeBytes),
      readers: [],
      spread: {
        slow: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
        fast: sorted[0] ?? Number.NaN,
      },
    }
  },
  goals: ({ readers }) => (readers === 1 ? [aboveTheWay] : []),
  note: 'From the call that publishes until the last reader holds and has verified all of it.',
}

const aboveTheWay = {
  what: 'ms above TCP, median',
  most: GOAL_MS,
  now: (results: Results) => {
    const [own, way] = [results.get('Hyperletter'), results.get('TCP')]
    return own && way && own.ms - way.ms
  },
}

function timeIn({ line }: { readonly line: string }): number {
  return (JSON.parse(line) as { atMs: number }).atMs
}
