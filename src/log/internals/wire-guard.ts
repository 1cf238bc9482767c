import type Protomux from 'protomux'
import type { Channel, ChannelOptions, MessageOptions } from 'protomux'
import { USES_INTERNALS, type CoreInternals } from './internals.ts'
import { RateLimiter } from '../../rate-limiter.ts'
import { CHECKS, type Verdict, type WirePeer } from './wire-checks.ts'

export interface WireGuardOptions {
  /** A peer sent what no honest one sends. `hangUp`: nothing more is taken from this connection. */
  readonly onViolation: (what: string, options: { readonly hangUp: boolean }) => void
  /** The messages of a peer take too much time: nothing of it is to be read for this long, in milliseconds. */
  readonly onExcess: (forMs: number) => void
  /** A peer requests a block, a hash or a length. */
  readonly onRequest: () => void
}

/** What is used of a replication peer, from the inside. */
interface Inside {
  readonly core: CoreInternals
  readonly replicator: {
    readonly peers: readonly unknown[]
    readonly allowFork: boolean
    readonly _inflight: { get(request: number): { readonly peer: unknown } | null | undefined }
  }
  readonly remoteLength: number
  readonly remoteRequests: { readonly size: number }
  /** Those that were cancelled stay in it. */
  readonly receiverQueue: {
    readonly queue: { readonly length: number }
    readonly priority: { readonly length: number }
  }
}

/** The protocol by which Hypercore replicates; its channels are named by discovery keys. */
const REPLICATION = 'hypercore/alpha'

/** Microseconds of this thread that the messages of one peer may take at once, and for each second. */
const WORK = { burst: 100_000, perSecond: 250_000 }

/** How much longer than its share a peer may take: one frame has up to 16 MiB, and is worked off in one piece. */
const MAX_WAIT_MS = 600

/** Opening a channel looks into the database whether there is such a core. */
const OPENING_COST = 100

/** Requests of one peer for one core that are being answered or wait; Hypercore itself has at most 512. */
const MAX_REQUESTS = 8_192

/** More than replication writes for one connection before it waits until that is read, in bytes. */
const MAX_UNSENT_BYTES = 64 * 1024 * 1024

/**
 * Stands between a connection and Hypercore, which believes every number that it is sent: a range of 2^53 blocks, in 17
 * bytes, takes it half a minute. What cannot exist is not handed on, and what takes long is paced. Holds for
 * every core that is replicated on the connection. To be called before anything else uses the multiplexer.
 */
export function guardReplication(mux: Protomux, options: WireGuardOptions): void {
  const guard = new WireGuard(mux, options)
  const create = mux.createChannel.bind(mux) as (given: ChannelOptions<unknown>) => Channel | null
  const pair = mux.pair.bind(mux)
  Object.assign(mux, {
    createChannel: (given: ChannelOptions<unknown>) =>
      create(given.protocol === REPLICATION ? guard.wrap(given) : given),
    pair: (...[name, onPair]: Parameters<Protomux['pair']>) =>
      pair(name, (id) => (guard.spend(OPENING_COST) ? onPair(id) : undefined)),
  })
}

class WireGuard {
  readonly #mux: Protomux
  readonly #options: WireGuardOptions
  readonly #work = new RateLimiter(WORK)
  #isOver = false

  constructor(mux: Protomux, options: WireGuardOptions) {
    this.#mux = mux
    this.#options = options
  }

  /** The same channel, with checks before each message. */
  wrap(given: ChannelOptions<unknown>): ChannelOptions<unknown> {
    const limits = { requests: 0 }
    const messages = given.messages?.map((message, type) => {
      const check = CHECKS[type]
      // What a later Hypercore may have added has no bounds that are known.
      return check === undefined || message === null
        ? null
        : this.#wrapMessage(message, check, limits)
    })
    return { ...given, ...(messages === undefined ? {} : { messages }) }
  }

  /** Takes work off the budget of the connection. Gives whether it may be done. */
  spend(cost: number): boolean {
    if (this.#isOver) return false
    const waitMs = this.#work.reserve(cost)
    if (waitMs > MAX_WAIT_MS) this.#hangUp('peer floods')
    else if (waitMs > 0) this.#options.onExcess(waitMs)
    return !this.#isOver
  }

  #wrapMessage(
    { encoding, onmessage }: MessageOptions<unknown>,
    check: (message: never, peer: WirePeer) => Verdict,
    limits: { requests: number },
  ): MessageOptions<unknown> {
    const isRequest = check === CHECKS[REQUEST]
    const handle = (message: unknown, channel: Channel): void | Promise<void> => {
      if (this.#isOver) return
      const peer = new ChannelPeer(channel)
      if (this.#unsentBytes > MAX_UNSENT_BYTES) return this.#hangUp('peer asks without listening')
      const verdict = check(message as never, peer)
      if (typeof verdict === 'string') return this.#hangUp(verdict)
      if (typeof verdict !== 'number') {
        const { misdeed } = verdict
        if (misdeed !== undefined) this.#options.onViolation(misdeed, { hangUp: false })
        this.spend(verdict.cost)
        return
      }
      if (!this.spend(verdict)) return
      if (!isRequest) return onmessage?.(message, channel)
      this.#options.onRequest()
      if (Math.max(limits.requests, peer.waiting) >= MAX_REQUESTS) {
        return this.#hangUp('peer asks without listening')
      }
      limits.requests++
      return Promise.resolve(onmessage?.(message, channel)).finally(() => limits.requests--)
    }
    return {
      ...(encoding === undefined
        ? {}
        : {
            encoding: { ...encoding, decode: (state) => understood(() => encoding.decode(state)) },
          }),
      onmessage: (message, channel) => understood(() => handle(message, channel)),
    }
  }

  get #unsentBytes(): number {
    const { stream } = this.#mux as unknown as { stream: { _writableState?: { buffered: number } } }
    return stream._writableState?.buffered ?? 0
  }

  #hangUp(what: string): void {
    this.#isOver = true
    this.#options.onViolation(what, { hangUp: true })
  }
}

/** What the checks need to know of the peer of a channel. Where the inside is not known, a log may have any length. */
class ChannelPeer implements WirePeer {
  readonly #inside: Inside | undefined

  constructor({ userData }: Channel) {
    this.#inside = USES_INTERNALS ? (userData as Inside) : undefined
  }

  get length(): number | undefined {
    return this.#inside?.core.state.length
  }

  get isContiguous(): boolean {
    const { length } = this
    return length !== undefined && this.#inside?.core.header.hints.contiguousLength === length
  }

  get claimed(): number {
    return this.#inside?.remoteLength ?? 0
  }

  get fork(): number | undefined {
    return this.#inside?.replicator.allowFork === false ? this.#inside.core.state.fork : undefined
  }

  get peers(): number {
    return this.#inside?.replicator.peers.length ?? 1
  }

  /** Requests that wait until what was sent before is read. */
  get waiting(): number {
    const { remoteRequests, receiverQueue } = this.#inside ?? {}
    const { queue, priority } = receiverQueue ?? {}
    return Math.max(remoteRequests?.size ?? 0, (queue?.length ?? 0) + (priority?.length ?? 0))
  }

  isAsked(request: number): boolean {
    const inside = this.#inside
    return inside === undefined || inside.replicator._inflight.get(request)?.peer === inside
  }
}

const REQUEST = 1

/**
 * Protomux ends the process for an error of type or range, whoever it is that sent something that leads to it.
 * @throws Error, of no kind: then it ends the connection.
 */
function understood<T>(work: () => T): T {
  const rethrow = (error: unknown): never => {
    throw new Error(`A message was not understood: ${String(error)}`, { cause: error })
  }
  try {
    const done = work()
    return done instanceof Promise ? (done.catch(rethrow) as T) : done
  } catch (error) {
    return rethrow(error)
  }
}
