import type { Operations } from '../api/contract/contract.ts'
import { originsOf, type Origins } from '../render/links.ts'
import {
  attachmentPath,
  issuePath,
  newsletterPath,
  type IssueSummary,
  type IssueText,
} from '../site/pages/parts.ts'
import {
  entryOf,
  MAX_DOCUMENT_CHARACTERS,
  MAX_ENTRY_CHARACTERS,
  type FeedEntry,
} from '../site/syndication/document.ts'
import type { KeptTexts } from './render-cache.ts'
import type { AddressSecrets } from './state.ts'

/** What the addresses in entries depend on: who asks, and by which name. */
export interface EntryPlace {
  readonly origin: string
  readonly secrets: Pick<AddressSecrets, 'pictures'>
}

/**
 * The entries of a document with their whole texts, each read when it is wanted. An issue that cannot
 * be read any more is left out.
 */
export async function* readEntries(
  operations: Operations,
  { origin, secrets }: EntryPlace,
  issues: readonly IssueSummary[],
  kept: KeptTexts,
): AsyncGenerator<FeedEntry> {
  const use = `${origin}/${secrets.pictures('all')}`
  let left = MAX_DOCUMENT_CHARACTERS
  /** Of each newsletter, once one of its issues asks for it. */
  const origins = new Map<string, Promise<Origins>>()
  for (const { feedKey, number, arrivedAt } of issues) {
    // Held a moment ago; one that is lost since must not take the others with it.
    const read = await operations
      .readIssue({ newsletter: feedKey, number, timeoutSeconds: 1 })
      .catch(() => undefined)
    if (read === undefined) continue
    // Apps sort by this date, too.
    const issue = { ...read, publishedAt: arrivedAt ?? read.publishedAt }
    const html = left > 0 && issue.retracted === undefined ? await htmlOf(issue) : undefined
    left -= html?.length ?? 0
    const isTooLong = left < 0 || (html?.length ?? 0) > MAX_ENTRY_CHARACTERS
    const text = isTooLong ? undefined : html
    yield entryOf(issue, origin + issuePath(feedKey, number), text, (name) =>
      addressOf(issue, name),
    )
  }

  function addressOf({ feedKey, number }: IssueText, name: string): string {
    const token = secrets.pictures(feedKey)
    return attachmentPath(`${origin}/feeds/pictures/${token}/${feedKey}/${number}`, name)
  }

  function originsIn(newsletter: string): Promise<Origins> {
    const known = origins.get(newsletter)
    if (known !== undefined) return known
    const found = operations.listIssues({ newsletter }).then(originsOf, () => new Map())
    origins.set(newsletter, found)
    return found
  }

  async function htmlOf(issue: IssueText): Promise<string> {
    const { feedKey, attachments, importedFrom } = issue
    const names = new Set(attachments.map((it) => it.name))
    return kept.render(issue, use, {
      attachmentUrl: (name) => (names.has(name) ? addressOf(issue, name) : undefined),
      home: origin + newsletterPath(feedKey),
      preview: `${origin}/add?link=`,
      ...(importedFrom !== undefined && { origins: await originsIn(feedKey) }),
    })
  }
}
