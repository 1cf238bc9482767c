import type Protomux from 'protomux'
import { PeerProtocol, type OnMisdeed, type ProtocolPeer } from '../../peers/peer-protocol.ts'
import type { Feed } from '../../format/feed.ts'
import type { Log, LogPeer } from '../../format/log.ts'
import { EVERYTHING } from '../../format/selection.ts'
import { RateLimiter } from '../../rate-limiter.ts'
import { SerialQueue } from '../../async.ts'
import {
  appendSigned,
  askForHistory,
  headOf,
  isAt,
  judge,
  noteArriving,
  noteUpload,
  sendBesideAppends,
  type Continuation,
  type Head,
} from '../../log/internals/continuation.ts'
import { USES_INTERNALS } from '../../log/internals/version.ts'
import { hex } from '../../hex.ts'
import {
  MAX_PUSH_BYTES,
  MAX_PUSHED_BLOCKS,
  MAX_PUSHED_BYTES,
  MAX_SIGNATURE_BYTES,
  MAX_RECEIVERS,
  nameOf,
  pushEncoding,
  type Push,
} from './push-message.ts'

/** Entries pushed to one peer; it requests what exceeds that. */
const SENT = { burst: 64, perSecond: 8 }

/** Pushes accepted from one peer: with room for what the network delays and delivers together. */
const TAKEN = { burst: 128, perSecond: 16 }

/** Pushes of one log that wait for their turn. */
const MAX_WAITING = 16

/** What one entry may cost this uplink at once, to all peers together: 0.4 s of 20 Mbit/s. */
const MAX_SENT_BYTES = 1024 * 1024

/**
 * Of the first receivers, about this many forward an entry to each reader that was not among them. No peer knows who
 * is connected to whom; a reader that gets no push requests the entry.
 */
const FORWARDERS = 3

/** Readers that a reader is connected to, at most: enough to be part of a mesh. */
const MANY = 48

export interface PushChannelOptions {
  readonly onMisdeed: OnMisdeed
  /** What was pushed could not be stored. */
  readonly onFailure: (feed: Feed, error: unknown) => void
}

/** Called when a peer pushed what a second history would explain. */
export type OnSuspect = (peer: Uint8Array) => void

interface PushState {
  readonly sent: RateLimiter
  /** Topics that the peer has replicated with us over this connection, in hex. */
  readonly shared: Set<string>
  /** Topic → length that the peer will have when all that was pushed to it has arrived. */
  readonly lengths: Map<string, number>
}

type PushPeer = ProtocolPeer<Push, PushState>

interface PushedLog {
  readonly feed: Feed
  readonly topic: string
  readonly onSuspect: OnSuspect
  head: Head | undefined
  /** Each push continues what the one before it leaves. */
  readonly queue: SerialQueue
}

/**
 * Sends a new small entry, unrequested, to peers that hold the log up to it: it can be read there after one way
 * instead of three. A receiver forwards it to readers that were not sent it. Replication is not affected: a peer that
 * accepts no push requests the blocks, and what does not fit is dropped, so that two histories under one key show as
 * they do without pushes.
 */
export class PushChannel {
  readonly #options: PushChannelOptions
  readonly #logs = new Map<string, PushedLog>()
  readonly #protocol: PeerProtocol<Push, PushState>
  readonly #storing = new Set<Promise<unknown>>()

  constructor(options: PushChannelOptions) {
    this.#options = options
    this.#protocol = new PeerProtocol<Push, PushState>({
      protocol: 'hyperletter/push/1',
      encoding: pushEncoding,
      maxBytes: MAX_PUSH_BYTES,
      rate: TAKEN,
      newState: () => ({ sent: new RateLimiter(SENT), shared: new Set(), lengths: new Map() }),
      onMessage: (push, peer) => this.#onPush(push, peer),
      onFlood: ({ publicKey }) => options.onMisdeed(publicKey, 'peer floods with pushes'),
      onMisdeed: options.onMisdeed,
    })
  }

  /** Pushes what is appended to a feed, and takes pushes for it, until the returned function is called. */
  add(feed: Feed, onSuspect: OnSuspect): () => void {
    if (!USES_INTERNALS) return () => undefined
    const { events } = feed.log
    const topic = hex(feed.log.discoveryKey)
    const head = headOf(feed.log)
    const log = { feed, topic, onSuspect, head, queue: new SerialQueue() }
    this.#logs.set(topic, log)
    for (const peer of feed.log.peers) this.#addShared(topic, peer)
    const stopPeers = events.on('push', 'peer-add', (peer) => this.#addShared(topic, peer))
    const stopAppends = feed.writable
      ? sendBesideAppends(feed.log, () => this.#publish(log))
      : () => undefined
    return () => {
      stopPeers()
      stopAppends()
      if (this.#logs.get(topic) === log) this.#logs.delete(topic)
    }
  }

  /** Opens the channel on a new connection. */
  attach(mux: Protomux): void {
    // Without internals nothing could be stored.
    if (!USES_INTERNALS) return
    this.#protocol.attach(mux)
    for (const { feed, topic } of this.#logs.values()) {
      for (const peer of feed.log.peers) this.#addShared(topic, peer)
    }
  }

  /** Takes nothing more, and waits for what is being stored: the store may be closed after it. */
  async close(): Promise<void> {
    this.#logs.clear()
    this.#protocol.close()
    await Promise.allSettled(this.#storing)
  }

  #addShared(topic: string, { publicKey }: LogPeer): void {
    this.#protocol.get(publicKey)?.state.shared.add(topic)
  }

  async #publish(log: PushedLog): Promise<void> {
    const { head: before, feed } = log
    const head = headOf(feed.log)
    log.head = head
    if (before === undefined || head === undefined) return
    const count = head.length - before.length
    const sizeBytes = head.byteLength - before.byteLength
    if (count <= 0 || count > MAX_PUSHED_BLOCKS || sizeBytes > MAX_PUSHED_BYTES) return
    if (head.signature.byteLength > MAX_SIGNATURE_BYTES || this.#protocol.size === 0) return
    try {
      const blocks = await storedBlocks(feed.log, before.length, head.length)
      if (blocks === undefined) return
      this.#send(log, { from: before.length, blocks, signature: head.signature }, [])
    } catch (error) {
      // It was closed meanwhile; peers ask for it.
      this.#options.onFailure(feed, error)
    }
  }

  #send(
    { feed: { log }, topic }: PushedLog,
    continuation: Continuation,
    before: readonly number[],
  ): void {
    const { from, blocks } = continuation
    const sizeBytes = blocks.reduce((sum, it) => sum + it.byteLength, 0)
    const chance = before.length === 0 ? 1 : FORWARDERS / Math.min(before.length, MANY)
    const receivers: { readonly peer: LogPeer; readonly receiver: PushPeer }[] = []
    const names = new Set(before)
    for (const peer of shuffled(log.peers)) {
      if ((receivers.length + 1) * sizeBytes > MAX_SENT_BYTES) break
      const receiver = this.#protocol.get(peer.publicKey)
      if (receiver === undefined || names.has(nameOf(receiver.publicKey))) continue
      if (!isAt(log, peer, from, receiver.state.lengths.get(topic))) continue
      if (chance < 1 && Math.random() >= chance) continue
      if (!receiver.state.sent.take()) continue
      receivers.push({ peer, receiver })
    }
    for (const { peer, receiver } of receivers) {
      names.add(nameOf(receiver.publicKey))
      names.add(nameOf(peer.ownPublicKey))
    }
    const push = {
      ...continuation,
      topic: log.discoveryKey,
      receivers: [...names].slice(0, MAX_RECEIVERS),
    }
    for (const { peer, receiver } of receivers) {
      receiver.state.lengths.set(topic, from + blocks.length)
      receiver.send(push)
      noteUpload(log, continuation, peer)
    }
  }

  #onPush(push: Push, sender: PushPeer): void {
    const topic = hex(push.topic)
    if (!sender.state.shared.has(topic)) {
      this.#options.onMisdeed(sender.publicKey, 'peer pushed what it does not share')
      return
    }
    const log = this.#logs.get(topic)
    if (log === undefined || log.queue.size >= MAX_WAITING) return
    const taken = log.queue
      .run(() => this.#accept(log, push, sender.publicKey))
      .catch((error: unknown) => this.#options.onFailure(log.feed, error))
    noteArriving(log.feed.log, taken)
  }

  async #accept(log: PushedLog, push: Push, sender: Buffer): Promise<void> {
    const { feed, topic } = log
    const peer = feed.log.peers.find((it) => sender.equals(it.publicKey))
    if (peer === undefined || !feed.log.isOpen || this.#logs.get(topic) !== log) return
    // Where not everything has its place, it is decided before it comes.
    if (feed.writable || feed.selection !== EVERYTHING) return
    const verdict = judge(feed.log, push)
    if (verdict === 'forged') {
      // Whether there are two histories shows when its log is asked for.
      log.onSuspect(sender)
      this.#options.onMisdeed(sender, 'peer pushed blocks that do not fit')
    } else if (verdict === 'signed') {
      this.#send(log, push, [...push.receivers, nameOf(sender)])
      const storing = appendSigned(feed.log, push, peer)
      this.#storing.add(storing)
      await storing.finally(() => this.#storing.delete(storing))
    } else if (isOtherHistory(feed.log, push)) {
      log.onSuspect(sender)
      askForHistory(peer)
    }
  }
}

// No peer requests anything of one that is as far, so this would stay unnoticed.
function isOtherHistory(log: Log, { from, blocks, signature }: Push): boolean {
  const head = headOf(log)
  return head?.length === from + blocks.length && !Buffer.from(signature).equals(head.signature)
}

async function storedBlocks(
  log: Log,
  start: number,
  end: number,
): Promise<Uint8Array[] | undefined> {
  const indexes = Array.from({ length: end - start }, (_, i) => start + i)
  const blocks = await Promise.all(indexes.map((it) => log.readStored(it)))
  return blocks.every((it) => it !== undefined) ? blocks : undefined
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
