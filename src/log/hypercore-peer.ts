import type { Peer } from 'hypercore'
import crypto from 'hypercore-crypto'
import type { BlockRange } from '../format/block-ranges.ts'
import type { LogPeer } from '../format/log-events.ts'
import { askBack } from './internals/ask-back.ts'

// What is used of a peer beyond its public face.
interface Wire {
  readonly wireRange: { send(message: { drop: boolean; start: number; length: number }): void }
}

/** A replication peer of Hypercore. */
export class HypercorePeer implements LogPeer {
  readonly peer: Peer

  constructor(peer: Peer) {
    this.peer = peer
  }

  get publicKey(): Uint8Array {
    return this.peer.remotePublicKey
  }

  get ownPublicKey(): Uint8Array {
    return this.peer.stream.publicKey
  }

  get length(): number {
    return this.peer.remoteLength
  }

  get isSynced(): boolean {
    return this.peer.remoteOpened && this.peer.remoteSynced
  }

  holds({ start, end }: BlockRange): boolean {
    const { remoteContiguousLength, remoteBitfield } = this.peer
    // The bitfield of a peer lacks what it told as its unbroken prefix, so both are asked.
    for (let index = Math.max(start, remoteContiguousLength); index < end; index++) {
      if (!remoteBitfield.get(index)) return false
    }
    return true
  }

  async prove(index: number, hash: Uint8Array): Promise<'proved' | 'wrong' | 'not-held'> {
    const block = await askBack(this.peer, index)
    if (block === undefined) return 'not-held'
    return crypto.data(Buffer.from(block)).equals(hash) ? 'proved' : 'wrong'
  }

  announce({ start, end }: BlockRange): void {
    // Hypercore would keep some of it to itself.
    const { wireRange } = this.peer as unknown as Wire
    wireRange.send({ drop: false, start, length: end - start })
  }
}

/** The peer behind one of a log of a store. */
export function replicationPeerOf(peer: LogPeer): Peer {
  if (peer instanceof HypercorePeer) return peer.peer
  throw new TypeError('Not a peer of a log of a store.')
}

const wrapped = new WeakMap<Peer, HypercorePeer>()

/** Always the same one for a peer. */
export function peerOf(peer: Peer): HypercorePeer {
  let found = wrapped.get(peer)
  if (found === undefined) wrapped.set(peer, (found = new HypercorePeer(peer)))
  return found
}
