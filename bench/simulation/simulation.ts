import { EventQueue } from './event-queue.ts'
import { Link, Node } from './node.ts'
import type { SimulationOptions, SimulationResult } from './options.ts'

/** Bytes on the wire for each byte of a block: packets' headers, proofs, requests. */
const OVERHEAD = 1.05

/** A block that was lost comes so much later. */
const RESENT_MS = 1_500

/** How often a reader looks for peers that are late: the product does too. */
const LOOK_MS = 100

/** That a lying publisher names. */
const STRANGERS = 200

/** Those who come together are named together. */
const GATHER_MS = 100

const LONGEST_MS = 600_000

/** When the issue comes out; who joins at the beginning is connected long before. */
const BEGIN_MS = 10_000

/**
 * Runs a swarm on a simulated network and clock until every honest reader that stays has everything. The
 * uplink of a node serves those who wait for a block in turn.
 */
export function simulate(options: SimulationOptions): SimulationResult {
  return new Simulation(options).run()
}

class Simulation {
  readonly #options: SimulationOptions
  readonly #events = new EventQueue()
  readonly #publisher: Node
  readonly #readers: Node[]
  #random = 12_345
  #hasBegun = false
  #degree = 0
  #isIntroducing = false

  constructor(options: SimulationOptions) {
    const { publisher, readers, blocks, blockBytes } = options
    this.#options = options
    this.#random += options.seed ?? 0
    this.#publisher = new Node(0, publisher, blocks, blockBytes)
    this.#readers = readers.map((it, i) => new Node(i + 1, it, blocks, blockBytes))
  }

  run(): SimulationResult {
    const events = this.#events
    this.#publisher.isHere = true
    for (const node of [this.#publisher, ...this.#readers]) {
      const { joinsMs, leavesMs } = node.options
      if (leavesMs !== undefined) events.at(BEGIN_MS + leavesMs, () => this.#leave(node))
      if (joinsMs !== undefined) events.at(BEGIN_MS + joinsMs, () => this.#join(node))
      else node.isHere = true
    }
    for (const it of this.#readers) if (it.isHere) this.#join(it)
    // The news of the blocks arrives.
    events.at(BEGIN_MS + this.#options.oneWayMs, () => this.#begin())
    const isDone = (node: Node) => !node.isExpected || node.isComplete
    while (events.nowMs < LONGEST_MS && !this.#readers.every(isDone)) {
      // Whether all are done is looked at now and then: there may be thousands of them.
      for (let i = 0; i < 100; i++) if (!events.runNext()) return this.#result()
    }
    return this.#result()
  }

  #begin(): void {
    this.#hasBegun = true
    const here = this.#readers.filter((it) => it.isHere)
    this.#degree = here.reduce((sum, it) => sum + it.links.size, 0) / Math.max(1, here.length)
    for (const it of this.#readers) {
      it.scheduler.noteWanted()
      this.#askAll(it)
    }
  }

  #result(): SimulationResult {
    const { blocks, blockBytes } = this.#options
    return {
      doneMs: this.#readers.map((it) => it.doneMs - BEGIN_MS - (it.options.joinsMs ?? 0)),
      publisherCopies: this.#publisher.sentBytes / (blocks * blockBytes),
      degree: this.#degree,
    }
  }

  #join(node: Node): void {
    const { degree = Infinity, atPublisher = Infinity } = this.#options
    const all = this.#readers
    node.isHere = true
    if (all.indexOf(node) < atPublisher) this.#connect(node, this.#publisher)
    if (degree >= all.length - 1) for (const it of all) this.#connect(node, it)
    else {
      // It calls as many as call it. Those at the publisher hear of each other there.
      const known = all.indexOf(node) < atPublisher ? [...this.#publisher.links] : []
      const most = node.links.size + degree / 2
      for (let tries = 0; node.links.size < most && tries < 4 * degree; tries++) {
        const isKnown = known.length > 0 && tries % 2 === 0
        const to = isKnown ? known[this.#draw(known.length)]?.to : all[this.#draw(all.length)]
        this.#connect(node, to ?? node)
      }
    }
    this.#events.at(this.#events.nowMs + this.#draw(LOOK_MS), () => this.#look(node))
  }

  #connect(a: Node, b: Node): void {
    if (a === b || !a.isHere || !b.isHere) return
    for (const { to } of a.links) if (to === b) return
    const oneWayMs = this.#options.oneWayMs + (a.options.awayMs ?? 0) + (b.options.awayMs ?? 0)
    const there = new Link(b, oneWayMs)
    const back = new Link(a, oneWayMs)
    there.back = back
    back.back = there
    this.#add(a, there)
    this.#add(b, back)
    if (a.isPublisher || b.isPublisher) this.#introduce()
    this.#ask(a, there)
    this.#ask(b, back)
  }

  // All peers introduce others to each other; only who holds everything is a source.
  #introduce(): void {
    if (this.#isIntroducing) return
    this.#isIntroducing = true
    this.#events.at(this.#events.nowMs + GATHER_MS, () => {
      this.#isIntroducing = false
      const links = [...this.#publisher.links]
      const seeds = new Set(links.map(({ to }) => to.seed))
      if (this.#options.names === 'nobody') return
      if (this.#options.names === 'strangers') for (let i = 0; i < STRANGERS; i++) seeds.add(i)
      for (const link of links) this.#later(link, () => (link.back.served = seeds))
    })
  }

  #add(node: Node, link: Link): void {
    node.links.add(link)
    node.scheduler.addPeer(link, link.to.seed, this.#events.nowMs)
    node.scheduler.noteRoundTrip(link, 2 * link.oneWayMs)
  }

  #leave(node: Node): void {
    node.isHere = false
    for (const link of node.links) this.#disconnect(node, link)
  }

  #disconnect(node: Node, link: Link): void {
    for (const [side, it] of [
      [node, link],
      [link.to, link.back],
    ] as const) {
      it.isOpen = false
      it.queue.length = 0
      side.links.delete(it)
      if (side.isPublisher) this.#introduce()
      side.scheduler.removePeer(it)
      for (const index of it.asked.keys()) side.forget(it, index)
      this.#askAll(side)
    }
  }

  #look(node: Node): void {
    if (!node.isHere || node.isComplete) return
    this.#askAll(node)
    this.#events.at(this.#events.nowMs + LOOK_MS, () => this.#look(node))
  }

  #askAll(node: Node): void {
    for (const link of node.links) this.#ask(node, link)
  }

  #ask(node: Node, link: Link): void {
    if (!this.#hasBegun || !node.isHere || !link.isOpen || node.isComplete) return
    for (;;) {
      const index = node.scheduler.choose(link, this.#events.nowMs)?.index
      if (index === undefined) return
      node.noteAsked(link, index, this.#events.nowMs)
      this.#later(link, () => this.#serve(link.to, link.back, index))
    }
  }

  // `link` leads to who asked.
  #serve(node: Node, link: Link, index: number): void {
    if (!node.isHere || !link.isOpen || node.options.fault === 'silent') return
    if (link.queue.push(index) === 1 && !node.waiting.includes(link)) node.waiting.push(link)
    this.#send(node)
  }

  #send(node: Node): void {
    while (!node.isSending) {
      const link = node.waiting.shift()
      if (link === undefined) return
      const [index] = link.queue
      if (index === undefined) continue
      const whole = this.#options.blockBytes * OVERHEAD
      const left = link.leftBytes > 0 ? link.leftBytes : whole
      const sizeBytes = Math.min(left, this.#options.pieceBytes ?? whole)
      link.leftBytes = left - sizeBytes
      node.isSending = true
      node.sentBytes += sizeBytes
      this.#events.at(this.#events.nowMs + sizeBytes / node.options.bytesPerMs, () => {
        node.isSending = false
        if (link.queue[0] !== index) link.leftBytes = 0
        else if (link.leftBytes === 0) {
          link.queue.shift()
          const isLost = this.#draw(this.#options.lossOneIn ?? Infinity) === 0
          this.#later(link, () => this.#arrive(link, index), isLost ? RESENT_MS : 0)
        }
        if (link.queue.length > 0) node.waiting.push(link)
        this.#send(node)
      })
    }
  }

  // The downlink of who gets it takes one block after the other.
  #arrive(link: Link, index: number): void {
    const { nowMs } = this.#events
    const { to } = link
    const wholeMs = (this.#options.blockBytes * OVERHEAD) / (to.options.downBytesPerMs ?? Infinity)
    to.downFreeMs = Math.max(nowMs, to.downFreeMs + wholeMs)
    if (to.downFreeMs <= nowMs) this.#receive(to, link.back, index)
    else this.#events.at(to.downFreeMs, () => this.#receive(to, link.back, index))
  }

  // `link` leads to who sent it.
  #receive(node: Node, link: Link, index: number): void {
    const { nowMs } = this.#events
    const askedMs = link.asked.get(index)
    if (!node.isHere || !link.isOpen || askedMs === undefined) return
    node.forget(link, index)
    // The product hangs up on a peer that sends a bad block.
    if (link.to.options.fault === 'lying') return this.#disconnect(node, link)
    const sizeBytes = this.#options.blockBytes
    node.scheduler.noteArrival(link, { index, sizeBytes, elapsedMs: nowMs - askedMs }, nowMs)
    if (node.isMissing(index)) this.#keep(node, index)
    this.#ask(node, link)
  }

  #keep(node: Node, index: number): void {
    node.has[index] = 1
    node.held++
    if (node.isComplete) node.doneMs = this.#events.nowMs
    for (const { peer } of node.asked(index)) {
      node.forget(peer, index)
      this.#later(peer, () => cancel(peer.back, index))
    }
    for (const link of node.links) {
      if (!link.to.isPublisher) this.#later(link, () => this.#hear(link.to, link.back, index))
    }
  }

  #hear(node: Node, link: Link, index: number): void {
    link.announcements++
    if (link.holds[index] === 0) {
      link.holds[index] = 1
      link.held++
    }
    this.#ask(node, link)
  }

  #later({ oneWayMs }: Link, run: () => void, alsoMs = 0): void {
    const { jitterMs = 0 } = this.#options
    this.#events.at(this.#events.nowMs + oneWayMs + alsoMs + this.#draw(jitterMs), run)
  }

  // The same numbers in every run.
  #draw(below: number): number {
    if (below === 0 || below === Infinity) return below
    this.#random = (Math.imul(this.#random, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((this.#random / 2 ** 32) * below)
  }
}

function cancel({ queue }: Link, index: number): void {
  const at = queue.indexOf(index)
  if (at >= 0) queue.splice(at, 1)
}
