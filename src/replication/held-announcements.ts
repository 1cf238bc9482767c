import { without } from '../format/block-ranges.ts'
import type { Feed } from '../format/feed.ts'
import type { LogPeer } from '../format/log.ts'

/**
 * Tells a peer what is held around what is not wanted here. By itself Hypercore tells the unbroken
 * beginning of a core, and each block that is dropped; the other side then takes all behind it for gone.
 */
export function announceHeld({ log, unwanted }: Feed, peer: LogPeer): void {
  if (unwanted.length === 0) return
  for (const range of without([{ start: 0, end: log.length }], unwanted)) {
    // What is held in part is told on demand.
    if (log.countHeld(range) === range.end - range.start) peer.announce(range)
  }
}
