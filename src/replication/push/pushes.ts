import type Hypercore from 'hypercore'
import type { Peer } from 'hypercore'
import type Protomux from 'protomux'
import type { Message } from 'protomux'
import type { Feed } from '../../format/feed.ts'
import { EVERYTHING } from '../../format/selection.ts'
import { RateLimiter } from '../../rate-limiter.ts'
import { SerialQueue } from '../../serial-queue.ts'
import {
  appendSigned,
  askForHistory,
  headOf,
  judge,
  noteUpload,
  type Continuation,
  type Head,
} from '../../log/internals/continuation.ts'
import { USES_INTERNALS } from '../../log/internals/internals.ts'
import { hex } from '../../hex.ts'
import {
  MAX_PUSHED_BLOCKS,
  MAX_PUSHED_BYTES,
  MAX_SIGNATURE_BYTES,
  MAX_TOLD,
  nameOf,
  pushEncoding,
  type Push,
} from './push-message.ts'

/** Protomux protocol name; the number rises with an incompatible change. */
const PROTOCOL = 'hyperletter/push/1'

/** What one peer is pushed at once, and for each second; what exceeds that, it asks for. */
const SENT = { burst: 64, perSecond: 8 }

/** What is taken from one peer: with room for what the network delays and delivers together. */
const TAKEN = { burst: 128, perSecond: 16 }

/** Pushes of one log that wait for each other. */
const MAX_WAITING = 16

/** What one entry may cost this uplink at once, to all peers together: 0.4 s of 20 Mbit/s. */
const MAX_SENT_BYTES = 1024 * 1024

/**
 * Of those who were told at once, about so many pass it on to each fellow who was not. Nobody knows who is
 * connected to whom; who gets none asks, as always.
 */
const PASSERS = 3

/** Fellows that a reader has, at most: enough connections to be part of a mesh. */
const MANY = 48

export interface PushChannelOptions {
  /** A peer pushed what no honest one does. */
  readonly onMisdeed: (peer: Uint8Array, what: string) => void
  /** What was pushed could not be stored. */
  readonly onFailure: (feed: Feed, error: unknown) => void
}

/** Called when a peer pushed what a second history would explain. */
export type OnSuspect = (peer: Uint8Array) => void

interface Member {
  readonly key: Uint8Array
  readonly message: Message<Push>
  readonly sent: RateLimiter
  readonly taken: RateLimiter
  /** Topics that the peer has replicated with us over this connection, in hex. */
  readonly shared: Set<string>
  /** Topic → length that the peer will have when all that was pushed to it has arrived. */
  readonly lengths: Map<string, number>
}

interface Log {
  readonly feed: Feed
  readonly topic: string
  readonly onSuspect: OnSuspect
  head: Head | undefined
  /** Each push continues what the one before it leaves. */
  readonly queue: SerialQueue
}

/**
 * Sends a new entry that is small to peers who hold the log up to it, without being asked: it can be read there
 * after one way instead of three. Who gets one passes it on to fellows who were not sent it. Beside replication, of which
 * nothing changes: who takes no push asks for the blocks, and what does not fit is dropped, so that two histories
 * under one key show as they do without.
 */
export class PushChannel {
  readonly #options: PushChannelOptions
  readonly #logs = new Map<string, Log>()
  readonly #members = new Map<string, Member>()
  readonly #storing = new Set<Promise<unknown>>()

  constructor(options: PushChannelOptions) {
    this.#options = options
  }

  /** Pushes what is appended to a feed, and takes pushes for it, until the returned function is called. */
  add(feed: Feed, onSuspect: OnSuspect): () => void {
    if (!USES_INTERNALS) return () => undefined
    const { core } = feed
    const topic = hex(core.discoveryKey ?? new Uint8Array())
    const head = headOf(core)
    const log = { feed, topic, onSuspect, head, queue: new SerialQueue() }
    const onPeer = (peer: Peer) => this.#share(topic, peer)
    const onAppend = () => {
      if (feed.writable) this.#publish(log)
    }
    this.#logs.set(topic, log)
    for (const peer of core.peers) onPeer(peer)
    core.on('peer-add', onPeer)
    core.on('append', onAppend)
    return () => {
      core.off('peer-add', onPeer)
      core.off('append', onAppend)
      if (this.#logs.get(topic) === log) this.#logs.delete(topic)
    }
  }

  /** Opens the channel on a new connection, beside replication. */
  attach(mux: Protomux): void {
    // Without internals nothing could be stored.
    if (!USES_INTERNALS) return
    const key = mux.stream.remotePublicKey
    const name = hex(key)
    const channel = mux.createChannel({
      protocol: PROTOCOL,
      messages: [
        {
          encoding: pushEncoding,
          onmessage: (push: Push) => {
            if (this.#members.get(name) === member && member !== undefined) this.#hear(push, member)
          },
        },
      ],
      onclose: () => {
        if (this.#members.get(name) === member) this.#members.delete(name)
      },
    })
    const message = channel?.messages[0] as Message<Push> | undefined
    const member: Member | undefined = message && {
      key,
      message,
      sent: new RateLimiter(SENT),
      taken: new RateLimiter(TAKEN),
      shared: new Set(),
      lengths: new Map(),
    }
    if (channel === null || member === undefined) return
    channel.open()
    this.#members.set(name, member)
    for (const { feed, topic } of this.#logs.values()) {
      for (const peer of feed.core.peers) this.#share(topic, peer)
    }
  }

  /** Takes nothing more, and waits for what is being stored: the store may be closed after it. */
  async close(): Promise<void> {
    this.#logs.clear()
    this.#members.clear()
    await Promise.allSettled(this.#storing)
  }

  #share(topic: string, { remotePublicKey }: Peer): void {
    this.#members.get(hex(remotePublicKey))?.shared.add(topic)
  }

  #publish(log: Log): void {
    const { head: before, feed } = log
    const head = headOf(feed.core)
    log.head = head
    if (before === undefined || head === undefined) return
    const count = head.length - before.length
    const sizeBytes = head.byteLength - before.byteLength
    if (count <= 0 || count > MAX_PUSHED_BLOCKS || sizeBytes > MAX_PUSHED_BYTES) return
    if (head.signature.byteLength > MAX_SIGNATURE_BYTES || this.#members.size === 0) return
    blocksOf(feed.core, before.length, head.length)
      .then((blocks) => {
        if (blocks === undefined) return
        this.#send(log, { from: before.length, blocks, signature: head.signature }, [])
      })
      // It was closed meanwhile; peers ask for it.
      .catch((error: unknown) => this.#options.onFailure(feed, error))
  }

  #send({ feed, topic }: Log, continuation: Continuation, told: readonly number[]): void {
    const { core } = feed
    const { from, blocks } = continuation
    const sizeBytes = blocks.reduce((sum, it) => sum + it.byteLength, 0)
    const chance = told.length === 0 ? 1 : PASSERS / Math.min(told.length, MANY)
    const receivers: { readonly peer: Peer; readonly member: Member }[] = []
    const names = new Set(told)
    for (const peer of shuffled(core.peers)) {
      if ((receivers.length + 1) * sizeBytes > MAX_SENT_BYTES) break
      const member = this.#members.get(hex(peer.remotePublicKey))
      if (member === undefined || names.has(nameOf(member.key))) continue
      if (!isAt(peer, core, from, member.lengths.get(topic))) continue
      if (chance < 1 && Math.random() >= chance) continue
      if (!member.sent.take()) continue
      receivers.push({ peer, member })
    }
    for (const { peer, member } of receivers) {
      names.add(nameOf(member.key))
      names.add(nameOf(peer.stream.publicKey))
    }
    const push = {
      ...continuation,
      topic: core.discoveryKey ?? new Uint8Array(),
      told: [...names].slice(0, MAX_TOLD),
    }
    for (const { peer, member } of receivers) {
      member.lengths.set(topic, from + blocks.length)
      member.message.send(push)
      noteUpload(core, continuation, peer)
    }
  }

  #hear(push: Push, member: Member): void {
    if (!member.taken.take()) {
      this.#options.onMisdeed(member.key, 'peer floods with pushes')
      return
    }
    const topic = hex(push.topic)
    if (!member.shared.has(topic)) {
      this.#options.onMisdeed(member.key, 'peer pushed what it does not share')
      return
    }
    const log = this.#logs.get(topic)
    if (log === undefined || log.queue.size >= MAX_WAITING) return
    log.queue
      .run(() => this.#take(log, push, member))
      .catch((error: unknown) => this.#options.onFailure(log.feed, error))
  }

  async #take(log: Log, push: Push, member: Member): Promise<void> {
    const { feed, topic } = log
    const { core } = feed
    const peer = core.peers.find((it) => it.remotePublicKey.equals(member.key))
    if (peer === undefined || core.closing !== null || this.#logs.get(topic) !== log) return
    // Where not everything has its place, it is decided before it comes.
    if (feed.writable || feed.selection !== EVERYTHING) return
    const verdict = judge(core, push)
    if (verdict === 'forged') {
      // Whether there are two histories shows when its log is asked for.
      log.onSuspect(member.key)
      this.#options.onMisdeed(member.key, 'peer pushed blocks that do not fit')
    } else if (verdict === 'signed') {
      this.#send(log, push, [...push.told, nameOf(member.key)])
      const storing = appendSigned(core, push, peer)
      this.#storing.add(storing)
      await storing.finally(() => this.#storing.delete(storing))
    } else if (isOtherHistory(core, push)) {
      log.onSuspect(member.key)
      askForHistory(peer)
    }
  }
}

// Nobody asks a peer that is as far for anything, so nobody else would find out.
function isOtherHistory(core: Hypercore, { from, blocks, signature }: Push): boolean {
  const head = headOf(core)
  return head?.length === from + blocks.length && !Buffer.from(signature).equals(head.signature)
}

/** Whether a peer has all of a log up to `length`, and no more, as far as it told or was sent. */
function isAt(peer: Peer, core: Hypercore, length: number, pushed = 0): boolean {
  const { remoteSynced, remoteFork, remoteLength, remoteDownloading } = peer
  if (!remoteSynced || !remoteDownloading || remoteFork !== core.fork) return false
  return Math.max(remoteLength, pushed) === length
}

async function blocksOf(
  core: Hypercore,
  start: number,
  end: number,
): Promise<Uint8Array[] | undefined> {
  const options = { raw: true, wait: false }
  const indexes = Array.from({ length: end - start }, (_, i) => start + i)
  const blocks = await Promise.all(indexes.map((it) => core.get(it, options)))
  return blocks.every((it) => it !== null) ? blocks : undefined
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
