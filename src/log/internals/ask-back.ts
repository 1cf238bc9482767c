import type { Peer } from 'hypercore'

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
export async function askBack(peer: Peer, index: number): Promise<Uint8Array | undefined> {
  const { wireRequest } = peer as unknown as {
    readonly wireRequest: { send(request: object): boolean }
  }
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
