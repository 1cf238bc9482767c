import type { Work } from '../work.ts'
import { EventEmitter, once } from 'node:events'
import { watch, type FSWatcher } from 'node:fs'
import { basename, dirname } from 'node:path'
import { defined } from '../../defined.ts'
import { HyperletterError } from '../../errors.ts'
import type { Feed } from '../../format/feed.ts'
import { newestEdition } from '../../format/history/corrections.ts'
import { type Draft, type DraftAttachment, WITHHELD_KINDS } from '../../sources/source.ts'
import type { Output, ParsedInput } from '../contract/contract.ts'
import { issueOf, loadDraft, publishTimeOf, withheldFor } from './drafts.ts'
import { findingsOf, isWhatItsNameSays } from './findings.ts'
import { PublishedIssues } from './published-issues.ts'
import { authoredBy, plannedIssue } from './publishing.ts'

type Event = Output<'previewDraft'>
type Finding = Extract<Event, { event: 'preview' }>['findings'][number]

/** @throws as `publishIssue` does, but for what it asks about */
export const previewDraft: Work<'previewDraft'> = async function* (engine, input, { signal } = {}) {
  const { feedKey, ...entry } = authoredBy(engine, input.newsletter)
  await using session = await engine.open({ feedKey, ...entry })
  const { feed } = session
  const look = new Look(feed, entry.title ?? '', input)
  if (input.follow !== true) {
    yield await look.now(() => undefined)
    return
  }
  using watching = new FolderWatch()
  if ('file' in input.draft) watching.add(input.draft.file)
  let told = ''
  for (;;) {
    const { revision } = watching
    const event = await look.now((path) => watching.add(path, true), revision).catch(refused)
    const words = JSON.stringify(event)
    if (words !== told) yield event
    told = words
    if (!(await watching.changed(signal))) return
  }
}

function refused(cause: unknown): Event {
  const { code, message, hint } = HyperletterError.from(cause)
  return { event: 'refused', code, message, ...defined({ hint }) }
}

/** @throws ISSUE_NOT_FOUND if there is none of that name */
export const readDraftFile: Work<'readDraftFile'> = async function* (
  _engine,
  { draft: source, name },
) {
  const draft = await loadDraft({ ...source, include: [...WITHHELD_KINDS] })
  const found = draft.attachments.find((it) => it.name === name)
  if (found === undefined)
    throw new HyperletterError('ISSUE_NOT_FOUND', 'The draft has no file of this name.')
  yield await found.open()
}

/** Looks at one draft again and again; what did not change is not read twice. */
class Look {
  readonly #feed: Feed
  readonly #source: ParsedInput<'previewDraft'>['draft']
  readonly #newsletter: string
  readonly #amends: number | undefined
  #issues: { readonly length: number; readonly all: PublishedIssues } | undefined
  readonly #checked = new Map<string, boolean>()
  readonly #at: string | undefined

  constructor(
    feed: Feed,
    newsletter: string,
    { draft, at, amends }: Pick<ParsedInput<'previewDraft'>, 'draft' | 'at' | 'amends'>,
  ) {
    this.#feed = feed
    this.#source = draft
    this.#newsletter = newsletter
    this.#at = at
    this.#amends = amends
  }

  async now(onLookUp: (path: string) => void, revision = 0): Promise<Event> {
    const draft = await loadDraft({ ...this.#source, include: [...WITHHELD_KINDS] }, { onLookUp })
    const { length } = this.#feed
    if (this.#issues?.length !== length)
      this.#issues = { length, all: await PublishedIssues.of(this.#feed) }
    const issues = this.#issues.all
    const { dateFrom, sizeBytes, number } = plannedIssue(draft, this.#amends ?? issues.last + 1)
    const { title, summary, authors, tags, language, publishedAt, markdown } = draft
    const attachments = draft.attachments.map(({ name, mediaType, alt, sizeBytes: bytes }) => ({
      name,
      mediaType,
      bytes,
      held: true,
      ...defined({ alt }),
    }))
    const issue = {
      feedKey: this.#feed.feedKey,
      newsletter: this.#newsletter,
      number,
      title,
      publishedAt,
      ...defined({ summary, authors, tags, language }),
      markdown,
      attachments,
      editions: 1,
      verified: false,
    }
    const publishAt = publishTimeOf(draft, { at: this.#at })
    const findings = [
      ...(await this.#objections(draft, issues, publishAt)),
      ...(await findingsOf(draft, (it) => this.#isShown(it, revision))),
    ]
    const facts = { dateFrom, sizeBytes, ...defined({ publishAt }) }
    return { event: 'preview', issue, ...facts, findings, revision }
  }

  async #objections(
    draft: Draft,
    issues: PublishedIssues,
    at: string | undefined,
  ): Promise<Finding[]> {
    const withheld = withheldFor(this.#source, draft, at).map(({ kind, message, line }) => ({
      kind: kind === 'scheduled' ? 'future-date' : 'withheld',
      message,
      include: kind,
      ...defined({ line }),
    }))
    const before = await issueOf(draft, issues)
    if (before === undefined) return withheld
    const { title } = newestEdition(before).record
    const { number } = before.record
    const message =
      number === this.#amends
        ? 'The text is the same as before.'
        : `The same text is issue ${number} already: ${title}.`
    return [...withheld, { kind: 'duplicate', message, number }]
  }

  async #isShown(it: DraftAttachment, revision: number): Promise<boolean> {
    const key = `${revision}/${it.sizeBytes}/${it.name}`
    const isRight = this.#checked.get(key) ?? (await isWhatItsNameSays(it))
    this.#checked.set(key, isRight)
    return isRight
  }
}

/** Editors write in several steps. */
const SETTLE_MS = 15

class FolderWatch {
  /** Counts changes of files that are beside the text. */
  revision = 0
  readonly #beside = new Set<string>()
  readonly #folders = new Map<string, FSWatcher>()
  readonly #changes = new EventEmitter()
  #isChanged = false

  /** Watches the folder of a file; one that is not there, once it appears in the one above. */
  add(path: string, isBeside = false): void {
    const folder = dirname(path)
    if (isBeside) this.#beside.add(basename(path))
    if (this.#folders.has(folder)) return
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name !== null && this.#beside.has(name)) this.revision++
        this.#notice()
      })
      watcher.on('error', () => {
        watcher.close()
        this.#folders.delete(folder)
      })
      this.#folders.set(folder, watcher)
      // It may have changed between the look and now.
      if (this.#folders.size > 1) this.#notice()
    } catch {
      if (dirname(folder) !== folder) this.add(folder)
    }
  }

  /** Resolves to false once the signal is aborted. */
  async changed(signal: AbortSignal | undefined): Promise<boolean> {
    if (!this.#isChanged)
      await once(this.#changes, 'change', defined({ signal })).catch(() => undefined)
    this.#isChanged = false
    return signal?.aborted !== true
  }

  [Symbol.dispose](): void {
    for (const it of this.#folders.values()) it.close()
  }

  #notice(): void {
    setTimeout(() => {
      this.#isChanged = true
      this.#changes.emit('change')
    }, SETTLE_MS)
  }
}
