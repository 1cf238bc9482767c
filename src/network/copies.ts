import type Hypercore from 'hypercore'
import type { Peer } from 'hypercore'
import type { BlockRange } from '../feed/feed.ts'

/** Connected peers that announced to hold all of `range`. */
export function copiesOf(core: Hypercore, range: BlockRange): number {
  return core.peers.filter((peer) => peerHolds(peer, range)).length
}

/** Connected peers that announced to hold every block. */
export function fullCopiesOf(core: Hypercore): number {
  return core.length === 0 ? 0 : copiesOf(core, { start: 0, end: core.length })
}

// The bitfield of a peer lacks what it told as its unbroken prefix, so both are asked.
function peerHolds(peer: Peer, { start, end }: BlockRange): boolean {
  for (let index = Math.max(start, peer.remoteContiguousLength); index < end; index++) {
    if (!peer.remoteBitfield.get(index)) return false
  }
  return true
}

/** How many blocks are on this machine. */
export function heldBlocksOf(core: Hypercore): number {
  // The bitfield behind `has` counts in one pass; a walk with `has` would take a call a block.
  const { bitfield } = (
    core as unknown as { core: { bitfield: { countSet(start: number, length: number): number } } }
  ).core
  return core.contiguousLength === core.length ? core.length : bitfield.countSet(0, core.length)
}
