import type { Peer } from 'hypercore'
import crypto from 'hypercore-crypto'
import type { BlockRange } from '../format/block-ranges.ts'
import { equal } from '../format/bytes.ts'
import type { LogPeer } from '../format/log.ts'

// What is used of a peer beyond its public face.
interface Wire {
  readonly wireRange: { send(message: { drop: boolean; start: number; length: number }): void }
  readonly wireRequest: { send(request: object): boolean }
}

class HypercorePeer implements LogPeer {
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
    return equal(crypto.data(block), hash) ? 'proved' : 'wrong'
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

/** Requests of Hypercore are numbered from 1, by how many are under way; those from here on are ours. */
const FIRST_REQUEST = 2 ** 40

const TIMEOUT_MS = 10_000

interface Answer {
  readonly request: number
  readonly block?: { readonly value: Uint8Array | null } | null
}

type Waiting = Map<number, (block: Uint8Array | undefined) => void>

/** Peer → request → who waits for its answer. */
const asked = new WeakMap<object, Waiting>()

let next = FIRST_REQUEST

/**
 * Asks one peer for a block, whether it is here or not. Nothing is stored; every version answers such a request.
 * @returns the block as the peer sent it, nothing of it checked; undefined if it says that it has none.
 * @throws Error if it does not answer in time
 */
async function askBack(peer: Peer, index: number): Promise<Uint8Array | undefined> {
  const { wireRequest } = peer as unknown as Wire
  const id = next++
  const waiting: Waiting = asked.get(peer) ?? new Map()
  asked.set(peer, waiting)
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<Uint8Array | undefined>((resolve, reject) => {
      waiting.set(id, resolve)
      timer = setTimeout(() => reject(new Error('The peer does not answer.')), TIMEOUT_MS)
      timer.unref()
      wireRequest.send({
        id,
        fork: peer.remoteFork,
        block: { index, nodes: 0 },
        hash: null,
        seek: null,
        upgrade: null,
        manifest: false,
        priority: 0,
      })
    })
  } finally {
    clearTimeout(timer)
    waiting.delete(id)
  }
}

/** Takes a message of a peer, with data or without, if it answers `askBack`. Gives whether it did. */
export function takeAnswer(peer: object, { request, block }: Answer): boolean {
  const resolve = request < FIRST_REQUEST ? undefined : asked.get(peer)?.get(request)
  resolve?.(block === null || block === undefined ? undefined : (block.value ?? new Uint8Array()))
  return resolve !== undefined
}
