import HyperDHT from 'hyperdht'
import type { Address, ConnectOptions, HyperDHTOptions } from 'hyperdht'
import NoiseWrap from 'hyperdht/lib/noise-wrap.js'
import type { Connection } from 'hyperswarm'
import { LRUCache } from 'lru-cache'
import { hex } from '../hex.ts'
import { RateLimiter } from '../rate-limiter.ts'

type Handler = (...args: readonly unknown[]) => unknown

/** What is used of a node, from the inside. */
interface Inside {
  readonly io: { onmessage: Handler }
  readonly _router: Record<'onpeerhandshake' | 'onpeerholepunch', Handler> & {
    set: (target: unknown, state: Partial<Record<string, Handler | null>>) => void
    peerHandshake: (...args: readonly unknown[]) => Promise<{ readonly serverAddress: Address }>
  }
}

/** The payload of a handshake, in which a peer describes how to reach it. */
interface Payload {
  addresses4: Address[]
  addresses6: Address[]
  relayAddresses: Address[] | null
  holepunch: {
    relays: readonly { readonly relayAddress: Address; readonly peerAddress: Address }[]
  } | null
}

/** A handshake with a stranger, who can send anything. */
export class GuardedHandshake extends NoiseWrap {
  /** @throws Error, of no kind: an error of type or range would end the process. */
  override recv(message: Uint8Array): object {
    try {
      return withoutNowhere(super.recv(message) as Payload)
    } catch (error) {
      throw new Error('A handshake was not understood.', { cause: error })
    }
  }
}

/** Handshakes that are answered: each takes some milliseconds, with the connection that it begins, and is one packet of anybody. */
const HANDSHAKES = { perSecond: 32, burst: 128 }

/** Of these, how many are known when they come again; by the key that they begin with. */
const MAX_KNOWN = 1_024
const KEY_BYTES = 32

const isSomewhere = ({ port }: Address) => port > 0

// Connecting to port 0 throws where nobody catches it.
function withoutNowhere(payload: Payload): Payload {
  const { addresses4, addresses6, relayAddresses, holepunch } = payload
  const isReachable = (it: { readonly relayAddress: Address; readonly peerAddress: Address }) =>
    isSomewhere(it.relayAddress) && isSomewhere(it.peerAddress)
  return {
    ...payload,
    addresses4: addresses4.filter(isSomewhere),
    addresses6: addresses6.filter(isSomewhere),
    relayAddresses: relayAddresses?.filter(isSomewhere) ?? null,
    holepunch: holepunch && { ...holepunch, relays: holepunch.relays.filter(isReachable) },
  }
}

const createHandshake = (...args: ConstructorParameters<typeof NoiseWrap>) =>
  new GuardedHandshake(...args)

/**
 * A DHT node that no packet ends. By default one of 150 bytes does, from anybody, with a handshake that is cut off: the
 * package throws errors of type and range anew where nobody can catch them, and leaves promises alone that reject.
 */
export class GuardedDht extends HyperDHT {
  constructor(options?: HyperDHTOptions) {
    super(options)
    const { io, _router: router } = this as unknown as Inside
    const take = io.onmessage.bind(io)
    // Of a packet that cannot be handled nothing is kept.
    Object.assign(io, { onmessage: quiet(take) })
    router.onpeerhandshake = quiet(router.onpeerhandshake.bind(router))
    router.onpeerholepunch = quiet(router.onpeerholepunch.bind(router))
    const rate = new RateLimiter(HANDSHAKES)
    const known = new LRUCache<string, true>({ max: MAX_KNOWN })
    // One and the same handshake comes by several ways, and is answered once.
    const mayAnswer = (noise: Uint8Array) => {
      const name = hex(noise.subarray(0, KEY_BYTES))
      if (!known.has(name) && !rate.take()) return false
      known.set(name, true)
      return true
    }
    const set = router.set.bind(router)
    router.set = (target, state) => {
      const { onpeerhandshake: greet, onpeerholepunch: punch } = state
      set(target, {
        ...state,
        ...(greet && {
          onpeerhandshake: quiet((message, ...others) =>
            mayAnswer((message as { readonly noise: Uint8Array }).noise)
              ? greet(message, ...others)
              : null,
          ),
        }),
        ...(punch && { onpeerholepunch: quiet(punch) }),
      })
    }
    const handshake = router.peerHandshake.bind(router)
    router.peerHandshake = async (...args) => {
      const answer = await handshake(...args)
      if (isSomewhere(answer.serverAddress)) return answer
      throw new Error('A node of the DHT says that a peer is nowhere.')
    }
  }

  override connect(key: Uint8Array, options?: ConnectOptions): Connection {
    return super.connect(key, { createHandshake, ...options })
  }

  override createServer(...[options, onConnection]: Parameters<HyperDHT['createServer']>) {
    return super.createServer({ createHandshake, ...options }, onConnection)
  }
}

/** The same, but that what fails gives nothing. */
function quiet(handle: Handler): Handler {
  return (...args) => {
    try {
      const done = handle(...args)
      return done instanceof Promise ? done.catch(() => undefined) : done
    } catch {
      return undefined
    }
  }
}
