import { merged, only, without, type BlockRange } from '../format/block-ranges.ts'
import type { Log, LogPeer } from '../format/log.ts'

/** A peer that does not answer is asked again after this. */
const ASK_AGAIN_MS = 30_000

/** A peer that says it has not what it announced may just be dropping it, and say so later. */
const DROP_MS = 2_000

/** Ranges that are remembered of one peer; it proves again what is forgotten. */
const MAX_RANGES = 256

interface Evidence {
  /** Blocks that went to the peer from here, or that it proved. */
  ranges: BlockRange[]
  /** Blocks that went to the peer, not in `ranges` so far. */
  uploaded: number[]
  isAsked: boolean
  /** By `performance.now`. */
  askAt: number
}

/**
 * Which peers hold what of a log. Of an own log an announcement alone does not count: blocks were sent to the peer from
 * here, or it proves to have one of them, drawn at random. Of the logs of others announcements count, since a proof
 * takes a block from each peer.
 */
export class Copies {
  readonly #log: Log
  readonly #onLie: (publicKey: Uint8Array) => void
  readonly #counts: (peer: LogPeer) => boolean
  readonly #evidence = new Map<LogPeer, Evidence>()

  /**
   * @param onLie called when a peer announced a block that it does not have, or sent another one.
   * @param counts whether what a peer holds is a copy; so it is of all peers when absent.
   */
  constructor(
    log: Log,
    onLie: (publicKey: Uint8Array) => void,
    counts: (peer: LogPeer) => boolean = () => true,
  ) {
    this.#log = log
    this.#onLie = onLie
    this.#counts = counts
  }

  /**
   * Connected peers that hold all of `ranges`, but for what is `dropped`. Peers that announced it and have not proved
   * it are asked to, and count when they have.
   */
  count(ranges: readonly BlockRange[], dropped: readonly BlockRange[] = []): number {
    const wanted = without(ranges, dropped)
    return this.#log.peers.filter((peer) => {
      if (!this.#counts(peer) || !wanted.every((it) => peer.holds(it))) return false
      if (!this.#log.writable) return true
      const evidence = this.#of(peer)
      const open = without(wanted, rangesOf(evidence))
      if (open.length > 0) this.#ask(peer, evidence, open).catch(() => undefined)
      return open.length === 0
    }).length
  }

  /** Connected peers that hold every block, but for what is `dropped`. */
  countFull(dropped: readonly BlockRange[] = []): number {
    const { length } = this.#log
    return length === 0 ? 0 : this.count([{ start: 0, end: length }], dropped)
  }

  uploaded(index: number, peer: LogPeer): void {
    if (!this.#log.writable) return
    const evidence = this.#of(peer)
    evidence.uploaded.push(index)
    if (evidence.uploaded.length >= MAX_RANGES) rangesOf(evidence)
  }

  forget(peer: LogPeer): void {
    this.#evidence.delete(peer)
  }

  #of(peer: LogPeer): Evidence {
    const known = this.#evidence.get(peer)
    if (known !== undefined) return known
    const evidence = { ranges: [], uploaded: [], isAsked: false, askAt: 0 }
    this.#evidence.set(peer, evidence)
    return evidence
  }

  async #ask(peer: LogPeer, evidence: Evidence, open: readonly BlockRange[]): Promise<void> {
    if (evidence.isAsked || performance.now() < evidence.askAt) return
    evidence.isAsked = true
    try {
      const index = anyOf(open)
      const leaf = await this.#log.leaf(index)
      const answer = leaf && (await peer.prove(index, leaf.hash))
      if (answer === 'proved') {
        evidence.ranges = merged([...evidence.ranges, ...open])
        return
      }
      evidence.askAt = performance.now() + ASK_AGAIN_MS
      if (answer === 'wrong') this.#onLie(peer.publicKey)
      if (answer === 'not-held') setTimeout(() => this.#judge(peer, index), DROP_MS).unref()
    } catch (error) {
      evidence.askAt = performance.now() + ASK_AGAIN_MS
      throw error
    } finally {
      evidence.isAsked = false
    }
  }

  #judge(peer: LogPeer, index: number): void {
    if (this.#log.peers.includes(peer) && peer.holds(only(index))) this.#onLie(peer.publicKey)
  }
}

/** A block of `ranges`, drawn at random. */
function anyOf(ranges: readonly BlockRange[]): number {
  let at = Math.floor(Math.random() * ranges.reduce((sum, it) => sum + it.end - it.start, 0))
  for (const { start, end } of ranges) {
    if (at < end - start) return start + at
    at -= end - start
  }
  return 0
}

function rangesOf(evidence: Evidence): readonly BlockRange[] {
  if (evidence.uploaded.length > 0) {
    const ranges = merged([...evidence.ranges, ...evidence.uploaded.map((it) => only(it))])
    evidence.ranges = ranges.slice(0, MAX_RANGES)
    evidence.uploaded = []
  }
  return evidence.ranges
}

/** Of `ranges` the blocks that no connected peer announced to hold, neighbours together. */
export function unheldOf(log: Log, ranges: readonly BlockRange[]): BlockRange[] {
  const unheld: BlockRange[] = []
  for (const { start, end } of ranges) {
    for (let index = start; index < end; index++) {
      if (log.peers.some((peer) => peer.holds(only(index)))) continue
      const last = unheld.at(-1)
      if (last?.end === index) unheld[unheld.length - 1] = { start: last.start, end: index + 1 }
      else unheld.push(only(index))
    }
  }
  return unheld
}
