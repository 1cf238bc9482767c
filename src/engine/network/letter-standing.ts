import type { Feed } from '../../format/feed.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { ProtocolPeer } from '../../peers/peer-protocol.ts'
import { RateLimiter } from '../../rate-limiter.ts'
import { MAX_IDS, type LetterMessage } from './letter-message.ts'

/** How a peer stands with the letters of one newsletter, while it replicates that. Letters are named by ids. */
interface Standing {
  isTold: boolean
  /** It is being told, no faster than it reads. */
  isTelling: boolean
  /** What it has and was not asked for. */
  offered: readonly string[]
  /** Of what it has: that which it says is of senders who were published or admitted. */
  readonly favoured: Set<string>
  /** What it was asked for and has not brought: in this minute, and in the one before. */
  asked: Set<string>
  askedBefore: Set<string>
  /** Brought while there were as many of their senders here as may be. */
  readonly later: Set<string>
  readonly given: Set<string>
}

export interface LetterPeerState {
  readonly feeds: Map<FeedKey, Standing>
  /** Topics in hex of which it spoke too early. */
  readonly missed: Set<string>
  readonly carrying: RateLimiter
  readonly favouring: RateLimiter
  readonly authoring: RateLimiter
}

/** Letters that a carrier takes from one peer, so that a flood spreads slowly; favoured ones are not counted. */
export const CARRIER_RATE = { perSecond: 1 / 60, burst: 16 }
/** Letters that a carrier takes from one peer because it says that they are favoured; those that are, are not counted. */
export const FAVOURED_RATE = { perSecond: 1 / 60, burst: 64 }
/** Letters that an author takes from one peer. */
export const AUTHOR_RATE = { perSecond: 64, burst: 512 }

export function newLetterPeer(): LetterPeerState {
  return {
    feeds: new Map(),
    missed: new Set(),
    carrying: new RateLimiter(CARRIER_RATE),
    favouring: new RateLimiter(FAVOURED_RATE),
    authoring: new RateLimiter(AUTHOR_RATE),
  }
}

export type LetterPeer = ProtocolPeer<LetterMessage, LetterPeerState>

export function standing({ feedKey }: Feed, { state }: LetterPeer): Standing {
  const found = state.feeds.get(feedKey)
  if (found !== undefined) return found
  const ids = () => new Set<string>()
  const made: Standing = {
    isTold: false,
    isTelling: false,
    offered: [],
    favoured: ids(),
    asked: ids(),
    askedBefore: ids(),
    later: ids(),
    given: ids(),
  }
  state.feeds.set(feedKey, made)
  return made
}

/** Letters of a newsletter that one peer was asked for and has not brought. */
const MAX_ASKED = 256

/** Notes the letters that a peer offers. @param favoured how many of them, from the first on, it calls favoured. */
export function noteOffered(state: Standing, ids: readonly string[], favoured = 0): void {
  const first = ids.slice(0, favoured)
  const known = state.offered.filter((it) => state.favoured.has(it))
  const all = new Set([...first, ...known, ...state.offered, ...ids.slice(favoured)])
  state.offered = [...all].slice(0, MAX_IDS)
  for (const id of first) state.favoured.add(id)
  const offered = new Set(state.offered)
  for (const id of state.favoured) {
    if (!offered.has(id) && !wasAsked(state, id)) state.favoured.delete(id)
  }
}

/** A peer is asked again for what there were too many of. */
export function recallLater(state: Standing): void {
  state.offered = [...new Set([...state.later, ...state.offered])].slice(0, MAX_IDS)
  state.later.clear()
}

/** Ids that a peer is asked for now, of those that it offered and that are not here. */
export function takeOffered(
  feed: Feed,
  peer: LetterPeer,
  isHere: (id: string) => boolean,
): string[] {
  const state = standing(feed, peer)
  const open = state.offered.filter((it) => !isHere(it) && !wasAsked(state, it))
  const wanted = open.filter((it) => {
    if (state.asked.size >= MAX_ASKED || !limiterFor(feed, peer, it).take()) return false
    state.asked.add(it)
    return true
  })
  state.offered = open.filter((it) => !state.asked.has(it))
  return wanted
}

export function wasAsked({ asked, askedBefore }: Standing, id: string): boolean {
  return asked.has(id) || askedBefore.has(id)
}

export function isPeerOf(feed: Feed, { publicKey }: { readonly publicKey: Buffer }): boolean {
  return feed.log.peers.some((it) => publicKey.equals(it.publicKey))
}

/** What limits how many letters are asked for. */
export function limiterFor(feed: Feed, peer: LetterPeer, id = ''): RateLimiter {
  const { authoring, favouring, carrying } = peer.state
  if (feed.writable) return authoring
  return standing(feed, peer).favoured.has(id) ? favouring : carrying
}

/** A letter came, or was asked for for nothing. */
export function forgetAsked({ asked, askedBefore, favoured }: Standing, id: string): void {
  for (const ids of [asked, askedBefore, favoured]) ids.delete(id)
}

/** What a peer did not bring for a minute may be asked for again. */
export function passMinute(state: Standing): void {
  state.askedBefore = state.asked
  state.asked = new Set()
}
