import { html } from 'hono/html'
import { defined } from '../defined.ts'
import { hasCode } from '../errors.ts'
import type { LocatedIssue } from '../format/history/corrections.ts'
import { parseEncryptionKey } from '../format/keys/feed-key.ts'
import { describeInList } from '../site/describe.ts'
import { date, groupedKey, singleLineOf, words, type Markup } from '../site/pages/parts.ts'
import { articleOf, elementsOf } from './article.ts'
import { knownMirrors, rememberMirrors } from './known-heads.ts'
import { LightReader, type VerifiedIssue } from './light.ts'
import { basesOf, formatPlace, parsePlace, placeOfLink, type ReaderPlace } from './place.ts'
import { failureOf, verifiedSeal } from './words.ts'

/*
 * The reader in one file: opens what stands after `#` in its address. It loads nothing but log files, and shows nothing that
 * was not verified.
 */

const main = document.querySelector('main') ?? document.body
const state = document.documentElement.dataset

/** Of the newsletter that is shown, so that another issue of it asks for no head again. */
let opened: { readonly name: string; readonly reader: LightReader } | undefined

/** Counts the places that were asked for: what comes too late is not shown. */
let turn = 0

async function show(): Promise<void> {
  const mine = ++turn
  const isCurrent = () => mine === turn
  state['verified'] = 'busy'
  let place: ReaderPlace | undefined
  try {
    place = parsePlace(location.hash)
    if (place === undefined) {
      state['verified'] = 'none'
      await put(welcome())
      return
    }
    await put(waiting(place))
    const reader = await open(place)
    const verified = await reader.issue(place.number)
    if (!isCurrent()) return
    await showIssue(place, reader, verified)
    state['verified'] = 'yes'
    await complete(place, reader, verified, isCurrent)
  } catch (error) {
    if (!isCurrent()) return
    state['verified'] = failureOf(error).code
    if (hasCode(error, 'NEEDS_KEY') && place !== undefined) await put(locked(place))
    else await put(failed(error, place))
  }
}

async function open(place: ReaderPlace): Promise<LightReader> {
  const { feedKey, encryptionKey } = place
  const name = [feedKey, encryptionKey].join('/')
  if (opened?.name === name) return opened.reader
  const reader = await LightReader.open(addressesOf(place), place)
  opened = { name, reader }
  return reader
}

// Those that the author named come last: they are called only where the others have nothing.
function addressesOf(place: ReaderPlace): string[] {
  const via = [...place.via, ...knownMirrors(place.feedKey)]
  return basesOf({ ...place, via }, new URL(location.href))
}

async function showIssue(
  place: ReaderPlace,
  reader: LightReader,
  verified: VerifiedIssue,
  title = `${place.feedKey.slice(0, 8)}…`,
  issues: readonly LocatedIssue[] = [],
): Promise<void> {
  const isPrivate = place.encryptionKey !== undefined
  const { host } = new URL(reader.base)
  const [before, after] = formatPlace({ ...place, number: 0 }).split('/0')
  const fragment = await articleOf(reader, verified, {
    title,
    home: formatPlace(withoutNumber(place)),
    issueAddress: [before ?? '', after ?? ''],
    seal: verifiedSeal(place.feedKey, host, isPrivate),
    issues,
  })
  main.replaceChildren(fragment)
}

// What takes further requests comes once the text can be read.
async function complete(
  place: ReaderPlace,
  reader: LightReader,
  verified: VerifiedIssue,
  isCurrent: () => boolean,
): Promise<void> {
  const { issues, missing } = await reader.list()
  // Among the records that are here now.
  const profile = await reader.profile()
  if (!isCurrent()) return
  rememberMirrors(place.feedKey, profile?.mirrors ?? [])
  const title = singleLineOf(profile?.title ?? place.feedKey)
  document.title = `${singleLineOf(verified.text.title)} · ${title}`
  const name = document.querySelector('#name')
  if (name !== null) name.textContent = title
  if (verified.text.importedFrom === undefined) {
    const from = main.querySelector('.from bdi')
    if (from !== null) from.textContent = title
  } else await showIssue(place, reader, verified, title, issues)
  main.append(
    (await elementsOf(archive(place, issues, missing, verified.located.record.number))).content,
  )
  state['listed'] = String(issues.length)
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
    <h2 class="section" id="archive">All ${issues.length} issues</h2>
    ${missing === 0 ? '' : html`<p class="over">There may be older ones, whose records cannot be had now.</p>`}
    <ol class="rows" reversed>
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
      <p><strong>${title}.</strong> ${message}</p>
      ${bases.length === 0 ? '' : html`<p>Asked: ${bases.map((it) => words(it))}</p>`}
      <p>Nothing is shown that was not checked.</p>
    </div>
    ${linkForm('Another link', 'hyperletter://… or https://…', 'Open')}`
}

addEventListener('hashchange', () => void show())
void show()
