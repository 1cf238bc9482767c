import { Scheduler } from '../../src/replication/scheduler/scheduler.ts'
import { type Asked, type SchedulerPort, seedOf } from '../../src/replication/scheduler/plan.ts'

/** A peer of a simulated swarm. */
export interface NodeOptions {
  /** Of its uplink. */
  readonly bytesPerMs: number
  /** Of its downlink; without limit when absent. */
  readonly downBytesPerMs?: number
  /** How far it is from the middle of the network, in milliseconds; 0 when absent. */
  readonly awayMs?: number
  /** Is there from the beginning when absent. */
  readonly joinsMs?: number
  readonly leavesMs?: number
  /** Takes requests and answers none, or answers each with a block that does not fit. */
  readonly fault?: 'silent' | 'lying'
}

/** One end of a connection: what a node knows of the node at the other end. */
export class Link {
  readonly to: Node
  readonly oneWayMs: number
  /** The other end. */
  back: Link = this
  /** Block → 1 if the other side announced it. */
  readonly holds: Uint8Array
  held: number
  announcements = 0
  /** Block asked of the other side → when. */
  readonly asked = new Map<number, number>()
  /** Blocks that the other side asked for, in turn. */
  readonly queue: number[] = []
  /** Of the first one in the queue, if it is on its way. */
  leftBytes = 0
  isOpen = true
  /** Whom the other side says it serves. */
  served: ReadonlySet<number> | undefined

  constructor(to: Node, oneWayMs: number) {
    this.to = to
    this.oneWayMs = oneWayMs
    this.holds = Uint8Array.from(to.has)
    this.held = to.held
  }
}

/** One peer, as the scheduler of the product sees it. */
export class Node implements SchedulerPort<Link> {
  readonly options: NodeOptions
  readonly isPublisher: boolean
  readonly seed: number
  readonly has: Uint8Array
  readonly links = new Set<Link>()
  readonly scheduler: Scheduler<Link>
  /** Whose requests wait for the uplink, each link once. */
  readonly waiting: Link[] = []
  held = 0
  sentBytes = 0
  isSending = false
  /** When its downlink has taken all that has arrived. */
  downFreeMs = -Infinity
  isHere = false
  doneMs = Infinity
  readonly #asked = new Map<number, Asked<Link>[]>()

  constructor(id: number, options: NodeOptions, blocks: number, blockBytes: number) {
    this.options = options
    this.isPublisher = id === 0
    this.has = new Uint8Array(blocks).fill(this.isPublisher ? 1 : 0)
    this.held = this.isPublisher ? blocks : 0
    this.seed = seedOf(Buffer.from(`node ${id}`))
    this.scheduler = new Scheduler<Link>({
      view: this,
      served: (link) => link.served,
      seed: this.seed,
      blockBytes,
    })
  }

  get isComplete(): boolean {
    return this.held === this.has.length
  }

  /** Whether the run waits for it. */
  get isExpected(): boolean {
    const { fault, leavesMs } = this.options
    return !this.isPublisher && fault === undefined && leavesMs === undefined
  }

  noteAsked(peer: Link, index: number, atMs: number): void {
    this.scheduler.noteAsked(peer, index, atMs)
    peer.asked.set(index, atMs)
    this.#asked.set(index, [...this.asked(index), { peer, atMs }])
  }

  /** Forgets one request. */
  forget(peer: Link, index: number): void {
    peer.asked.delete(index)
    const left = this.asked(index).filter((it) => it.peer !== peer)
    if (left.length > 0) this.#asked.set(index, left)
    else this.#asked.delete(index)
  }

  missing(limit: number): readonly number[] {
    const found: number[] = []
    for (let i = 0; i < this.has.length && found.length < limit; i++) {
      if (this.has[i] === 0) found.push(i)
    }
    return found
  }

  isMissing(index: number): boolean {
    return this.has[index] === 0
  }

  asked(index: number): readonly Asked<Link>[] {
    return this.#asked.get(index) ?? []
  }

  holds(link: Link, index: number): boolean {
    return link.holds[index] === 1
  }

  announcements(link: Link): number {
    return link.announcements
  }

  holdsAll(link: Link): boolean {
    return link.held === this.has.length
  }

  inFlight(link: Link): number {
    return link.asked.size
  }

  isReader(link: Link): boolean {
    return !link.to.isPublisher
  }
}
