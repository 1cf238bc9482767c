import { html } from 'hono/html'
import { defined } from '../defined.ts'
import { hasCode, HyperletterError } from '../errors.ts'
import type { LocatedIssue } from '../format/history/corrections.ts'
import { parseEncryptionKey } from '../format/keys/feed-key.ts'
import { describeInList } from '../site/describe.ts'
import { count, date, groupedKey, singleLineOf, words, type Markup } from '../site/pages/parts.ts'
import { articleOf, elementsOf, type ArticleOptions } from './article.ts'
import { knownMirrors, rememberMirrors } from './known-heads.ts'
import type { IssueReader, VerifiedIssue } from './issue-reader.ts'
import { basesOf, formatPlace, parsePlace, placeOfLink, type ReaderPlace } from './place.ts'
import { failureOf, verifiedSeal } from './words.ts'

/*
 * What the reader in one file and the page of a gateway have in common: they open what stands after `#` in their
 * address, and show nothing that was not verified.
 */

export interface ShownIssue {
  readonly place: ReaderPlace
  readonly reader: IssueReader
  readonly issue: VerifiedIssue
  /** False as soon as another place is opened. */
  readonly isCurrent: () => boolean
}

/** @returns undefined if this way leads nowhere now. */
export type Attempt = () => Promise<IssueReader | undefined>

export interface ReadingOptions {
  /** Ways to read a newsletter, best first; each is tried only when those before it did not give the issue. */
  readonly readersOf: (place: ReaderPlace) => readonly Attempt[]
  readonly onShown?: (shown: ShownIssue) => void
  /** What comes at the end of the page. */
  readonly footer?: Element
}

const main = document.querySelector('main') ?? document.body
const state = document.documentElement.dataset

let options: ReadingOptions

/** Counts the places that were asked for: what comes too late is not shown. */
let turn = 0

/** Shows what the address names, now and whenever that changes. */
export function startReading(given: ReadingOptions): void {
  options = given
  addEventListener('hashchange', () => void show())
  document.addEventListener('click', goWithin)
  void show()
}

/** Goes to a place of this page. The address says which newsletter is shown, so it stays. */
function goWithin(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest('a[href^="#"]') : null
  const target = document.getElementById(link?.getAttribute('href')?.slice(1) ?? '')
  if (target === null) return
  event.preventDefault()
  goTo(target)
}

function goTo(target: HTMLElement): void {
  target.scrollIntoView()
  target.focus()
  if (document.activeElement === target) return
  target.tabIndex = -1
  target.focus()
}

/** Shows it anew. @param isQuiet leaves what is shown until there is something else. */
export async function show(isQuiet = false): Promise<void> {
  const mine = ++turn
  const isCurrent = () => mine === turn
  let place: ReaderPlace | undefined
  try {
    place = parsePlace(location.hash)
    if (!isQuiet) {
      state['verified'] = place === undefined ? 'none' : 'busy'
      await put(place === undefined ? welcome() : waiting(place))
    }
    if (place === undefined) return
    const [reader, issue] = await found(place)
    if (!isCurrent()) return
    await showIssue(place, reader, issue)
    const section = document.getElementById(place.section ?? '')
    if (!isQuiet && section !== null) goTo(section)
    state['verified'] = 'yes'
    options.onShown?.({ place, reader, issue, isCurrent })
    await complete(place, reader, issue, isCurrent)
  } catch (error) {
    if (!isCurrent() || isQuiet) return
    state['verified'] = failureOf(error).code
    if (hasCode(error, 'NEEDS_KEY') && place !== undefined) await put(locked(place))
    else await put(failed(error, place))
    if (place !== undefined) main.append(...footer())
  }
}

async function found(place: ReaderPlace): Promise<[IssueReader, VerifiedIssue]> {
  let failure: unknown = new HyperletterError('NOT_AVAILABLE', 'Nobody has it now.')
  for (const attempt of options.readersOf(place)) {
    try {
      const reader = await attempt()
      if (reader !== undefined) return [reader, await reader.issue(place.number)]
    } catch (error) {
      if (hasCode(error, 'NEEDS_KEY')) throw error
      // What is wrong is worth more to know than what is not there.
      if (hasCode(failure, 'NOT_AVAILABLE')) failure = error
    }
  }
  throw failure
}

// Those that the author named come last: they are called only where the others have nothing.
export function addressesOf(place: ReaderPlace): string[] {
  const via = [...place.via, ...knownMirrors(place.feedKey)]
  return basesOf({ ...place, via }, new URL(location.href))
}

async function showIssue(
  place: ReaderPlace,
  reader: IssueReader,
  verified: VerifiedIssue,
  title = `${place.feedKey.slice(0, 8)}…`,
  { issues, letters }: Pick<ArticleOptions, 'issues' | 'letters'> = {},
): Promise<void> {
  const isPrivate = place.encryptionKey !== undefined
  const [before, after] = formatPlace({ ...place, number: 0 }).split('/0')
  const fragment = await articleOf(reader, verified, {
    title,
    home: formatPlace(withoutNumber(place)),
    // With the name of the page: what is only a fragment leads to a place in the text.
    issueAddress: [`${location.pathname.split('/').at(-1) || './'}${before}`, after ?? ''],
    seal: verifiedSeal(place.feedKey, reader.from, { isPrivate }),
    ...defined({ issues, letters }),
  })
  main.replaceChildren(fragment, ...footer())
}

// What takes further requests comes once the text can be read.
async function complete(
  place: ReaderPlace,
  reader: IssueReader,
  verified: VerifiedIssue,
  isCurrent: () => boolean,
): Promise<void> {
  const { issues, missing } = await reader.list()
  const letters = await reader.letters(verified.text.number)
  // Among the records that are here now.
  const profile = await reader.profile()
  if (!isCurrent()) return
  rememberMirrors(place.feedKey, profile?.mirrors ?? [])
  const title = singleLineOf(profile?.title ?? place.feedKey)
  document.title = `${singleLineOf(verified.text.title)} · ${title}`
  const name = document.querySelector('#name')
  if (name !== null) name.textContent = title
  if (verified.text.importedFrom === undefined && letters.length === 0) {
    const from = main.querySelector('.from bdi')
    if (from !== null) from.textContent = title
  } else await showIssue(place, reader, verified, title, { issues, letters })
  const list = await elementsOf(archive(place, issues, missing, verified.located.record.number))
  main.append(list.content, ...footer())
  state['listed'] = String(issues.length)
}

function footer(): Element[] {
  return options.footer === undefined ? [] : [options.footer]
}

async function put(markup: Markup): Promise<void> {
  main.replaceChildren((await elementsOf(markup)).content)
  const form = main.querySelector('form')
  form?.addEventListener('submit', (event) => {
    event.preventDefault()
    const note = form.querySelector('[role=alert]')
    try {
      location.hash = formatPlace(entered(form.querySelector('input')?.value ?? ''))
    } catch (error) {
      if (note !== null) note.textContent = failureOf(error).message
    }
  })
}

// A link of any kind, or only the key that reads what the address names.
function entered(text: string): ReaderPlace {
  const before = location.hash === '' ? undefined : parsePlace(location.hash)
  if (before !== undefined && /^\s*[a-z0-9]{52,64}\s*$/.test(text)) {
    return { ...before, encryptionKey: parseEncryptionKey(text.trim()) }
  }
  const place = placeOfLink(text)
  return place.via.length > 0 ? place : { ...place, via: before?.via ?? [] }
}

function withoutNumber({ feedKey, encryptionKey, via }: ReaderPlace): ReaderPlace {
  return { feedKey, via, ...defined({ encryptionKey }) }
}

function archive(
  place: ReaderPlace,
  issues: readonly LocatedIssue[],
  missing: number,
  shown: number,
): Markup {
  return html`<section class="after" aria-labelledby="archive">
    <h2 class="section" id="archive">
      ${issues.length === 1 ? '' : 'All '}${count(issues.length, 'issue')}
    </h2>
    ${missing === 0 ? '' : html`<p class="over">There may be older ones, whose records cannot be had now.</p>`}
    <ol class="rows dated" reversed>
      ${issues.map((it) => {
        const { number, title, publishedAt, retractedAt, amendedAt } = describeInList(it)
        return html`<li>
          <span class="over">${date(publishedAt)}</span>
          <a
            href="${formatPlace({ ...place, number })}"
            ${number === shown ? html` aria-current="page"` : ''}
            >${words(title)}</a
          >
          ${retractedAt !== undefined ? html`<span class="tag gone">retracted</span>` : amendedAt === undefined ? '' : html`<span class="tag amended">amended</span>`}
        </li>`
      })}
    </ol>
  </section>`
}

function waiting({ feedKey }: ReaderPlace): Markup {
  return html`<section class="empty" aria-busy="true">
    <h1>Fetching…</h1>
    <p>The newest issue under the key</p>
    <p class="key"><code>${groupedKey(feedKey)}</code></p>
  </section>`
}

function welcome(): Markup {
  return html`<section class="empty">
      <h1>Open a newsletter</h1>
      <p>
        Paste its link. This page fetches its signed log, checks every block against the key in the
        link, and shows only what was checked.
      </p>
    </section>
    ${linkForm('Link', 'hyperletter://… or https://…', 'Open')}`
}

function locked(place: ReaderPlace): Markup {
  const hasKey = place.encryptionKey !== undefined
  return html`<section class="empty">
      <h1>This newsletter is private</h1>
      <p>
        ${hasKey ? 'The key in this link does not read it.' : 'This link has only the key that checks it. To read it, you need the whole link that its author gave you.'}
      </p>
      ${location.protocol === 'file:' ? '' : html`<p class="over">Whoever serves this page could read what you enter here. Save the page and open it from your disk, or use the program Hyperletter.</p>`}
    </section>
    ${linkForm('Whole link, or its second key', 'hyperletter://…#…', 'Read it')}`
}

function linkForm(label: string, example: string, action: string): Markup {
  return html`<form class="panel narrow-form">
    <label for="link">${label}</label>
    <div class="field">
      <input id="link" autocomplete="off" spellcheck="false" placeholder="${example}" required />
      <button class="button primary">${action}</button>
    </div>
    <p role="alert" class="over"></p>
  </form>`
}

function failed(error: unknown, place: ReaderPlace | undefined): Markup {
  const { title, message } = failureOf(error)
  const bases = place === undefined ? [] : addressesOf(place)
  return html`<div class="problem failed" role="alert">
      <h1>${title}</h1>
      <p>${message}</p>
      ${bases.length === 0 ? '' : html`<p>Asked: ${bases.map((it) => html`<br /><bdi>${it}</bdi>`)}</p>`}
      <p>Nothing is shown that was not checked.</p>
    </div>
    ${linkForm('Another link', 'hyperletter://… or https://…', 'Open')}`
}
