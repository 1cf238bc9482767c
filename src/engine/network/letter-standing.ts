import type { Feed } from '../../format/feed.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { ProtocolPeer } from '../../peers/peer-protocol.ts'
import { RateLimiter } from '../../rate-limiter.ts'
import { MAX_IDS, type LetterMessage } from './letter-message.ts'

/** How a peer stands with the letters of one newsletter, while it replicates that. Letters are named by ids. */
interface Standing {
  isTold: boolean
  /** What it has and was not asked for. */
  offered: readonly string[]
  /** What it was asked for and has not brought. */
  readonly asked: Set<string>
  /** Brought while there were as many of their senders here as may be. */
  readonly later: Set<string>
  readonly given: Set<string>
}

export interface LetterPeerState {
  readonly feeds: Map<FeedKey, Standing>
  /** Topics in hex of which it spoke too early. */
  readonly missed: Set<string>
  readonly carrying: RateLimiter
  readonly authoring: RateLimiter
}

/** Letters that a carrier takes from one peer, so that a flood spreads slowly; favoured ones are not counted. */
export const CARRIER_RATE = { perSecond: 1 / 60, burst: 16 }
/** Letters that an author takes from one peer. */
export const AUTHOR_RATE = { perSecond: 64, burst: 512 }

export function newLetterPeer(): LetterPeerState {
  return {
    feeds: new Map(),
    missed: new Set(),
    carrying: new RateLimiter(CARRIER_RATE),
    authoring: new RateLimiter(AUTHOR_RATE),
  }
}

export type LetterPeer = ProtocolPeer<LetterMessage, LetterPeerState>

export function standing({ feedKey }: Feed, { state }: LetterPeer): Standing {
  const found = state.feeds.get(feedKey)
  if (found !== undefined) return found
  const ids = () => new Set<string>()
  const made = { isTold: false, offered: [], asked: ids(), later: ids(), given: ids() }
  state.feeds.set(feedKey, made)
  return made
}

/** Letters of a newsletter that one peer was asked for and has not brought. */
const MAX_ASKED = 256

/** Ids that a peer is asked for now, of those that it offered and that are not here. */
export function takeOffered(
  state: Standing,
  limiter: RateLimiter,
  isHere: (id: string) => boolean,
): string[] {
  const open = state.offered.filter((it) => !isHere(it) && !state.asked.has(it))
  const wanted: string[] = []
  for (const id of open) {
    if (state.asked.size >= MAX_ASKED || !limiter.take()) break
    state.asked.add(id)
    wanted.push(id)
  }
  state.offered = open.slice(wanted.length)
  return wanted
}

/** A peer is asked again for what there were too many of. */
export function recallLater(state: Standing): void {
  state.offered = [...new Set([...state.later, ...state.offered])].slice(0, MAX_IDS)
  state.later.clear()
}

/** Whether a peer replicates a newsletter with us. */
export function isPeerOf(feed: Feed, { publicKey }: { readonly publicKey: Buffer }): boolean {
  return feed.log.peers.some((it) => publicKey.equals(it.publicKey))
}
