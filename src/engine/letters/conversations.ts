import { LRUCache } from 'lru-cache'
import type { Feed } from '../../format/feed.ts'
import type { EncryptionKey, FeedKey } from '../../format/keys/feed-key.ts'
import { talkKeyOf } from '../../format/letters/line.ts'
import { nativeCrypto } from '../../log/keys.ts'
import { Conversation, type TalkRules } from './conversation.ts'
import type { LetterDesk } from './letter-desk.ts'
import type { BoxRules } from './letterbox.ts'

const MOST = 64

const LOCAL = { wait: false }

export interface ConversationsOptions {
  readonly letters: {
    desk(feed: Feed): Promise<LetterDesk>
    rules(feed: Feed): Promise<BoxRules>
  }
  /** Of a private newsletter. */
  readonly encryptionKeyOf: (feedKey: FeedKey) => EncryptionKey | undefined
}

/** What is said now about the newsletters of this device. */
export class Conversations {
  readonly #options: ConversationsOptions
  readonly #all = new LRUCache<FeedKey, Conversation>({ max: MOST })

  constructor(options: ConversationsOptions) {
    this.#options = options
  }

  /** Undefined where nothing was said or asked for: most newsletters have none, which push out no other. */
  known({ feedKey }: Pick<Feed, 'feedKey'>): Conversation | undefined {
    return this.#all.get(feedKey)
  }

  of({ feedKey }: Pick<Feed, 'feedKey'>): Conversation {
    const known = this.#all.get(feedKey)
    if (known !== undefined) return known
    const conversation = new Conversation(feedKey, nativeCrypto)
    this.#all.set(feedKey, conversation)
    return conversation
  }

  /** What a line has to have; undefined unless the author has opened a conversation. */
  async rules(feed: Feed): Promise<TalkRules | undefined> {
    const profile = await feed.profile(LOCAL).catch(() => undefined)
    if (profile?.letters?.talk !== true) return undefined
    const { letters } = this.#options
    const [desk, rules] = [await letters.desk(feed), await letters.rules(feed)]
    const key = this.#options.encryptionKeyOf(feed.feedKey)
    return {
      worthOf: (line) => desk.box.worthOf(line, rules),
      talkKey: key && talkKeyOf(feed.feedKey, key),
    }
  }
}
