import c from 'compact-encoding'
import type Protomux from 'protomux'
import type { Message } from 'protomux'
import type Hypercore from 'hypercore'
import type { Feed } from '../../format/feed.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import {
  encodeSuccession,
  SUCCESSION_BYTES,
  type Succession,
} from '../../format/records/succession.ts'
import { hex } from '../../hex.ts'
import { RateLimiter } from '../../rate-limiter.ts'

/** Protomux protocol name; the number rises with an incompatible change. */
const PROTOCOL = 'hyperletter/succession/1'

/** Statements accepted from one connection per second of its life, plus a first burst. */
const MESSAGES = { perSecond: 1, burst: 256 }

/** One message is one statement, of fixed length. Shorter ones end the connection. */
const encoding = c.fixed(SUCCESSION_BYTES)

interface Channel {
  readonly message: Message<Uint8Array>
  /** Newsletter → `issuedAt` of the statement that was told. */
  readonly told: Map<FeedKey, number>
}

export interface SuccessionChannelOptions {
  /** Asked what a statement that a peer told is worth; nothing of it is checked yet. */
  readonly onStatement: (statement: Uint8Array, peer: Uint8Array) => void
}

/**
 * Tells the peers of a newsletter where it continues. Whoever holds the statement passes it on, so it
 * arrives although its author is gone. It goes only to peers that replicate that very core with us.
 */
export class SuccessionChannel {
  readonly #options: SuccessionChannelOptions
  readonly #feeds = new Map<FeedKey, Feed>()
  readonly #known = new Map<FeedKey, Succession>()
  readonly #channels = new Map<string, Channel>()

  constructor(options: SuccessionChannelOptions) {
    this.#options = options
  }

  /** Sends statements to the peers of `feed`, now and later, until `delete`. */
  add(feed: Feed): void {
    this.#feeds.set(feed.feedKey, feed)
    this.changed(feed.feedKey)
  }

  /** A newsletter has a new peer. */
  changed(feedKey: FeedKey): void {
    this.#tell(feedKey)
  }

  delete(feed: Feed): void {
    if (this.#feeds.get(feed.feedKey) === feed) this.#feeds.delete(feed.feedKey)
  }

  /** Passes a statement on from now on; it has been checked. */
  know(statement: Succession): void {
    this.#known.set(statement.from, statement)
    this.#tell(statement.from)
  }

  known(feedKey: FeedKey): Succession | undefined {
    return this.#known.get(feedKey)
  }

  /** The feed, if `peer` replicates it with us. */
  feedShared(feedKey: FeedKey, peer: Uint8Array): Feed | undefined {
    const feed = this.#feeds.get(feedKey)
    return feed !== undefined && isPeer(feed.core, peer) ? feed : undefined
  }

  /** Opens the channel on a new connection, beside replication. */
  attach(mux: Protomux): void {
    const peer = mux.stream.remotePublicKey
    const limiter = new RateLimiter(MESSAGES)
    const channel = mux.createChannel({
      protocol: PROTOCOL,
      messages: [
        {
          encoding,
          onmessage: (statement: Uint8Array) => {
            if (limiter.take()) this.#options.onStatement(statement, peer)
          },
        },
      ],
      onclose: () => {
        if (this.#channels.get(hex(peer)) === opened) this.#channels.delete(hex(peer))
      },
    })
    const message = channel?.messages[0] as Message<Uint8Array> | undefined
    const opened = message === undefined ? undefined : { message, told: new Map() }
    if (channel === null || opened === undefined) return
    channel.open()
    this.#channels.set(hex(peer), opened)
    for (const feedKey of this.#known.keys()) this.#tell(feedKey)
  }

  close(): void {
    this.#feeds.clear()
    this.#channels.clear()
  }

  #tell(feedKey: FeedKey): void {
    const statement = this.#known.get(feedKey)
    const feed = this.#feeds.get(feedKey)
    if (statement === undefined || feed === undefined) return
    for (const { remotePublicKey } of feed.core.peers) {
      const channel = this.#channels.get(hex(remotePublicKey))
      if (channel === undefined || channel.told.get(feedKey) === statement.issuedAt) continue
      channel.told.set(feedKey, statement.issuedAt)
      channel.message.send(encodeSuccession(statement))
    }
  }
}

function isPeer(core: Hypercore, key: Uint8Array): boolean {
  return core.peers.some((peer) => peer.remotePublicKey.equals(key))
}
