import type { Library, LibraryEntry } from '../../engine/library/library.ts'
import { hasCode } from '../../errors.ts'
import { keyBytes, type FeedKey } from '../../format/keys/feed-key.ts'
import { hex } from '../../hex.ts'
import { discoveryKeyOf } from '../../log/keys.ts'

/** Those that are written here. */
const OWN = 'own'

/** All that everybody may read. */
const ALL = 'all'

/** For so long the choice is not made anew, in milliseconds. */
const FRESH_MS = 1_000

/**
 * The newsletters that a gateway is opened for: those that the owner chose. A private one only if it is named.
 */
export class OpenedNewsletters {
  readonly #library: Pick<Library, 'list' | 'get' | 'resolve'>
  readonly #names: readonly string[]
  #byKey = new Map<FeedKey, string>()
  /** Discovery key in hex → feed key. */
  #byTopic = new Map<string, FeedKey>()
  #chosenAt = -Infinity

  /** @param names `own`, `all`, or what `Library.resolve` takes. */
  constructor(library: Pick<Library, 'list' | 'get' | 'resolve'>, names: readonly string[]) {
    this.#library = library
    this.#names = names
  }

  keys(): FeedKey[] {
    this.#choose()
    return [...this.#byKey.keys()]
  }

  /** The newsletter, if it is in the library and open. */
  find(feedKey: FeedKey): LibraryEntry | undefined {
    this.#choose()
    return this.#byKey.has(feedKey) ? this.#library.get(feedKey) : undefined
  }

  /** Whether the core of a discovery key is one that tabs may replicate. */
  isOpened(discoveryKey: Uint8Array): boolean {
    this.#choose()
    const feedKey = this.#byTopic.get(hex(discoveryKey))
    return feedKey !== undefined && this.find(feedKey) !== undefined
  }

  #choose(): void {
    if (performance.now() - this.#chosenAt < FRESH_MS) return
    this.#chosenAt = performance.now()
    const named = this.#names.filter((it) => it !== OWN && it !== ALL)
    const chosen = new Set(named.map((it) => this.#named(it)))
    for (const entry of this.#library.list()) {
      // A newsletter without a title was never read here: it may be a private one that is seeded without its key.
      const isPublic = entry.encryptionKey === undefined && entry.title !== undefined
      const isOwn = this.#names.includes(OWN) && entry.roles.includes('author')
      if (isPublic && (isOwn || this.#names.includes(ALL))) chosen.add(entry.feedKey)
    }
    const before = this.#byKey
    this.#byKey = new Map(
      [...chosen]
        .filter((it) => it !== undefined)
        .map((it) => [it, before.get(it) ?? hex(discoveryKeyOf(keyBytes(it)))]),
    )
    this.#byTopic = new Map([...this.#byKey].map(([feedKey, topic]) => [topic, feedKey]))
  }

  // One that is not there yet, or that several could be, is none.
  #named(name: string): FeedKey | undefined {
    try {
      return this.#library.resolve(name).feedKey
    } catch (error) {
      if (hasCode(error, 'NEWSLETTER_NOT_FOUND', 'INVALID_INPUT', 'INVALID_LINK')) return undefined
      throw error
    }
  }
}
