import { readFile } from 'node:fs/promises'
import type Hyperswarm from 'hyperswarm'
import * as z from 'zod'
import { replaceWhole } from '../atomic-file.ts'
import { codeOf } from '../errors.ts'
import type { Logger } from '../logger.ts'

/** What is known against one peer: misdeeds since the last ban, and bans. Times are in milliseconds since 1970. */
const entry = z.object({ strikes: z.int(), bans: z.int(), bannedUntil: z.int(), lastAt: z.int() })
type Entry = Readonly<z.infer<typeof entry>>

export interface BansOptions {
  /** Absolute; nothing is kept without one. */
  readonly path?: string | undefined
  readonly logger: Logger
  readonly now?: () => number
}

const STRIKES_TO_BAN = 3

/** Duration of the first ban; each further one is `GROWTH` times as long as the one before. */
const FIRST_BAN_MS = 10 * 60_000
const GROWTH = 6
const LONGEST_BAN_MS = 7 * 24 * 3_600_000

/** Misdeeds are forgotten after this time without another. */
const FORGIVE_MS = 30 * 24 * 3_600_000

/** Peers remembered; the one whose last misdeed is oldest goes first. Keys cost nothing, so a list of all has no end. */
const MAX_ENTRIES = 1_000

const SAVE_AFTER_MS = 500

/**
 * Misdeeds of peers by public key in hex, and until when each is banned. Kept over restarts, in a small
 * file. A peer that takes another key begins anew: what it can do is bounded by what three strikes cost.
 */
export class Bans {
  readonly #options: BansOptions
  readonly #now: () => number
  readonly #entries: Map<string, Entry>
  #timer: NodeJS.Timeout | undefined
  #saving: Promise<void> = Promise.resolve()

  private constructor(options: BansOptions, entries: Map<string, Entry>) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#entries = entries
  }

  /** Nothing is kept. */
  static inMemory(logger: Logger): Bans {
    return new Bans({ logger }, new Map())
  }

  /** A file that is not there or not understood counts as empty. */
  static async open(options: BansOptions & { readonly path: string }): Promise<Bans> {
    try {
      return new Bans(options, entriesIn(await readFile(options.path, 'utf8')))
    } catch (err) {
      if (codeOf(err) !== 'ENOENT') {
        options.logger.warn({ err }, 'the list of banned peers could not be read')
      }
      return new Bans(options, new Map())
    }
  }

  /** Counts a misdeed. Gives how many there are, and until when the peer is banned if it now is. */
  strike(peer: string): { readonly strikes: number; readonly bannedUntil: number | undefined } {
    const before = this.#entries.get(peer)
    const strikes = (before?.strikes ?? 0) + 1
    const bans = before?.bans ?? 0
    const lastAt = this.#now()
    const isBanned = strikes >= STRIKES_TO_BAN
    const lastsMs = Math.min(FIRST_BAN_MS * GROWTH ** bans, LONGEST_BAN_MS)
    const bannedUntil = isBanned ? lastAt + lastsMs : (before?.bannedUntil ?? 0)
    // Moved to the end: the map is in the order of the last misdeeds.
    this.#entries.delete(peer)
    const counts = isBanned ? { strikes: 0, bans: bans + 1 } : { strikes, bans }
    this.#entries.set(peer, { ...counts, bannedUntil, lastAt })
    this.#prune()
    this.#saveSoon()
    return { strikes, bannedUntil: isBanned ? bannedUntil : undefined }
  }

  isBanned(peer: string): boolean {
    return (this.#entries.get(peer)?.bannedUntil ?? 0) > this.#now()
  }

  get size(): number {
    return [...this.#entries.keys()].filter((it) => this.isBanned(it)).length
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    if (this.#timer !== undefined) this.#save()
    await this.#saving
  }

  #prune(): void {
    for (const [peer, { lastAt }] of this.#entries) {
      const isOld = lastAt < this.#now() - FORGIVE_MS
      if (!isOld && this.#entries.size <= MAX_ENTRIES) return
      this.#entries.delete(peer)
    }
  }

  #saveSoon(): void {
    if (this.#options.path === undefined) return
    this.#timer ??= setTimeout(() => this.#save(), SAVE_AFTER_MS).unref()
  }

  #save(): void {
    const { path, logger } = this.#options
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (path === undefined) return
    const text = `${JSON.stringify(Object.fromEntries(this.#entries), undefined, 1)}\n`
    // Several writes of one file take turns.
    this.#saving = replaceWhole(path, [Buffer.from(text)]).catch((err: unknown) =>
      logger.debug({ err }, 'the list of banned peers was not written'),
    )
  }
}

/** @throws SyntaxError */
function entriesIn(text: string): Map<string, Entry> {
  const found = z.record(z.string(), z.unknown()).safeParse(JSON.parse(text)).data ?? {}
  const all = Object.entries(found).slice(-MAX_ENTRIES)
  return new Map(
    all.flatMap(([peer, it]) => {
      const { data } = entry.safeParse(it)
      return data !== undefined && /^[0-9a-f]{64}$/.test(peer) ? [[peer, data]] : []
    }),
  )
}

const UNBAN_EVERY_MS = 60_000

/** Peers, by their keys in hex, that are refused: banned for misdeeds, or with another history of a log. */
export class PeerBlocklist {
  readonly #swarm: Hyperswarm
  readonly #bans: Bans
  readonly #blocked = new Set<string>()
  readonly #timer: NodeJS.Timeout

  constructor(swarm: Hyperswarm, bans: Bans) {
    this.#swarm = swarm
    this.#bans = bans
    this.#timer = setInterval(() => this.#unban(), UNBAN_EVERY_MS).unref()
  }

  has(peer: string): boolean {
    return this.#blocked.has(peer) || this.#bans.isBanned(peer)
  }

  add(peer: string): void {
    this.#blocked.add(peer)
    this.refuse(peer)
  }

  /** Keeps the swarm from dialing a peer, until its ban is over. */
  refuse(peer: string): void {
    this.#swarm.peers.get(peer)?.ban(true)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  // The swarm never forgets a peer that the firewall refused.
  #unban(): void {
    for (const [peer, info] of this.#swarm.peers) {
      if (info.banned && !this.has(peer)) info.ban(false)
    }
  }
}
