import { HyperletterError } from '../../errors.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { compareTimes } from '../../format/records/text.ts'
import type { KeyValueLog } from '../../log/store/key-value-log.ts'
import { ignoreFullDisk, onStore } from '../../storage-errors.ts'
import { LibraryCopy, parseNumbers, readCopy, type LibrarySnapshot } from './library-copy.ts'
import { markKey, Marks, type Mark } from './marks.ts'
import { readEntry, resolveEntry, ROLES, type LibraryEntry, type Role } from './entry.ts'
import { SerialQueue } from '../../async.ts'

export type { LibraryEntry, Role, Successor } from './entry.ts'

export interface LibraryOptions {
  /** Where a copy of all of it is kept, from which it restores what the store lost. */
  readonly copyPath?: string
  /** Why nothing can be written. */
  readonly readOnlyFor?: HyperletterError | undefined
}

const FEEDS = 'feed/'

const NOT_IN_ROLE: Readonly<Record<Role, string>> = {
  author: 'You do not write this newsletter.',
  subscriber: 'You do not follow this newsletter.',
  seeder: 'You do not seed this newsletter.',
}

/** How often it is recorded that a newsletter is active. */
const RECORD_ACTIVITY_MS = 10 * 60_000

/**
 * This user's relations to feeds and read marks, in a local Hyperbee that is never announced.
 * Keys: `feed/<feed key>` → entry; for those of marks see `Marks`.
 */
export class Library {
  readonly marks: Marks
  readonly #log: KeyValueLog
  readonly #readOnlyFor: HyperletterError | undefined
  readonly #entries = new Map<FeedKey, LibraryEntry>()
  /** Entries that this version does not understand; they are left as they are. */
  unreadable = 0
  /** How many newsletters came from the copy, because the store had lost something; undefined where it had not. */
  restored: number | undefined
  #copy: LibraryCopy | undefined
  readonly #writes = new SerialQueue()
  #isClosing = false

  private constructor(log: KeyValueLog, { readOnlyFor }: LibraryOptions) {
    this.#log = log
    this.#readOnlyFor = readOnlyFor
    this.marks = new Marks(log, async (feedKey, work) => {
      const changed = await this.#write(work)
      if (changed > 0) this.#copy?.onChange(feedKey)
      return changed
    })
  }

  /** @param log its own; `close` closes it. */
  static async open(log: KeyValueLog, options: LibraryOptions = {}): Promise<Library> {
    const library = new Library(log, options)
    await library.#load()
    const { copyPath, readOnlyFor } = options
    if (copyPath !== undefined && readOnlyFor === undefined) await library.#openCopy(copyPath)
    return library
  }

  /** What it takes in the store, with all marks. */
  storedSize(): ReturnType<KeyValueLog['size']> {
    return this.#log.size()
  }

  async close(): Promise<void> {
    this.#isClosing = true
    await this.#writes.idle()
    await this.#copy?.close()
    await this.#log.close()
  }

  async #load(): Promise<void> {
    for await (const { value } of this.#log.entries({ gte: FEEDS, lt: `${FEEDS}~` })) {
      const entry = readEntry(value)
      if (entry === undefined) this.unreadable++
      else this.#entries.set(entry.feedKey, entry)
    }
  }

  async #openCopy(path: string): Promise<void> {
    const snapshot = await readCopy(path)
    const isBehind = (await this.#log.length()) < (snapshot?.length ?? 0)
    if (snapshot !== undefined && isBehind) await this.#restore(snapshot)
    const isWhole = isBehind ? false : snapshot !== undefined || this.#entries.size === 0
    const length = () => this.#log.length()
    const list = () => this.list()
    const get = (feedKey: FeedKey) => this.get(feedKey)
    const numbers = (mark: Mark, feedKey: FeedKey) => this.marks.numbers(mark, feedKey)
    this.#copy = new LibraryCopy(path, { length, list, get, numbers }, isWhole)
    if (isBehind) await this.#copy.flush().catch(ignoreFullDisk)
  }

  // The store lost the newest of what it was given, or all of it. In one batch, which is written whole or not at all:
  // by its length, half of it would pass for newer than the copy.
  async #restore({ newsletters }: LibrarySnapshot): Promise<void> {
    const wanted = new Map<string, unknown>()
    for (const [feedKey, { entry, read, star }] of newsletters) {
      wanted.set(FEEDS + feedKey, entry)
      for (const it of parseNumbers(read)) wanted.set(markKey('read', feedKey, it), true)
      for (const it of parseNumbers(star)) wanted.set(markKey('star', feedKey, it), true)
    }
    await onStore(async () => {
      const batch = (await this.#log.forWriting()).batch()
      for await (const { key, value } of this.#log.entries({ gte: '', lt: '~' })) {
        const isKnown = !key.startsWith(FEEDS) || readEntry(value) !== undefined
        if (isKnown && !wanted.has(key)) await batch.del(key)
      }
      for (const [key, value] of wanted) await batch.put(key, value)
      await batch.flush()
    })
    this.#entries.clear()
    this.unreadable = 0
    await this.#load()
    this.restored = newsletters.size
  }

  /** The entry that a person means, see `resolveEntry`. @throws NEWSLETTER_NOT_FOUND, INVALID_INPUT */
  resolve(reference: string): LibraryEntry {
    return resolveEntry(this.list(), reference)
  }

  /** All entries, in the order in which they were added; or only the one that a person means, see `resolve`. */
  list(reference?: string): LibraryEntry[] {
    if (reference !== undefined) return [this.resolve(reference)]
    return [...this.#entries.values()].toSorted((a, b) => compareTimes(a.addedAt, b.addedAt))
  }

  get size(): number {
    return this.#entries.size
  }

  get(feedKey: FeedKey): LibraryEntry | undefined {
    return this.#entries.get(feedKey)
  }

  /**
   * Adds a role, and whatever else is now known, to an entry; makes the entry if there is none. It can be
   * seen at once; what is returned resolves when it is written, and if that fails all is as before.
   * @param after what is more urgent on this processor than writing it; must not fail.
   */
  add(
    feedKey: FeedKey,
    role: Role,
    details: Partial<LibraryEntry> = {},
    after?: Promise<unknown>,
  ): Promise<LibraryEntry> {
    const before = this.#entries.get(feedKey)
    const roles = ROLES.filter((it) => it === role || before?.roles.includes(it))
    const addedAt = before?.addedAt ?? new Date().toISOString()
    return this.#put({ ...before, ...details, feedKey, roles, addedAt }, after)
  }

  /** Takes a role away; the entry goes with its last role. @throws NEWSLETTER_NOT_FOUND */
  async remove(feedKey: FeedKey, role: Role): Promise<LibraryEntry | undefined> {
    const before = this.#entries.get(feedKey)
    if (before === undefined || !before.roles.includes(role)) {
      throw new HyperletterError('NEWSLETTER_NOT_FOUND', NOT_IN_ROLE[role])
    }
    const roles = before.roles.filter((it) => it !== role)
    if (roles.length > 0) return this.#put({ ...before, roles })
    await this.#change(feedKey, undefined, async () =>
      (await this.#log.forWriting()).del(FEEDS + feedKey),
    )
    return undefined
  }

  /** Changes what is known of a feed that is in the library; ignored if it no longer is. */
  async update(
    feedKey: FeedKey,
    details: Partial<Omit<LibraryEntry, 'feedKey' | 'roles' | 'addedAt' | 'encryptionKey'>>,
  ): Promise<void> {
    const before = this.#entries.get(feedKey)
    if (before !== undefined) await this.#put({ ...before, ...details })
  }

  /** Records that somebody holds another history of a newsletter, of this length, that its author signed. */
  async noteFork(feedKey: FeedKey, length: number, where = 'A mirror'): Promise<void> {
    if (this.#entries.get(feedKey)?.problem !== undefined) return
    const evidence = { length, fork: 0, peers: [], foundAt: new Date().toISOString() }
    const message = `${where} has another history of this newsletter; what was held before stays readable.`
    await this.update(feedKey, { problem: { code: 'FEED_CONFLICT', message, evidence } })
  }

  /** Records that the log of a newsletter has grown, if that was not recorded a while ago. */
  async noteActive(feedKey: FeedKey): Promise<void> {
    const { activeAt } = this.#entries.get(feedKey) ?? {}
    const now = Date.now()
    if (activeAt !== undefined && now - Date.parse(activeAt) < RECORD_ACTIVITY_MS) return
    await this.update(feedKey, { activeAt: new Date(now).toISOString() })
  }

  async #put(given: LibraryEntry, after?: Promise<unknown>): Promise<LibraryEntry> {
    // Whatever its author calls it now.
    const entry = given.petname === undefined ? given : { ...given, title: given.petname }
    await this.#change(entry.feedKey, entry, async () => {
      await after
      await (await this.#log.forWriting()).put(FEEDS + entry.feedKey, entry)
    })
    return entry
  }

  async #change(
    feedKey: FeedKey,
    entry: LibraryEntry | undefined,
    write: () => Promise<unknown>,
  ): Promise<void> {
    const before = this.#entries.get(feedKey)
    this.#set(feedKey, entry)
    try {
      await this.#write(write)
      this.#copy?.onChange(feedKey)
    } catch (error) {
      if (this.#entries.get(feedKey) === entry) this.#set(feedKey, before)
      throw error
    }
  }

  #set(feedKey: FeedKey, entry: LibraryEntry | undefined): void {
    if (entry === undefined) this.#entries.delete(feedKey)
    else this.#entries.set(feedKey, entry)
  }

  // One write at a time, in the order in which they were asked for.
  async #write<T>(work: () => Promise<T>): Promise<T> {
    // A closed core passes for an empty one, from which a key is taken by doing nothing.
    if (this.#isClosing) throw new HyperletterError('ABORTED', 'The library was closed.')
    if (this.#readOnlyFor !== undefined) throw this.#readOnlyFor
    return this.#writes.run(() => onStore(work))
  }
}
