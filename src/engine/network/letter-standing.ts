import type { Feed } from '../../format/feed.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { ProtocolPeer } from '../../peers/peer-protocol.ts'
import type { RateLimiter } from '../../rate-limiter.ts'
import type { LetterMessage } from './letter-message.ts'

/** How a peer stands with the letters of one newsletter, while it replicates that. Letters are named by ids. */
interface Standing {
  isTold: boolean
  /** What it has and was not asked for. */
  offered: readonly string[]
  /** What it was asked for and has not brought. */
  readonly asked: Set<string>
  readonly given: Set<string>
}

export interface LetterPeerState {
  readonly feeds: Map<FeedKey, Standing>
  /** Topics in hex of which it spoke too early. */
  readonly missed: Set<string>
  readonly carrying: RateLimiter
  readonly authoring: RateLimiter
}

export type LetterPeer = ProtocolPeer<LetterMessage, LetterPeerState>

export function standing({ feedKey }: Feed, { state }: LetterPeer): Standing {
  const found = state.feeds.get(feedKey)
  if (found !== undefined) return found
  const made = { isTold: false, offered: [], asked: new Set<string>(), given: new Set<string>() }
  state.feeds.set(feedKey, made)
  return made
}

/** Whether a peer replicates a newsletter with us. */
export function isPeerOf(feed: Feed, { publicKey }: { readonly publicKey: Buffer }): boolean {
  return feed.log.peers.some((it) => publicKey.equals(it.publicKey))
}
