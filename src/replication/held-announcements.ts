import type { Peer } from 'hypercore'
import { without, type BlockRange } from '../format/block-ranges.ts'
import type { Feed } from '../format/feed.ts'
import { countHeld } from '../log/held-blocks.ts'

// What is used of a peer beyond its public face.
interface Wire {
  readonly wireRange: { send(message: { drop: boolean; start: number; length: number }): void }
}

/** Tells a peer that all of `range` is held here, though Hypercore would keep it to itself. */
export function announceRange(peer: Peer, { start, end }: BlockRange): void {
  const { wireRange } = peer as unknown as Wire
  wireRange.send({ drop: false, start, length: end - start })
}

/**
 * Tells a peer what is held around what is not wanted here. By itself Hypercore tells the unbroken
 * beginning of a core, and each block that is dropped; the other side then takes all behind it for gone.
 */
export function announceHeld({ core, unwanted }: Feed, peer: Peer): void {
  if (unwanted.length === 0) return
  for (const range of without([{ start: 0, end: core.length }], unwanted)) {
    // What is held in part is told on demand.
    if (countHeld(core, range) === range.end - range.start) announceRange(peer, range)
  }
}
