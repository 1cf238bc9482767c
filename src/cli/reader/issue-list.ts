import type { CallOptions, Input, Operations, Output } from '../../api/contract/contract.ts'
import { defined } from '../../defined.ts'
import { singleLine } from '../../render/plain.ts'
import type { ListView, Row } from './views.ts'
import { placeAfter } from './views.ts'

/** What a list has: issues of the inbox, or what a search finds in them. */
export interface Shown {
  readonly show: NonNullable<Input<'listInbox'>['show']>
  readonly newsletter?: string | undefined
  readonly query?: string | undefined
}

/** As many as one call gives at most: excerpts that the daemon makes for the first time take a millisecond each. */
const PART = 50

/** As many as a search gives. */
const FOUND = 200

/** Issues that are loaded before they are looked at: whoever holds a key down must not wait for them. */
const AHEAD = 400

const TITLES: Readonly<Record<Shown['show'], string>> = {
  unread: 'Unread',
  starred: 'Starred',
  all: 'All issues',
}

const NOTHING: Readonly<Record<Shown['show'], string>> = {
  unread: 'All read. Tab shows other issues.',
  starred: 'Nothing is starred.',
  all: 'No issues yet.',
}

/** A list of issues that is loaded in parts, with the one that was chosen. What was read stays in it until `reload`. */
export class IssueList {
  readonly #operations: Operations
  #shown: Shown
  #issues: Row[] = []
  #isWhole = false
  #cursor = 0
  #top = 0
  #loading: Promise<void> | undefined
  /** What `changing` runs now, and what it has begun. */
  #changes = 0
  #begun = 0
  /** What `markAll` marked last. */
  #marked: Output<'markAllRead'> = []

  constructor(operations: Operations, shown: Shown) {
    this.#operations = operations
    this.#shown = shown
  }

  get shown(): Shown {
    return this.#shown
  }

  get cursor(): number {
    return this.#cursor
  }

  get chosen(): Row | undefined {
    return this.#issues[this.#cursor]
  }

  view(): ListView {
    const { show, newsletter, query } = this.#shown
    const only = this.#issues[0]?.newsletter ?? ''
    const of = newsletter === undefined ? '' : ` · ${singleLine(only)}`
    const title = query === undefined ? TITLES[show] + of : `Search: ${query}${of}`
    const empty = query === undefined ? NOTHING[show] : 'Nothing found. Esc goes back.'
    return {
      title,
      isWhole: this.#isWhole,
      issues: this.#issues,
      cursor: this.#cursor,
      top: this.#top,
      empty,
    }
  }

  /** Loads it anew, and stays at the issue that was chosen, or else at its place. */
  async reload(height: number, signal?: AbortSignal): Promise<void> {
    await this.#reload(this.#cursor, height, signal)
  }

  async show(show: Shown['show'], height: number): Promise<void> {
    await this.#change({ ...this.#shown, show }, height)
  }

  /** Leaves only the newsletter of the issue that was chosen; or takes that limit away. */
  async filter(height: number): Promise<void> {
    const { newsletter } = this.#shown
    const wanted = newsletter === undefined ? this.chosen?.feedKey : undefined
    await this.#change({ ...this.#shown, newsletter: wanted }, height)
  }

  async #change(shown: Shown, height: number): Promise<void> {
    this.#shown = shown
    await this.#reload(0, height)
  }

  /** @param place of the cursor if the issue that was chosen is not in what is loaded. */
  async #reload(place: number, height: number, signal?: AbortSignal): Promise<void> {
    const before = this.chosen
    this.#issues = []
    this.#isWhole = false
    this.#loading = undefined
    await this.#loadTo(place + height, signal)
    const index = before === undefined ? -1 : this.#indexOf(before)
    this.#cursor = Math.max(0, index < 0 ? Math.min(place, this.#issues.length - 1) : index)
    this.#scroll(height)
    this.#loadAhead()
  }

  /** Moves as a key says. @returns whether that key moves */
  async move(key: string, height: number): Promise<boolean> {
    const to = placeAfter(key, this.#cursor, height)
    if (to === undefined) this.#scroll(height)
    else await this.choose(to, height)
    return to !== undefined
  }

  /** Chooses an issue by its place, or the nearest one. */
  async choose(index: number, height: number): Promise<Row | undefined> {
    await this.#loadTo(index + height)
    this.#cursor = Math.max(0, Math.min(index, this.#issues.length - 1))
    this.#scroll(height)
    this.#loadAhead()
    return this.chosen
  }

  /** The place of the next unread issue. @param isRead the chosen one does not count */
  async nextUnread(isRead: boolean): Promise<number | undefined> {
    for (let at = this.#cursor + (isRead ? 1 : 0); ; at++) {
      await this.#loadTo(at + 1)
      const row = this.#issues[at]
      if (row?.read === false) return at
      if (row === undefined) break
    }
    const above = this.#issues.findIndex((it) => !it.read)
    return above < 0 ? undefined : above
  }

  async mark(row: Row, marks: { read?: boolean; starred?: boolean }): Promise<void> {
    const { feedKey, number } = row
    await this.changing(async () => {
      const input = { newsletter: feedKey, number, ...marks }
      const { read, starred } = await this.#operations.markIssue(input)
      this.update({ ...row, read, starred })
    })
  }

  /**
   * Runs work that marks one issue, up to its `update`: what is loaded meanwhile must pass over no issue that moved into the
   * place of this one.
   */
  async changing<T>(work: () => Promise<T>): Promise<T> {
    this.#changes++
    this.#begun++
    try {
      return await work()
    } finally {
      this.#changes--
    }
  }

  /** Marks all that it lists as read, also what is not loaded yet. @returns how many */
  async markAll(height: number): Promise<number> {
    const { show, newsletter, query } = this.#shown
    const isInbox = show !== 'starred' && query === undefined
    this.#marked = isInbox
      ? await this.#operations.markAllRead(defined({ newsletter }))
      : await this.#unreadListed()
    if (!isInbox) await this.#markAs(true)
    await this.reload(height)
    return this.#marked.reduce((sum, it) => sum + it.numbers.length, 0)
  }

  /** Takes the last `markAll` back. @returns whether there was one */
  async undoMarkAll(height: number): Promise<boolean> {
    if (this.#marked.length === 0) return false
    await this.#markAs(false)
    this.#marked = []
    await this.reload(height)
    return true
  }

  async #markAs(read: boolean): Promise<void> {
    for (const { feedKey, numbers } of this.#marked) {
      await this.#operations.markIssues({ newsletter: feedKey, numbers, read })
    }
  }

  async #unreadListed(): Promise<Output<'markAllRead'>> {
    await this.#loadTo(Infinity)
    const found = new Map<string, Output<'markAllRead'>[number]>()
    for (const { feedKey, newsletter, number } of this.#issues.filter((it) => !it.read)) {
      const numbers = found.get(feedKey)?.numbers ?? []
      found.set(feedKey, { feedKey, newsletter, numbers: [...numbers, number] })
    }
    return [...found.values()]
  }

  /** Puts what is known now in the place of the same issue. */
  update(row: Row): void {
    const index = this.#indexOf(row)
    if (index >= 0) this.#issues[index] = row
  }

  /** Adds what has just arrived, or was corrected. */
  add(row: Row): void {
    const { show, newsletter } = this.#shown
    if (this.#indexOf(row) >= 0) this.update(row)
    else if (show !== 'starred' && (newsletter ?? row.feedKey) === row.feedKey && !row.read) {
      this.#issues.unshift(row)
      if (this.#issues.length > 1) this.#cursor++
      if (this.#top > 0) this.#top++
    }
  }

  #indexOf({ feedKey, number }: Row): number {
    return this.#issues.findIndex((it) => it.number === number && it.feedKey === feedKey)
  }

  #scroll(height: number): void {
    const last = Math.max(0, this.#issues.length - height)
    const least = this.#cursor - height + 1
    this.#top = Math.min(Math.max(this.#top, least), this.#cursor, last)
  }

  #loadAhead(): void {
    this.#loadTo(this.#cursor + AHEAD).catch(() => undefined)
  }

  async #loadTo(count: number, signal?: AbortSignal): Promise<void> {
    while (!this.#isWhole && this.#issues.length < count) {
      // What is seen first comes first, and each part after it is as large as all before: no key waits for more than it needs.
      const limit = Math.min(PART, this.#issues.length || count + 1)
      if (this.#loading === undefined) {
        const loading = this.#loadPart(limit, defined({ signal })).finally(() => {
          if (this.#loading === loading) this.#loading = undefined
        })
        this.#loading = loading
      }
      await this.#loading
    }
  }

  async #loadPart(limit: number, options: CallOptions): Promise<void> {
    const [issues, begun, skip] = [this.#issues, this.#begun, this.#skip]
    const found = await this.#part(skip, limit, options)
    // Meanwhile something else may be wanted, or this part began earlier, since others were read.
    if (issues !== this.#issues || begun !== this.#begun || this.#skip < skip) return
    this.#isWhole = this.#shown.query !== undefined || found.length < limit
    issues.push(...found.filter((it) => this.#indexOf(it) < 0))
  }

  async #part(skip: number, limit: number, options: CallOptions): Promise<readonly Row[]> {
    const { show, newsletter, query } = this.#shown
    if (query !== undefined) {
      const input = { query, limit: FOUND, ...defined({ newsletter }) }
      const found = await this.#operations.search(input, options)
      return found.map((it) => ({ ...it, held: true, excerpt: it.excerpt.text }))
    }
    const input = { show, skip, limit, excerpts: true, ...defined({ newsletter }) }
    return this.#operations.listInbox(input, options)
  }

  /** Of unread issues, those that were read here meanwhile are no longer among them. */
  get #skip(): number {
    if (this.#shown.show !== 'unread') return this.#issues.length
    const unread = this.#issues.filter((it) => !it.read).length
    // Those that are being read may be among them still, or not.
    return Math.max(0, unread - this.#changes)
  }
}
