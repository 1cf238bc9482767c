import type Protomux from 'protomux'
import type { Feed } from '../../format/feed.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { hex } from '../../hex.ts'
import { short, type Logger } from '../../logger.ts'
import {
  PeerProtocol,
  type OnMisdeed,
  type ProtocolPeer,
  bytesUpTo,
  oneOf,
  type Encoded,
} from '../../peers/peer-protocol.ts'
import type { Conversations } from '../letters/conversation.ts'
import { isPeerOf } from './letter-standing.ts'
import { SharedFeeds } from './shared-feeds.ts'
import c from 'compact-encoding'
import { MAX_LINE_BYTES } from '../../format/letters/line.ts'
import { idList } from './letter-message.ts'

/** The largest message: a line, or the ids of all that was said. */
export const MAX_TALK_MESSAGE_BYTES = 1 + 32 + 3 + MAX_LINE_BYTES

/** Message: its kind (varint), and what that kind has. `topic`, `have`, `want` and `ask` as in `letterEncoding`. */
export const talkEncoding = oneOf({
  have: { topic: c.fixed32, ids: idList },
  want: { topic: c.fixed32, ids: idList },
  /** A line that was said now, or that was asked for. */
  line: { topic: c.fixed32, bytes: bytesUpTo(MAX_LINE_BYTES) },
  ask: { topic: c.fixed32 },
})

export type TalkMessage = Encoded<typeof talkEncoding>

export interface TalkExchangeOptions {
  readonly conversations: Conversations
  readonly onMisdeed: OnMisdeed
  readonly logger: Logger
}

/** Lines of one connection, taken or asked for: all that was said at once, and then 20 a second; and what asking for all takes. */
export const RATE = { perSecond: 20, burst: 256 }
const QUESTION_COST = 16

interface PeerState {
  /** Newsletters of which the peer was told what was said. */
  readonly told: Set<FeedKey>
}

type TalkPeer = ProtocolPeer<TalkMessage, PeerState>

/** Passes lines of open conversations on, each once, among peers that replicate the newsletter. Keeps nothing on disk. */
export class TalkExchange {
  readonly #options: TalkExchangeOptions
  readonly #protocol: PeerProtocol<TalkMessage, PeerState>
  readonly #feeds: SharedFeeds<TalkMessage, PeerState>

  constructor(options: TalkExchangeOptions) {
    this.#options = options
    this.#protocol = new PeerProtocol<TalkMessage, PeerState>({
      protocol: 'hyperletter/talk/1',
      encoding: talkEncoding,
      maxBytes: MAX_TALK_MESSAGE_BYTES,
      rate: RATE,
      costOf: (it) =>
        it.kind === 'want' ? Math.max(1, it.ids.length) : it.kind === 'ask' ? QUESTION_COST : 1,
      newState: () => ({ told: new Set() }),
      onMessage: (message, peer) => {
        if (message.kind === 'unknown') return
        const feed = this.#feeds.get(hex(message.topic))
        if (feed === undefined || !isPeerOf(feed, peer)) return
        this.#onMessage(feed, message, peer).catch((err: unknown) =>
          options.logger.debug({ feed: short(feed.feedKey), err }, 'talk of a peer'),
        )
      },
      onMisdeed: options.onMisdeed,
    })
    this.#feeds = new SharedFeeds(this.#protocol)
  }

  add(feed: Feed): void {
    this.#feeds.add(feed)
    this.changed(feed)
  }

  delete(feed: Feed): void {
    this.#feeds.delete(feed)
    for (const { state } of this.#protocol) state.told.delete(feed.feedKey)
  }

  attach(mux: Protomux): void {
    this.#protocol.attach(mux)
    for (const feed of this.#feeds) this.changed(feed)
  }

  close(): void {
    this.#feeds.close()
  }

  changed(feed: Feed): void {
    const ids = this.#options.conversations.known(feed)?.ids() ?? []
    for (const peer of this.#feeds.peersOf(feed)) {
      if (peer.state.told.has(feed.feedKey)) continue
      peer.state.told.add(feed.feedKey)
      this.#tell(feed, peer, ids)
    }
  }

  ask(feed: Feed): void {
    this.#feeds.send(feed, { kind: 'ask', topic: feed.log.discoveryKey })
  }

  /** Gives a line to the peers of a newsletter. @returns how many there are. */
  say(feed: Feed, bytes: Uint8Array, except?: TalkPeer): number {
    return this.#feeds.send(feed, { kind: 'line', topic: feed.log.discoveryKey, bytes }, except)
  }

  /** Peers that a line reaches at once. */
  peers(feed: Feed): number {
    return this.#feeds.peersOf(feed).length
  }

  #tell({ log }: Feed, peer: TalkPeer, ids: readonly string[]): void {
    if (ids.length === 0) return
    const topic = log.discoveryKey
    peer.send({ kind: 'have', topic, ids: ids.map((it) => Buffer.from(it, 'hex')) })
  }

  async #onMessage(
    feed: Feed,
    message: Exclude<TalkMessage, { readonly kind: 'unknown' }>,
    peer: TalkPeer,
  ): Promise<void> {
    const { conversations, onMisdeed } = this.#options
    const rules = await conversations.rules(feed)
    if (rules === undefined) return
    const conversation = conversations.of(feed)
    const topic = feed.log.discoveryKey
    switch (message.kind) {
      case 'have': {
        const ids = message.ids.filter((it) => !conversation.has(hex(it)))
        if (ids.length > 0) peer.send({ kind: 'want', topic, ids })
        return
      }
      case 'want':
        for (const it of message.ids) {
          const bytes = conversation.get(hex(it))
          if (bytes === undefined) continue
          peer.send({ kind: 'line', topic, bytes })
          await peer.drained()
        }
        return
      case 'ask':
        this.#tell(feed, peer, conversation.ids())
        return
      case 'line': {
        const verdict = conversation.add(message.bytes, rules)
        if (verdict === 'false') onMisdeed(peer.publicKey, 'peer sent a false line')
        if (verdict === 'new') this.say(feed, message.bytes, peer)
      }
    }
  }
}
