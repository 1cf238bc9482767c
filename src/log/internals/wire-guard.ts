import type Protomux from 'protomux'
import type { Channel, ChannelOptions, MessageOptions } from 'protomux'
import { takeAnswer } from '../hypercore-peer.ts'
import type { CoreInternals } from './internals.ts'
import { USES_INTERNALS } from './version.ts'
import { beforeOpening } from '../../peers/patched-protomux.ts'
import type { PeerControls } from '../../peers/swarm.ts'
import { RateLimiter } from '../../rate-limiter.ts'
import { CHECKS, type Verdict, type WirePeer } from './wire-checks.ts'

/** What is used of a replication peer, from the inside. */
interface Inside {
  readonly core: CoreInternals
  readonly replicator: {
    readonly peers: readonly unknown[]
    readonly allowFork: boolean
    readonly _inflight: { get(request: number): { readonly peer: unknown } | null | undefined }
  }
  readonly remoteLength: number
  readonly remoteRequests: Map<number, unknown>
  /** Requests that wait. Those that were cancelled stay in `queue` and `priority`. */
  readonly receiverQueue: {
    readonly length: number
    readonly queue: { readonly length: number }
    readonly priority: { readonly length: number }
    push(request: unknown): void
  }
  _cancel(request: number): void
  /** Answers requests that wait, one after the other. */
  _handleRequests(): Promise<void>
}

/** The protocol by which Hypercore replicates; its channels are named by discovery keys. */
const REPLICATION = 'hypercore/alpha'

/** Microseconds of this thread that the messages of one peer may take at once, and for each second. */
const WORK = { burst: 100_000, perSecond: 250_000 }

/** The same for all peers together, and for one of them as soon as all have used it up. */
const ALL_WORK = { burst: 100_000, perSecond: 300_000 }
const FAIR_WORK = { burst: 10_000, perSecond: 10_000 }
const allWork = new RateLimiter(ALL_WORK)

/** For how long a peer may have used up its share: one frame has up to 16 MiB, and is worked off in one piece. */
const MAX_WAIT_MS = 600

/** Requests of one peer at once, and for each second: 64 MB/s of blocks of 16 KiB. */
const REQUESTS = { burst: 10_000, perSecond: 4_000 }

/** For how long a peer may have used up its requests: all that wait when its connection is read no more. */
const MAX_REQUESTS_WAIT_MS = 5_000

/** Channels that a peer opens at once, and for each second; a seeder may open some thousand at once. */
const OPENINGS = { burst: 2_048, perSecond: 1_024 }

/** Each looks into the database whether there is such a core. */
const OPENING_COST = 100

/** For how long a peer may have used up its channels. */
const MAX_OPENINGS_WAIT_MS = 6_000

/** Channels that are refused to a peer which does not read that. */
const MAX_UNHEARD = 16_384

/** The numbers of messages. */
const REQUEST = 1
const DATA = 3
const NO_DATA = 4

/** Requests of one peer for one core that wait for their answer; Hypercore itself has at most 512. */
const MAX_REQUESTS = 8_192

/** Of these, how many are answered at the same time. */
const MAX_ANSWERING = 512

/** More than replication writes for one connection before it waits until that is read, in bytes. */
const MAX_UNSENT_BYTES = 64 * 1024 * 1024

/**
 * Stands between a connection and Hypercore, which believes every number that it is sent: a range of 2^53 blocks, in 17
 * bytes, takes it half a minute. What cannot exist is not handed on, and what takes long is paced. Holds for
 * every core that is replicated on the connection. To be called before anything else uses the multiplexer.
 */
export function guardReplication(mux: Protomux, options: PeerControls): void {
  const guard = new WireGuard(mux, options)
  const create = mux.createChannel.bind(mux) as (given: ChannelOptions<unknown>) => Channel | null
  Object.assign(mux, {
    createChannel: (given: ChannelOptions<unknown>) =>
      create(given.protocol === REPLICATION ? guard.wrap(given) : given),
  })
  beforeOpening(mux, () => guard.open())
}

class WireGuard {
  readonly #mux: Protomux
  readonly #options: PeerControls
  readonly #work = new RateLimiter(WORK)
  readonly #fairWork = new RateLimiter(FAIR_WORK)
  readonly #requests = new RateLimiter(REQUESTS)
  readonly #openings = new RateLimiter(OPENINGS)
  #unheard = 0
  #isOver = false

  constructor(mux: Protomux, options: PeerControls) {
    this.#mux = mux
    this.#options = options
  }

  /** The same channel, with checks before each message. */
  wrap(given: ChannelOptions<unknown>): ChannelOptions<unknown> {
    const messages = given.messages?.map((message, type) => {
      const check = CHECKS[type]
      // What a later Hypercore may have added has no bounds that are known.
      return check === undefined || message === null ? null : this.#wrapMessage(message, check)
    })
    const { ondrain } = given
    return {
      ...given,
      ...(messages === undefined ? {} : { messages }),
      // Requests that waited for the network are answered then.
      ...(ondrain === undefined
        ? {}
        : { ondrain: async (channel) => this.#understood(() => ondrain(channel)) }),
    }
  }

  /**
   * Takes work off the budget of the connection.
   * @param cost in microseconds.
   * @throws Error if the connection is to end.
   */
  spend(cost: number): void {
    this.#share(cost)
    this.#pace(this.#work.reserve(cost), MAX_WAIT_MS)
  }

  /** Takes a channel that the peer opens off its budget. @throws Error if the connection is to end. */
  open(): void {
    this.#unheard = this.#mux.drained ? 0 : this.#unheard + 1
    if (this.#unheard > MAX_UNHEARD) this.#hangUp('peer opens channels without listening')
    this.#share(OPENING_COST)
    this.#pace(this.#openings.reserve(), MAX_OPENINGS_WAIT_MS)
  }

  #share(cost: number): void {
    const [allMs, fairMs] = [allWork.reserve(cost), this.#fairWork.reserve(cost)]
    if (fairMs > 0 && allMs > 0) this.#options.onExcess(Math.min(allMs, MAX_WAIT_MS))
  }

  #pace(waitMs: number, mostMs: number): void {
    if (waitMs > mostMs) this.#hangUp('peer floods')
    if (waitMs > 0) this.#options.onExcess(waitMs)
  }

  #wrapMessage(
    { encoding, onmessage }: MessageOptions<unknown>,
    check: (message: never, peer: WirePeer) => Verdict,
  ): MessageOptions<unknown> {
    let answering = 0
    const answered = async (message: unknown, channel: Channel, peer: ChannelPeer) => {
      answering++
      try {
        await onmessage?.(message, channel)
      } finally {
        answering--
      }
      if (answering < MAX_ANSWERING) await peer.answerNext()
    }
    const answer = (
      message: unknown,
      channel: Channel,
      peer: ChannelPeer,
    ): void | Promise<void> => {
      this.#pace(this.#requests.reserve(), MAX_REQUESTS_WAIT_MS)
      if (Math.max(answering, peer.waiting) >= MAX_REQUESTS) {
        this.#hangUp('peer asks without listening')
      }
      if (answering >= MAX_ANSWERING && peer.queue(message)) return
      return answered(message, channel, peer)
    }
    const isAnswer = check === CHECKS[DATA] || check === CHECKS[NO_DATA]
    const handle = (message: unknown, channel: Channel): void | Promise<void> => {
      if (isAnswer && takeAnswer(channel.userData as object, message as { request: number })) return
      const peer = new ChannelPeer(channel)
      const verdict = check(message as never, peer)
      if (typeof verdict === 'string') this.#hangUp(verdict)
      if (typeof verdict !== 'number') {
        const { misdeed } = verdict
        if (misdeed !== undefined) this.#options.onViolation(misdeed, { hangUp: false })
        return this.spend(verdict.cost)
      }
      this.spend(verdict)
      if (this.#unsentBytes > MAX_UNSENT_BYTES) this.#hangUp('peer asks without listening')
      if (check === CHECKS[REQUEST]) return answer(message, channel, peer)
      return onmessage?.(message, channel)
    }
    return {
      ...(encoding === undefined
        ? {}
        : {
            encoding: {
              ...encoding,
              decode: (state) => this.#understood(() => encoding.decode(state)),
            },
          }),
      onmessage: (message, channel) => this.#understood(() => handle(message, channel)),
    }
  }

  /**
   * Protomux ends the process for an error of type or range, also for one that a message of a peer leads to.
   * @throws Error, of no kind: it ends the connection, and what else is in the same frame.
   */
  #understood<T>(work: () => T): T {
    const rethrow = (error: unknown): never => {
      throw new Error(`A message was not understood: ${String(error)}`, { cause: error })
    }
    if (this.#isOver) return rethrow('the connection ends')
    try {
      const done = work()
      return done instanceof Promise ? (done.catch(rethrow) as T) : done
    } catch (error) {
      return rethrow(error)
    }
  }

  get #unsentBytes(): number {
    const { stream } = this.#mux as unknown as { stream: { _writableState?: { buffered: number } } }
    return stream._writableState?.buffered ?? 0
  }

  #hangUp(what: string): never {
    if (!this.#isOver) this.#options.onViolation(what, { hangUp: true })
    this.#isOver = true
    throw new Error(what)
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

  get contiguousClaimed(): number {
    return this.#inside?.core.header.hints.remoteContiguousLength ?? 0
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

  /** Has a request wait, as if nothing that was sent before had gone out. Gives whether it does. */
  queue(request: unknown): boolean {
    const inside = this.#inside
    if (inside === undefined) return false
    const { id } = request as { readonly id: number }
    inside._cancel(id)
    inside.remoteRequests.set(id, request)
    inside.receiverQueue.push(request)
    return true
  }

  /** Rejects where one of them cannot be answered, which ends the connection. */
  async answerNext(): Promise<void> {
    if ((this.#inside?.receiverQueue.length ?? 0) > 0) await this.#inside?._handleRequests()
  }

  isAsked(request: number): boolean {
    const inside = this.#inside
    return inside === undefined || inside.replicator._inflight.get(request)?.peer === inside
  }
}
