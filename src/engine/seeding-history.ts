import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { replaceWhole } from '../atomic-file.ts'
import { SerialQueue } from '../async.ts'
import type { FeedKey } from '../format/keys/feed-key.ts'
import type { Logger } from '../logger.ts'
import type { SeedingStatus, Traffic } from '../replication/seeding.ts'
import type { Library } from './library/library.ts'
import type { Network } from './network/network.ts'

/** How long it is remembered who held what: a week. */
export const REMEMBERED_HOURS = 7 * 24

const HOUR_MS = 60 * 60_000
const SAMPLE_MS = 60_000
const SAVE_MS = 5 * 60_000

/** Hours in a row of which the same is known, each counted since 1970; hours without the network are in none. */
export interface CopyHours {
  readonly from: number
  /** The last of them. */
  readonly to: number
  /** The most in such an hour: peers that replicate the log, and those of them that hold all of it. */
  readonly peers: number
  readonly copies: number
}

const count = z.int().nonnegative()
const traffic = { uploadedBytes: count, downloadedBytes: count }

const file = z.object({
  since: z.iso.datetime(),
  /** Of newsletters that are not in the library any more. */
  others: z.object(traffic),
  newsletters: z.record(
    z.string(),
    z.object({
      ...traffic,
      hours: z.array(z.tuple([count, count, count, count])).max(REMEMBERED_HOURS),
    }),
  ),
})

interface Kept {
  totals: Traffic
  hours: readonly CopyHours[]
  /** What the network of now had counted when it was asked last. */
  counted: Traffic
}

const NOTHING: Traffic = { uploadedBytes: 0, downloadedBytes: 0 }
const UNKNOWN: Kept = { totals: NOTHING, hours: [], counted: NOTHING }

interface Options {
  readonly path: string
  readonly library: Library
  readonly network: () => Promise<Network> | undefined
  readonly logger: Logger
}

/**
 * What was sent and received over the runs of this device, and how many peers held each newsletter in the last week.
 * A crash costs the last minutes of it.
 */
export class SeedingHistory {
  readonly #options: Options
  readonly #kept = new Map<FeedKey, Kept>()
  readonly #turns = new SerialQueue()
  #loading: Promise<void> | undefined
  #since = new Date().toISOString()
  #others = NOTHING
  #network: Network | undefined
  /** Received since the last sample, not from peers. */
  readonly #received = new Map<FeedKey, number>()
  #timer: NodeJS.Timeout | undefined
  #savedAt = Date.now()
  #isChanged = false

  constructor(options: Options) {
    this.#options = options
  }

  /** Looks at the network from now on. */
  begin(): void {
    this.#timer ??= setInterval(() => void this.#look(), SAMPLE_MS).unref()
  }

  /** Counts what came from a mirror. */
  received(feedKey: FeedKey, bytes: number): void {
    this.#received.set(feedKey, (this.#received.get(feedKey) ?? 0) + bytes)
  }

  /** Up to now: of each newsletter of the library, and of all there ever were, since when that is counted. */
  async traffic(): Promise<{
    readonly of: (feedKey: FeedKey) => Traffic
    readonly total: Traffic & { readonly since: string }
  }> {
    await this.#sample()
    const kept = new Map([...this.#kept].map(([feedKey, { totals }]) => [feedKey, totals]))
    const total = { ...[...kept.values()].reduce(sum, this.#others), since: this.#since }
    return { of: (feedKey) => kept.get(feedKey) ?? NOTHING, total }
  }

  /** The hours of the last week of which something is known, oldest first. */
  async hours(feedKey: FeedKey): Promise<readonly CopyHours[]> {
    await this.#sample()
    return this.#kept.get(feedKey)?.hours ?? []
  }

  /** Keeps what is known. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    if (this.#timer === undefined) return
    await this.#sample()
    await this.#save()
  }

  async #look(): Promise<void> {
    try {
      await this.#sample()
      if (this.#isChanged && Date.now() - this.#savedAt >= SAVE_MS) await this.#save()
    } catch (err) {
      this.#options.logger.warn({ err }, 'what was sent and received could not be kept')
    }
  }

  #sample(): Promise<void> {
    return this.#turns.run(async () => {
      await (this.#loading ??= this.#load())
      const network = await this.#options.network()?.catch(() => undefined)
      if (network !== this.#network) for (const it of this.#kept.values()) it.counted = NOTHING
      this.#network = network
      const hour = Math.floor(Date.now() / HOUR_MS)
      const library = this.#options.library.list()
      for (const { feedKey } of network === undefined ? [] : library)
        this.#note(feedKey, hour, network?.status(feedKey))
      for (const [feedKey, downloadedBytes] of this.#received) {
        const before = this.#kept.get(feedKey) ?? UNKNOWN
        const totals = sum(before.totals, { ...NOTHING, downloadedBytes })
        this.#kept.set(feedKey, { ...before, totals })
        this.#isChanged = true
      }
      this.#received.clear()
      const known = new Set(library.map((it) => it.feedKey))
      for (const [feedKey, { totals }] of this.#kept) {
        if (known.has(feedKey)) continue
        this.#others = sum(this.#others, totals)
        this.#kept.delete(feedKey)
        this.#isChanged = true
      }
    })
  }

  #note(feedKey: FeedKey, hour: number, now: SeedingStatus | undefined): void {
    if (now === undefined) return
    const { uploadedBytes, downloadedBytes, peers, fullCopies } = now
    const before = this.#kept.get(feedKey) ?? UNKNOWN
    const { counted } = before
    // A newsletter that left the network begins anew.
    const more = (value: number, last: number) => (value < last ? value : value - last)
    const totals = sum(before.totals, {
      uploadedBytes: more(uploadedBytes, counted.uploadedBytes),
      downloadedBytes: more(downloadedBytes, counted.downloadedBytes),
    })
    const hours = addHour(before.hours, { hour, peers, copies: fullCopies })
    if (hours !== before.hours || totals.uploadedBytes !== before.totals.uploadedBytes)
      this.#isChanged = true
    if (totals.downloadedBytes !== before.totals.downloadedBytes) this.#isChanged = true
    this.#kept.set(feedKey, { totals, hours, counted: { uploadedBytes, downloadedBytes } })
  }

  async #load(): Promise<void> {
    const text = await readFile(this.#options.path, 'utf8').catch(() => undefined)
    if (text === undefined) return
    try {
      const { since, others, newsletters } = file.parse(JSON.parse(text))
      this.#since = since
      this.#others = others
      for (const [feedKey, { hours, ...totals }] of Object.entries(newsletters)) {
        const known = hours.map(([from, to, peers, copies]) => ({ from, to, peers, copies }))
        this.#kept.set(feedKey as FeedKey, { totals, hours: known, counted: NOTHING })
      }
    } catch (err) {
      // Nothing depends on it.
      this.#options.logger.warn({ err }, 'what was sent and received before cannot be read')
    }
  }

  async #save(): Promise<void> {
    this.#savedAt = Date.now()
    this.#isChanged = false
    const newsletters = Object.fromEntries(
      [...this.#kept].map(([feedKey, { totals, hours }]) => [
        feedKey,
        { ...totals, hours: hours.map(({ from, to, peers, copies }) => [from, to, peers, copies]) },
      ]),
    )
    const kept = { since: this.#since, others: this.#others, newsletters }
    await replaceWhole(this.#options.path, [Buffer.from(`${JSON.stringify(kept)}\n`)])
  }
}

function sum(a: Traffic, b: Traffic): Traffic {
  return {
    uploadedBytes: a.uploadedBytes + b.uploadedBytes,
    downloadedBytes: a.downloadedBytes + b.downloadedBytes,
  }
}

/** The same hours with what is known of one; those of more than a week before it are dropped. */
export function addHour(
  hours: readonly CopyHours[],
  {
    hour,
    peers,
    copies,
  }: { readonly hour: number; readonly peers: number; readonly copies: number },
): readonly CopyHours[] {
  const last = hours.at(-1)
  // A clock that was set back tells nothing of an hour that has passed.
  if (last !== undefined && last.to > hour) return hours
  const isAgain = last?.to === hour
  const most = isAgain
    ? { peers: Math.max(last.peers, peers), copies: Math.max(last.copies, copies) }
    : { peers, copies }
  if (isAgain && most.peers === last.peers && most.copies === last.copies) return hours
  const shorter = isAgain && last.from < hour ? [{ ...last, to: hour - 1 }] : []
  const before = isAgain ? [...hours.slice(0, -1), ...shorter] : hours
  const end = before.at(-1)
  const isLonger = end?.to === hour - 1 && end.peers === most.peers && end.copies === most.copies
  const all = isLonger
    ? [...before.slice(0, -1), { ...end, to: hour }]
    : [...before, { from: hour, to: hour, ...most }]
  const oldest = hour - REMEMBERED_HOURS + 1
  return all.flatMap((it) =>
    it.to < oldest ? [] : [it.from < oldest ? { ...it, from: oldest } : it],
  )
}
