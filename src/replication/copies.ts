import type Hypercore from 'hypercore'
import type { Peer } from 'hypercore'
import { only, without, type BlockRange } from '../format/block-ranges.ts'

/** Connected peers that announced to hold all of `ranges`, but for what is `dropped`. */
export function copiesOf(
  core: Hypercore,
  ranges: readonly BlockRange[],
  dropped: readonly BlockRange[] = [],
): number {
  const wanted = without(ranges, dropped)
  return core.peers.filter((peer) => wanted.every((it) => peerHolds(peer, it))).length
}

/** Connected peers that announced to hold every block, but for what is `dropped`. */
export function fullCopiesOf(core: Hypercore, dropped: readonly BlockRange[] = []): number {
  return core.length === 0 ? 0 : copiesOf(core, [{ start: 0, end: core.length }], dropped)
}

/** Of `ranges` the blocks that no connected peer announced to hold, neighbours together. */
export function unheldOf(core: Hypercore, ranges: readonly BlockRange[]): BlockRange[] {
  const unheld: BlockRange[] = []
  for (const { start, end } of ranges) {
    for (let index = start; index < end; index++) {
      if (core.peers.some((peer) => peerHolds(peer, only(index)))) continue
      const last = unheld.at(-1)
      if (last?.end === index) unheld[unheld.length - 1] = { start: last.start, end: index + 1 }
      else unheld.push(only(index))
    }
  }
  return unheld
}

// The bitfield of a peer lacks what it told as its unbroken prefix, so both are asked.
function peerHolds(peer: Peer, { start, end }: BlockRange): boolean {
  for (let index = Math.max(start, peer.remoteContiguousLength); index < end; index++) {
    if (!peer.remoteBitfield.get(index)) return false
  }
  return true
}
