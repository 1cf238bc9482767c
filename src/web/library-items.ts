import type { Operations } from '../api/contract/contract.ts'
import type { IssueSummary, NewsletterSummary } from '../site/pages/parts.ts'
import {
  ALL,
  invalid,
  itemsOf,
  MAX_ITEMS,
  parseItemId,
  READ,
  STARRED,
  streamIn,
  streamOf,
  type StreamItem,
} from './item-streams.ts'

/** Issues that `markIssues` takes at once. */
const MAX_MARKED = 10_000

type ItemOperations = Pick<
  Operations,
  'listInbox' | 'listIssues' | 'listNewsletters' | 'markIssues'
>

/** What feed apps ask for and mark, in the library here. */
export class LibraryItems {
  readonly #operations: ItemOperations

  constructor(operations: ItemOperations) {
    this.#operations = operations
  }

  /** The newsletters that are followed, and have been heard of. */
  async followed(): Promise<NewsletterSummary[]> {
    const all = await this.#operations.listNewsletters({})
    return all.filter((it) => it.roles.includes('subscriber') && it.title !== undefined)
  }

  /** @throws INVALID_INPUT for a stream that is none of ours. */
  async stream(given: string): Promise<StreamItem[]> {
    const id = streamIn(given)
    if (id === ALL) return itemsOf(await this.#operations.listInbox({ show: 'all' }))
    if (id === STARRED) return itemsOf(await this.#operations.listInbox({ show: 'starred' }))
    if (id === READ) {
      return itemsOf((await this.#operations.listInbox({ show: 'all' })).filter((it) => it.read))
    }
    const found = (await this.followed()).find((it) => streamOf(it.feedKey) === id)
    if (found === undefined) throw invalid('s')
    return itemsOf(await this.#operations.listIssues({ newsletter: found.feedKey }))
  }

  /** The items of these ids. @throws INVALID_INPUT if one is not here. */
  async named(ids: readonly string[]): Promise<StreamItem[]> {
    if (ids.length === 0 || ids.length > MAX_ITEMS) throw invalid('i')
    const newsletters = (await this.#operations.listNewsletters({})).map((it) => it.feedKey)
    const numbers = new Map<string, Set<number>>()
    for (const text of ids) {
      const { feedKey, number } = parseItemId(text, newsletters) ?? {}
      if (feedKey === undefined || number === undefined) throw invalid('i')
      numbers.set(feedKey, (numbers.get(feedKey) ?? new Set()).add(number))
    }
    const found: IssueSummary[] = []
    for (const [newsletter, wanted] of numbers) {
      const all = await this.#operations.listIssues({ newsletter })
      const here = all.filter((it) => wanted.has(it.number))
      if (here.length < wanted.size) throw invalid('i')
      found.push(...here)
    }
    return itemsOf(found)
  }

  /** Marks items as read or unread, newsletter by newsletter. */
  async markRead(items: readonly StreamItem[], read: boolean): Promise<void> {
    for (const newsletter of new Set(items.map((it) => it.issue.feedKey))) {
      const some = items.filter((it) => it.issue.feedKey === newsletter)
      for (let start = 0; start < some.length; start += MAX_MARKED) {
        const numbers = some.slice(start, start + MAX_MARKED).map((it) => it.issue.number)
        await this.#operations.markIssues({ newsletter, numbers, read })
      }
    }
  }
}
