import type { Ground, Side, Told } from '../sides/side.ts'

/** What can be varied. */
export interface Numbers {
  readonly readers: number
  /** Of the issue, in MiB. */
  readonly size: number
  /** Of everybody, in Mbit/s, but for what the next two say. */
  readonly up: number
  readonly down: number
  readonly publisherUp: number | undefined
  /** Uplinks of readers, taken in turn. */
  readonly readerUps: readonly number[]
  readonly rtt: number
  /** In milliseconds, between one reader's coming and the next one's; 0: all wait for the issue. */
  readonly apart: number
  /** How many readers leave half-way. */
  readonly leaving: number
}

/** What one run of one side gave. */
export interface Measured {
  /** What the scenario is about, in milliseconds. */
  readonly ms: number
  /** Sent by whom the readers fetch from, of what they need. */
  readonly copies: number
  readonly readers: readonly Told[]
  /** Of `ms`, where it is a median: the slowest in a hundred, and the fastest. */
  readonly spread?: { readonly slow: number; readonly fast: number }
}

export interface Column {
  readonly heading: string
  /** Nothing where it does not apply. */
  readonly value: (measured: Measured, limitMs: number) => number | undefined
  readonly show: (value: number) => string
}

export interface Goal {
  readonly what: string
  readonly most: number
  /** By what was measured; nothing where a side was left out. */
  readonly now: (results: Results) => number | undefined
}

/** By the names of sides: medians. */
export type Results = ReadonlyMap<string, Summary>

export interface Summary {
  readonly ms: number
  readonly copies: number
  readonly limitMs: number
}

export interface Scenario {
  readonly name: string
  /** For the help: a line or two. */
  readonly summary: string
  readonly defaults: Partial<Numbers>
  readonly sides: readonly Side[]
  readonly run: (side: Side, ground: Ground, numbers: Numbers) => Promise<Measured>
  /** The least time possible. */
  readonly limitMs: (numbers: Numbers) => number
  readonly columns: readonly Column[]
  readonly goals: (numbers: Numbers) => readonly Goal[]
  /** What has to be known to read the table. */
  readonly note?: string
}

export const MIB = 1024 * 1024

const OWN = 'Hyperletter'

/** In so many times the least time possible. */
export function timesLimit(most: number): Goal {
  const now = (results: Results) => {
    const own = results.get(OWN)
    return own && own.ms / own.limitMs
  }
  return { what: '× limit', most, now }
}

/** In so many times the time that another side takes. */
export function timesSide(name: string, most: number): Goal {
  const now = (results: Results) => {
    const [own, other] = [results.get(OWN), results.get(name)]
    return own && other && own.ms / other.ms
  }
  return { what: `× ${name}`, most, now }
}

/** So much is sent by the publisher. */
export function timesSent(most: number): Goal {
  return { what: 'publisher sent ×', most, now: (results) => results.get(OWN)?.copies }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(ms < 5_000 ? 2 : 1)} s`

/** Of scenarios in which something is fetched. */
export const DOWNLOAD_COLUMNS: readonly Column[] = [
  { heading: 'last reader', value: ({ ms }) => ms, show: seconds },
  { heading: '× limit', value: ({ ms }, limitMs) => ms / limitMs, show: (it) => it.toFixed(2) },
  { heading: 'publisher sent ×', value: ({ copies }) => copies, show: (it) => it.toFixed(2) },
  {
    heading: 'CPU of a reader',
    value: ({ readers }) => medianOf(readers.map(({ cpuMs }) => cpuMs)),
    show: (it) => `${(it / 1000).toFixed(1)} s`,
  },
  {
    heading: 'its memory',
    value: ({ readers }) => medianOf(readers.map(({ memoryBytes }) => memoryBytes)),
    show: (it) => `${Math.round(it / MIB)} MiB`,
  },
]

export function medianOf(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}
