import { html } from 'hono/html'
import { singleLine } from '../../render/plain.ts'
import { newsletterOptions } from './fields.ts'
import {
  button,
  count,
  date,
  empty,
  issuePath,
  newsletterPath,
  pageHead,
  pager,
  words,
  type IssueSummary,
  type Markup,
  type NewsletterSummary,
} from './parts.ts'

export const PER_PAGE = 40

/** One page of a long list. */
export interface Slice<T> {
  readonly items: readonly T[]
  readonly page: number
  readonly pages: number
  readonly total: number
}

/** The part of `items` that a page number, as somebody typed it, means. */
export function slice<T>(items: readonly T[], page: string | undefined): Slice<T> {
  const pages = Math.max(1, Math.ceil(items.length / PER_PAGE))
  const number = pageNumber(page, pages)
  const start = (number - 1) * PER_PAGE
  return { items: items.slice(start, start + PER_PAGE), page: number, pages, total: items.length }
}

/** The number of a page, as somebody typed it: at least 1, and at most `pages`. */
export function pageNumber(typed: string | undefined, pages = 1_000_000): number {
  const wanted = /^\d{1,6}$/.test(typed ?? '') ? Number(typed) : 1
  return Math.min(Math.max(1, wanted), Math.max(1, pages))
}

/** A list of issues. `from` says of which newsletter each is. */
export function issueList(
  issues: readonly IssueSummary[],
  { from }: { readonly from: boolean },
): Markup {
  return html`<ol class="issues">
    ${issues.map((it) => issueItem(it, from))}
  </ol>`
}

function issueItem(issue: IssueSummary, from: boolean): Markup {
  const path = issuePath(issue.feedKey, issue.number)
  const label = singleLine(issue.title)
  const excerpt = issue.summary ?? issue.excerpt
  const { amendedAt, corrected, retractedAt, copies, letterCount } = issue
  const marks = [
    amendedAt === undefined ? '' : tag(corrected === true ? 'corrected' : 'amended', ' amended'),
    retractedAt === undefined ? '' : tag('retracted', ' gone'),
    issue.held ? '' : tag('not downloaded yet'),
    copies === undefined || retractedAt !== undefined
      ? ''
      : copies === 0
        ? tag('no copy yet', ' gone')
        : tag(count(copies, 'copy', 'copies')),
    letterCount === undefined ? '' : tag(count(letterCount, 'letter')),
    from || !issue.read ? '' : tag('read'),
  ]
  return html`<li class="item${issue.read ? ' read' : ''}">
    <p class="over">
      ${from ? html`<a class="from" href="${newsletterPath(issue.feedKey)}">${words(issue.newsletter)}</a> · ` : ''}<span
        >No. ${issue.number}</span
      >
      · ${date(issue.publishedAt)} ${marks}
    </p>
    <h2><a class="open" href="${path}">${words(issue.title)}</a></h2>
    ${issue.note === undefined ? '' : html`<p class="summary">${words(issue.note)}</p>`}
    ${excerpt === undefined ? '' : html`<p class="summary">${words(excerpt)}</p>`}
    <div class="actions">
      ${starButton(path, issue.starred, label)}
      ${button(`${path}/mark`, issue.read ? html`Mark unread<span class="sr-only">: ${label}</span>` : html`Mark read<span class="sr-only">: ${label}</span>`, { field: ['read', issue.read ? '0' : '1'], kind: 'quiet', key: 'm' })}
    </div>
  </li>`
}

function tag(text: string, kind = ''): Markup {
  return html`<span class="tag${kind}">${text}</span>`
}

/** Stars an issue, or takes the star away. */
export function starButton(path: string, starred: boolean, title: string): Markup {
  const label = html`<span aria-hidden="true">${starred ? '★' : '☆'}</span
    >&nbsp;${starred ? 'Starred' : 'Star'}<span class="sr-only">: ${title}</span>`
  return button(`${path}/mark`, label, {
    field: ['starred', starred ? '0' : '1'],
    kind: 'quiet',
    key: 's',
  })
}

export const SHOWS = ['unread', 'starred', 'all'] as const
export type Show = (typeof SHOWS)[number]

const NOTHING: Readonly<Record<Show, readonly [string, string]>> = {
  unread: ['All read', 'New issues appear here by themselves while this page is open.'],
  starred: ['Nothing starred', 'Star an issue to find it here again, also when it is read.'],
  all: ['No issues yet', 'They appear here as soon as a peer that has them is online.'],
}

/** Issues of all newsletters, or what to do where there are none. */
export function inboxPage(
  shown: Show,
  issues: Slice<IssueSummary>,
  newsletters: readonly NewsletterSummary[],
  within = '',
): Markup {
  const followed = newsletters.filter((it) => it.roles.includes('subscriber'))
  const unread = unreadIn(newsletters)
  const head = html`<header class="page-head">
    <h1>Inbox</h1>
    <p class="lede" data-live="count">
      ${unread === 0 ? 'Nothing unread' : html`${count(unread, 'unread issue')} in ${count(newsletters.filter((it) => it.unread > 0).length, 'newsletter')}`}
    </p>
    ${followed.length === 0 ? '' : html`<nav class="tabs" aria-label="Show">${SHOWS.map((it) => html`<a href="${inboxPath(it, within)}" ${it === shown ? html` aria-current="page"` : ''}>${it.charAt(0).toUpperCase() + it.slice(1)}</a>`)}</nav>`}
    <div class="filter">
      ${followed.length < 2 ? '' : filterForm(shown, followed, within)}
      ${shown !== 'unread' || issues.total === 0 ? '' : button('/read', 'Mark all as read', { field: ['in', within] })}
    </div>
  </header>`
  if (followed.length === 0 && issues.total === 0) {
    return html`${head}
      <div data-live="list">
        ${empty(
          'No newsletters yet',
          'Paste a link that somebody gave you to preview a newsletter, then follow it.',
          html`<a class="button primary" href="/add">Add a newsletter</a>`,
        )}
      </div>`
  }
  if (issues.total === 0) {
    const [title, text] = NOTHING[shown]
    return html`${head}
      <div data-live="list">${empty(title, text)}</div>`
  }
  const path = inboxPath(shown, within)
  return html`${head}
    <div data-live="list">
      ${issueList(issues.items, { from: true })}${pager(path, issues.page, issues.pages)}
    </div>`
}

/** How many issues are unread. */
export function unreadIn(newsletters: readonly NewsletterSummary[]): number {
  return newsletters.reduce((sum, it) => sum + it.unread, 0)
}

function inboxPath(shown: Show, within: string): string {
  const query = new URLSearchParams({
    ...(shown === 'unread' ? {} : { show: shown }),
    ...(within === '' ? {} : { in: within }),
  }).toString()
  return query === '' ? '/' : `/?${query}`
}

function filterForm(shown: Show, followed: readonly NewsletterSummary[], within: string): Markup {
  return html`<form action="/">
    <input type="hidden" name="show" value="${shown}" />
    <label for="in">Newsletter</label>
    <select id="in" name="in">
      <option value="">All</option>
      ${newsletterOptions(followed, within, ({ unread }) => (unread > 0 ? ` (${unread})` : ''))}
    </select>
    <button class="button plain">Show</button>
  </form>`
}

/** All newsletters of the library. */
export function newslettersPage(newsletters: readonly NewsletterSummary[]): Markup {
  const heading = pageHead(
    'Newsletters',
    `${count(newsletters.length, 'newsletter')} in your library`,
  )
  if (newsletters.length === 0) {
    return html`${heading}${empty(
      'Your library is empty',
      'Follow a newsletter by its link, or start your own from the command line.',
      html`<a class="button primary" href="/add">Add a newsletter</a>`,
    )}`
  }
  return html`${heading}
    <ul class="cards">
      ${newsletters.map(
        (it) =>
          html`<li class="card">
            <h2>
              <a href="${newsletterPath(it.feedKey)}">${words(it.title ?? 'Not downloaded yet')}</a>
              ${it.lookAlike === undefined ? '' : html`<code>${it.feedKey.slice(0, 8)}</code>`}
            </h2>
            ${it.description === undefined ? '' : html`<p class="summary">${words(it.description)}</p>`}
            <p class="over">
              ${count(it.issues, 'issue')}${it.unread > 0 ? html` · <strong>${it.unread} unread</strong>` : ''}
              · ${it.roles.map((role) => role).join(', ')}${it.private ? ' · private' : ''}
            </p>
            ${it.problem === undefined ? '' : html`<p class="problem">${words(it.problem.message)}</p>`}
          </li>`,
      )}
    </ul>`
}
