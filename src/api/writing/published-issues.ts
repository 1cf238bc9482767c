import type { Feed, LocatedIssue } from '../../format/feed.ts'
import { editionsOf, newestEdition, type Edition } from '../../format/history/corrections.ts'
import { isDated, type Draft, type FoundDraft } from '../../sources/source.ts'

/** Share of its lines that a text keeps, at least, where its title or date changed and it is still the same post. */
const MIN_COMMON_LINES = 0.5

/** A path to a file may be that of another one tomorrow; what a service or feed calls a post stays its own. */
const PATH = /^(?![a-z][a-z0-9+.-]+:).*\.(?:mdx?|markdown|mdown|mkdn?|mdwn)$/i

/**
 * The issues of a newsletter, by what a post is: its title and date, its text, and the path of its file, whatever folder
 * was imported.
 */
export class PublishedIssues {
  /** The number of the newest issue; 0 if there is none. */
  readonly last: number
  readonly #feed: Feed
  /** Newest first. */
  readonly #issues: readonly LocatedIssue[]
  /** By the whole path. */
  readonly #byPath = new Map<string, LocatedIssue>()
  #facts: Facts | undefined

  private constructor(feed: Feed, last: number, issues: readonly LocatedIssue[]) {
    this.#feed = feed
    this.last = last
    this.#issues = issues
    for (const issue of issues.toReversed()) {
      const { importedFrom } = issue.record
      if (importedFrom !== undefined) this.#byPath.set(importedFrom, issue)
    }
  }

  // Of a large archive that is imported again, all paths are known.
  get #byFacts(): Facts {
    return (this.#facts ??= factsOf(this.#issues))
  }

  /**
   * @param date Only issues of this time, in ISO 8601; all when absent.
   * @throws NEEDS_KEY
   */
  static async of(feed: Feed, date?: string): Promise<PublishedIssues> {
    const { issues } = await feed.list({ wait: false })
    const time = Date.parse(date ?? '')
    const isMeant = ({ record }: LocatedIssue) => Date.parse(record.publishedAt) === time
    const meant = date === undefined ? issues : issues.filter(isMeant)
    return new PublishedIssues(feed, issues[0]?.record.number ?? 0, meant)
  }

  /** Only these, newest first. */
  static among(feed: Feed, issues: readonly LocatedIssue[]): PublishedIssues {
    return new PublishedIssues(feed, issues[0]?.record.number ?? 0, issues)
  }

  /** The issue that the file of a draft became before, if the draft may be an edition of it. */
  async ofSameFile(it: FoundDraft): Promise<LocatedIssue | undefined> {
    const issue = this.#byPath.get(it.origin)
    if (issue === undefined || !PATH.test(it.origin)) return issue
    return (await this.#isEdition(issue, it, true)) ? issue : undefined
  }

  /**
   * The issue that a draft became before, if it says the same still, and none of its links may lead to another draft of
   * its source. For all else, undefined.
   * @param siteUrl Where the drafts of the source were.
   */
  async ofUnchanged(
    it: FoundDraft,
    siteUrl: string | undefined,
  ): Promise<LocatedIssue | undefined> {
    if (!this.#byPath.has(it.origin) || it.finish !== undefined) return undefined
    const { links = [], addresses = [], markdown } = it.draft
    if (links.length > 0 || addresses.length > 0) return undefined
    if (siteUrl !== undefined && markdown.includes(siteUrl)) return undefined
    const issue = await this.ofSameFile(it)
    if (issue === undefined || issue.retraction !== undefined) return undefined
    return (await this.isChanged(issue, it.draft)) ? undefined : issue
  }

  /**
   * The issue that a draft is, wherever its file lay before.
   * @param taken Issues that other files are, and none but an equal text can be, too.
   */
  async ofSamePost(
    it: FoundDraft,
    taken: ReadonlySet<LocatedIssue> = new Set(),
  ): Promise<LocatedIssue | undefined> {
    if (this.#issues.length === 0) return undefined
    const equal = await this.ofEqualText(it.draft)
    if (equal !== undefined) return equal
    const free = (issue: LocatedIssue | undefined) =>
      issue === undefined || taken.has(issue) ? undefined : issue
    const { title, publishedAt } = it.draft
    const { only } = this.#byFacts
    const named = free(only.get(key('title and date', title, Date.parse(publishedAt))))
    if (named !== undefined && isDated(it.draft)) return named
    const below = only.get(key('path below', it.origin))
    const above = ends(it.origin).map((end) => this.#byPath.get(end))
    for (const candidate of [below, ...above]) {
      const issue = free(candidate)
      if (issue !== undefined && (await this.#isEdition(issue, it, false))) return issue
    }
    return undefined
  }

  /** The issue of the text of a draft, and of its date, or of its title where it says no date. */
  async ofEqualText(draft: Draft): Promise<LocatedIssue | undefined> {
    const keys = [key('date', Date.parse(draft.publishedAt))]
    if (!isDated(draft)) keys.push(key('title', draft.title))
    const alike = keys.flatMap((it) => this.#byFacts.alike.get(it) ?? [])
    // The text of a draft is read when somebody looks at it.
    const markdown = alike.length === 0 ? '' : draft.markdown
    const bytes = Buffer.byteLength(markdown)
    for (const issue of alike) {
      for (const edition of editionsOf(issue)) {
        if (edition.record.body.bytes !== bytes) continue
        if ((await this.#text(edition)) === markdown) return issue
      }
    }
    return undefined
  }

  /** Whether an issue shows something else than a draft says now. */
  async isChanged(issue: LocatedIssue, { attachments, ...draft }: Draft): Promise<boolean> {
    const edition = newestEdition(issue)
    const { record } = edition
    const head = (it: Omit<Draft, 'attachments'> | Edition['record']) =>
      JSON.stringify([it.title, it.summary, it.authors, it.tags, it.language])
    if (head(record) !== head(draft) || record.attachments.length !== attachments.length)
      return true
    for (const attachment of attachments) {
      const bytes = record.attachments.find(({ name }) => name === attachment.name)?.bytes
      if (bytes === attachment.sizeBytes) continue
      // A photo loses its place, and so some bytes, when it is read.
      if (bytes !== (await attachment.open()).byteLength) return true
    }
    const isAsLong = record.body.bytes === Buffer.byteLength(draft.markdown)
    return !isAsLong || (await this.#text(edition)) !== draft.markdown
  }

  // Folders of years and of languages have files of the same names, and often titles or dates in common.
  async #isEdition(
    issue: LocatedIssue,
    { draft }: FoundDraft,
    isSameFile: boolean,
  ): Promise<boolean> {
    const isSameTitle = editionsOf(issue).some(({ record }) => record.title === draft.title)
    const isSameDate = Date.parse(issue.record.publishedAt) === Date.parse(draft.publishedAt)
    if (isSameTitle && (isSameDate || (isSameFile && !isDated(draft)))) return true
    const isLikely = isSameTitle || isSameDate || (isSameFile && !isDated(draft))
    const text = isLikely ? await this.#text(newestEdition(issue)) : undefined
    return text !== undefined && commonLines(text, draft.markdown) >= MIN_COMMON_LINES
  }

  async #text(edition: Edition): Promise<string | undefined> {
    return this.#feed.readBody(edition, { wait: false }).catch(() => undefined)
  }
}

function key(...parts: readonly (string | number)[]): string {
  return JSON.stringify(parts)
}

/** What issues say of themselves besides the path that each came from. */
interface Facts {
  /** By title with date, and by the ends of its path; the newest issue of each. */
  readonly only: ReadonlyMap<string, LocatedIssue>
  /** By date, and by title. */
  readonly alike: ReadonlyMap<string, readonly LocatedIssue[]>
}

function factsOf(issues: readonly LocatedIssue[]): Facts {
  const only = new Map<string, LocatedIssue>()
  const alike = new Map<string, LocatedIssue[]>()
  for (const issue of issues.toReversed()) {
    const { publishedAt, importedFrom } = issue.record
    const date = Date.parse(publishedAt)
    const titles = new Set(editionsOf(issue).map(({ record }) => record.title))
    for (const it of titles) only.set(key('title and date', it, date), issue)
    for (const end of ends(importedFrom ?? '')) only.set(key('path below', end), issue)
    for (const it of [key('date', date), ...[...titles].map((title) => key('title', title))]) {
      const some = alike.get(it) ?? []
      some.push(issue)
      alike.set(it, some)
    }
  }
  return { only, alike }
}

/** `b/c.md` and `c.md` of `a/b/c.md`. */
function ends(path: string): string[] {
  const segments = path.split('/')
  return segments.slice(1).map((_, at) => segments.slice(at + 1).join('/'))
}

function commonLines(a: string, b: string): number {
  const [one, other] = [a, b].map((text) => new Set(text.split(/\s*[\r\n]+\s*/).filter(Boolean)))
  if (one === undefined || other === undefined) return 0
  const common = [...one].filter((line) => other.has(line)).length
  return common / Math.max(one.size, other.size, 1)
}
