import type Protomux from 'protomux'
import type { Feed } from '../../format/feed.ts'
import { decodeEnvelope, isLaterEnvelope } from '../../format/letters/envelope.ts'
import { hex } from '../../hex.ts'
import { nativeCrypto } from '../../log/keys.ts'
import { short, type Logger } from '../../logger.ts'
import { PeerProtocol, type OnMisdeed } from '../../peers/peer-protocol.ts'
import type { BoxVerdict } from '../letters/letterbox.ts'
import type { Letters } from '../letters/letters.ts'
import { Deliveries } from './deliveries.ts'
import {
  isPeerOf,
  forgetAsked,
  limiterFor,
  newLetterPeer,
  noteOffered,
  passMinute,
  recallLater,
  standing,
  takeOffered,
  wasAsked,
  type LetterPeer,
  type LetterPeerState,
} from './letter-standing.ts'
import { SharedFeeds } from './shared-feeds.ts'
import { TalkExchange } from './talk-exchange.ts'
import {
  haveOf,
  letterEncoding,
  MAX_IDS,
  MAX_LETTER_MESSAGE_BYTES,
  NO_WORK_IS_ENOUGH,
  type LetterMessage,
  type OfferedLetters,
} from './letter-message.ts'

type KnownMessage = Exclude<LetterMessage, { kind: 'unknown' }>

export interface LetterExchangeOptions {
  readonly letters: Letters
  readonly onMisdeed: OnMisdeed
  readonly logger: Logger
}

/** How often a peer is asked for letters that it could not bring before, and letters that nobody took are signed anew. */
const AGAIN_MS = 60_000

/** Messages read from one connection; a question costs as much as the answer. */
export const RATE = { perSecond: 32, burst: 1_024 }
const QUESTION_COST = 32

/** Newsletters of which one peer spoke before they were open here. */
const MAX_MISSED = 64

const FALSE_LETTER = 'peer sent a false letter'

/** Passes sealed letters on towards their author, and what the author says back, among peers that replicate the newsletter. */
export class LetterExchange {
  readonly #options: LetterExchangeOptions
  readonly #protocol: PeerProtocol<LetterMessage, LetterPeerState>
  readonly #feeds: SharedFeeds<LetterMessage, LetterPeerState>
  readonly #deliveries: Deliveries
  readonly #timer: NodeJS.Timeout
  /** What readers say to each other meanwhile. */
  readonly talk: TalkExchange

  constructor(options: LetterExchangeOptions) {
    this.#options = options
    this.talk = new TalkExchange({ ...options, conversations: options.letters.conversations })
    this.#deliveries = new Deliveries(async (feed) => {
      for (const it of await options.letters.deliver(feed)) this.say(feed, it)
    })
    this.#protocol = new PeerProtocol<LetterMessage, LetterPeerState>({
      protocol: 'hyperletter/letters/1',
      encoding: letterEncoding,
      maxBytes: MAX_LETTER_MESSAGE_BYTES,
      rate: RATE,
      costOf: ({ kind }) => (kind === 'ask' || kind === 'refused' ? QUESTION_COST : 1),
      newState: newLetterPeer,
      onMessage: (message, peer) => {
        if (message.kind === 'unknown') return
        const topic = hex(message.topic)
        const feed = this.#feeds.get(topic)
        if (feed !== undefined && isPeerOf(feed, peer)) {
          this.#run(feed, 'letters of a peer', () => this.#onMessage(feed, message, peer))
        } else if (peer.state.missed.size < MAX_MISSED) peer.state.missed.add(topic)
      },
      onMisdeed: options.onMisdeed,
    })
    this.#feeds = new SharedFeeds(this.#protocol, (feed) => this.#tellPeers(feed))
    this.#timer = setInterval(() => {
      for (const feed of this.#feeds) this.#run(feed, 'letters', () => this.#again(feed))
    }, AGAIN_MS).unref()
  }

  add(feed: Feed): void {
    this.talk.add(feed)
    this.#feeds.add(feed)
    this.changed(feed)
    this.#run(feed, 'letters', () => this.#again(feed))
  }

  delete(feed: Feed): void {
    this.talk.delete(feed)
    this.#feeds.delete(feed)
    for (const { state } of this.#protocol) state.feeds.delete(feed.feedKey)
  }

  attach(mux: Protomux): void {
    this.talk.attach(mux)
    this.#protocol.attach(mux)
    for (const feed of this.#feeds) this.changed(feed)
  }

  close(): void {
    clearInterval(this.#timer)
    this.talk.close()
    this.#feeds.close()
  }

  /** A newsletter has a new peer or lost one, or more of it is here. */
  readonly changed = (feed: Feed): void => this.#feeds.changed(feed)

  #tellPeers(feed: Feed): void {
    this.talk.changed(feed)
    this.#options.letters.grown(feed)
    const peers = this.#feeds.peersOf(feed)
    for (const it of this.#protocol) if (!peers.includes(it)) it.state.feeds.delete(feed.feedKey)
    const topic = feed.log.discoveryKey
    for (const peer of peers) {
      if (peer.state.missed.delete(hex(topic))) peer.send({ kind: 'ask', topic })
      // One that does not read what it is told keeps nobody waiting.
      const tell = async () => this.#tell(feed, peer).then(() => this.#askFor(feed, peer))
      this.#run(feed, 'letters to a peer', tell)
    }
  }

  /** Tells the peers of a newsletter that there is one more letter. @param isFavoured its sender was published or admitted */
  announce(feed: Feed, id: string, isFavoured: boolean): void {
    this.#feeds.send(feed, haveOf(feed.log.discoveryKey, [id], isFavoured ? 1 : 0))
  }

  /** Tells the peers of a newsletter what its author says to them. */
  say(feed: Feed, bytes: Uint8Array, except?: LetterPeer): void {
    this.#feeds.send(feed, { kind: 'statement', topic: feed.log.discoveryKey, bytes }, except)
  }

  /** There may be room again for letters of senders of whom there were too many. */
  retry(feed: Feed): void {
    this.#run(feed, 'letters that were too many', async () => {
      for (const peer of this.#feeds.peersOf(feed)) {
        recallLater(standing(feed, peer))
        await this.#askFor(feed, peer)
      }
    })
  }

  async #again(feed: Feed): Promise<void> {
    const { letters } = this.#options
    await letters.sender.renew(feed)
    const mutes = await letters.mutes(feed)
    const said = [...(await letters.deliver(feed)), ...(mutes === undefined ? [] : [mutes])]
    for (const it of said) this.say(feed, it)
    for (const peer of this.#feeds.peersOf(feed)) {
      passMinute(standing(feed, peer))
      await this.#askFor(feed, peer)
    }
  }

  async #tell(feed: Feed, peer: LetterPeer): Promise<void> {
    const state = standing(feed, peer)
    if (state.isTelling) return
    state.isTelling = true
    try {
      const desk = await this.#options.letters.desk(feed)
      const topic = feed.log.discoveryKey
      while (!state.isTold) {
        state.isTold = true
        for (const bytes of desk.box.statements()) {
          peer.send({ kind: 'statement', topic, bytes })
          await peer.drained()
        }
        const { ids, favoured } = desk.offered(MAX_IDS)
        if (ids.length > 0) peer.send(haveOf(topic, ids, favoured))
      }
    } finally {
      state.isTelling = false
    }
  }

  async #onMessage(feed: Feed, message: KnownMessage, peer: LetterPeer): Promise<void> {
    const { letters, onMisdeed } = this.#options
    switch (message.kind) {
      case 'have':
        return this.#onHave(feed, message, peer)
      case 'want':
        return this.#give(feed, message.ids.map(hex), peer)
      case 'letter':
        return this.#onLetter(feed, message.bytes, peer)
      case 'statement': {
        const verdict = await letters.settle(feed, message.bytes)
        if (verdict === 'false') onMisdeed(peer.publicKey, 'peer sent a false receipt')
        if (verdict !== 'news') return
        this.say(feed, message.bytes, peer)
        return this.retry(feed)
      }
      case 'ask':
        standing(feed, peer).isTold = false
        return this.#tell(feed, peer)
      case 'refused':
        return this.#onRefusal(feed, hex(message.id), message.bits, peer)
    }
  }

  async #onHave(feed: Feed, message: OfferedLetters, peer: LetterPeer): Promise<void> {
    const ids = message.ids.map(hex)
    const desk = await this.#options.letters.desk(feed)
    for (const it of ids) desk.taken(it, hex(peer.publicKey))
    noteOffered(standing(feed, peer), ids, message.favoured)
    await this.#askFor(feed, peer)
    if (!feed.writable) return
    const topic = feed.log.discoveryKey
    const said = await this.#options.letters.remind(feed, ids)
    for (const bytes of said) peer.send({ kind: 'statement', topic, bytes })
  }

  /** Asks a peer for as many of its letters as may come now. */
  async #askFor(feed: Feed, peer: LetterPeer): Promise<void> {
    const state = standing(feed, peer)
    const { letters } = this.#options
    if (state.offered.length === 0 || !(await letters.rules(feed)).isWanted) return
    const desk = await letters.desk(feed)
    const wanted = takeOffered(feed, peer, (it) => desk.has(it))
    if (wanted.length === 0) return
    const topic = feed.log.discoveryKey
    peer.send({ kind: 'want', topic, ids: wanted.map((it) => Buffer.from(it, 'hex')) })
  }

  async #give(feed: Feed, ids: readonly string[], peer: LetterPeer): Promise<void> {
    const desk = await this.#options.letters.desk(feed)
    const { given } = standing(feed, peer)
    for (const id of ids) {
      const bytes = desk.get(id)
      if (bytes === undefined || given.has(id)) continue
      given.add(id)
      peer.send({ kind: 'letter', topic: feed.log.discoveryKey, bytes })
      await peer.drained()
    }
  }

  async #onLetter(feed: Feed, bytes: Uint8Array, peer: LetterPeer): Promise<void> {
    const { letters, onMisdeed } = this.#options
    const letter = decodeEnvelope(bytes, nativeCrypto)
    if (letter === undefined) {
      if (!isLaterEnvelope(bytes)) onMisdeed(peer.publicKey, FALSE_LETTER)
      return
    }
    const { id } = letter
    const state = standing(feed, peer)
    if (!wasAsked(state, id)) return
    const limiter = limiterFor(feed, peer, id)
    forgetAsked(state, id)
    const verdict = await letters.carry(feed, letter)
    if (verdict === 'false') onMisdeed(peer.publicKey, FALSE_LETTER)
    await this.#refuse(feed, id, verdict, peer)
    if (verdict === 'kept') {
      const { box } = await letters.desk(feed)
      const isFavoured = box.isFavoured(id)
      if (isFavoured && !feed.writable) limiter.reserve(-1)
      if (feed.writable) await this.#deliveries.soon(feed)
      // Also to who brought it, which learns by that that it is here.
      else this.announce(feed, id, isFavoured)
    }
    await this.#askFor(feed, peer)
  }

  /** Tells a peer that its letter was not kept, so that its sender can do more work. */
  async #refuse(feed: Feed, id: string, verdict: BoxVerdict, peer: LetterPeer): Promise<void> {
    if (verdict !== 'many' && verdict !== 'full' && verdict !== 'refused') return
    const { later } = standing(feed, peer)
    if (verdict === 'many' && later.size < MAX_IDS) later.add(id)
    const needed = verdict === 'many' ? 0 : await this.#options.letters.neededBits(feed)
    const bits = Math.min(needed, NO_WORK_IS_ENOUGH)
    const topic = feed.log.discoveryKey
    peer.send({ kind: 'refused', topic, id: Buffer.from(id, 'hex'), bits })
  }

  async #onRefusal(feed: Feed, id: string, bits: number, peer: LetterPeer): Promise<void> {
    // It may ask for it again.
    if (!standing(feed, peer).given.delete(id)) return
    const letter = await this.#options.letters.sender.outbid(feed, id, bits)
    if (letter !== undefined) this.announce(feed, letter.id, letter.stamp.kind !== 'work')
  }

  #run(feed: Feed, what: string, work: () => Promise<void>): void {
    work().catch((err: unknown) => {
      this.#options.logger.debug({ feed: short(feed.feedKey), err: String(err) }, what)
    })
  }
}
