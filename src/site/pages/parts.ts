import { html } from 'hono/html'
import type { HyperletterError } from '../../errors.ts'
import type { Output } from '../../api/contract/contract.ts'
import { singleLine } from '../../render/plain.ts'

/** A piece of markup in which every value was escaped. */
export type Markup = ReturnType<typeof html>

export type NewsletterSummary = Output<'listNewsletters'>[number]
export type IssueSummary = Output<'listIssues'>[number]
export type IssueText = Output<'readIssue'>

/** What every page knows of its request. */
export interface View {
  /** Path and query of the page, to come back to. */
  readonly path: string
  readonly theme: Theme
  /** On the machine itself, where its user may publish and change settings, too. */
  readonly isOwn?: boolean
  readonly look?: Look
  readonly formToken: string
  readonly stylePath: string
  readonly scriptPath: string
  readonly iconPath: string
}

/** How an issue is set; the first of each is what nobody chose. */
export const LOOKS = {
  text: ['normal', 'small', 'large', 'larger'],
  width: ['normal', 'narrow', 'wide'],
} as const
export type Look = { readonly [Name in keyof typeof LOOKS]: string }

export const THEMES = ['auto', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const longDate = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeZone: 'UTC' })
const shortDate = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeZone: 'UTC' })

const dayOfYear = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric', timeZone: 'UTC' })

const DATES = { long: longDate, short: shortDate, day: dayOfYear }

/** A date in words; `day` is one without its year. */
export function date(timestamp: string, style: keyof typeof DATES = 'short'): Markup {
  return html`<time datetime="${timestamp}">${DATES[style].format(new Date(timestamp))}</time>`
}

/** Somebody else's words on one line; whichever way they run, they do not turn their surroundings. */
export function words(text: string): Markup {
  return html`<bdi>${singleLine(text)}</bdi>`
}

/** The same without markup. */
export const singleLineOf = singleLine

/** A number with its noun. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`
}

/** Keys are compared by people in groups of four. */
export function groupedKey(key: string): string {
  return key.replace(/.{4}(?=.)/g, '$& ')
}

/** Address of a newsletter's page. */
export function newsletterPath(feedKey: string): string {
  return `/n/${feedKey}`
}

/** Address of an issue's page. */
export function issuePath(feedKey: string, number: number): string {
  return `/n/${feedKey}/${number}`
}

/** Address of an attachment below the address of its issue. */
export function attachmentPath(path: string, name: string): string {
  return `${path}/files/${name.split('/').map(encodeURIComponent).join('/')}`
}

/** What a button sends. */
interface ButtonOptions {
  /** Name and value of the one field that it sends beside the token. */
  readonly field?: readonly [string, string]
  readonly kind?: 'primary' | 'plain' | 'quiet'
  /** The key of the keyboard that presses it. */
  readonly key?: string
}

/** A button that changes something. It belongs to the one form of the page, so a long list stays small. */
export function button(
  action: string,
  label: string | Markup,
  { field, kind = 'plain', key }: ButtonOptions = {},
): Markup {
  const sends = field === undefined ? '' : html` name="${field[0]}" value="${field[1]}"`
  const pressedBy = key === undefined ? '' : html` data-key="${key}"`
  return html`<button form="act" formaction="${action}" class="button ${kind}" ${sends}${pressedBy}>
    ${label}
  </button>`
}

/** The form that all buttons of a page belong to. */
export function actions(view: View): Markup {
  return html`<form id="act" method="post" hidden>
    <input type="hidden" name="token" value="${view.formToken}" /><input
      type="hidden"
      name="back"
      value="${view.path}"
    />
  </form>`
}

/** The head of a page: its title, a sentence on it, and what else stands there. */
export function pageHead(
  title: Markup | string,
  lede: Markup | string = '',
  ...more: readonly (Markup | string)[]
): Markup {
  return html`<header class="page-head">
    <h1>${title}</h1>
    ${lede === '' ? '' : html`<p class="lede">${lede}</p>`} ${more}
  </header>`
}

/** Links to the pages of a long list. */
export function pager(path: string, page: number, pages: number): Markup | '' {
  if (pages <= 1) return ''
  const to = (number: number) => `${path}${path.includes('?') ? '&' : '?'}page=${number}`
  return html`<nav class="pager" aria-label="Pages">
    ${page > 1 ? html`<a rel="prev" href="${to(page - 1)}">← Newer</a>` : html`<span></span>`}
    <span>Page ${page} of ${pages}</span>
    ${page < pages ? html`<a rel="next" href="${to(page + 1)}">Older →</a>` : html`<span></span>`}
  </nav>`
}

/** What a page says where there is nothing to show. */
export function empty(title: string, text: string | Markup, action: Markup | '' = ''): Markup {
  return html`<section class="empty">
    <svg viewBox="0 0 64 48" width="64" height="48" aria-hidden="true">
      <path
        d="M4 8h56v34H4z M4 10l28 19L60 10"
        fill="none"
        stroke="currentColor"
        stroke-width="2"
        stroke-linejoin="round"
      />
    </svg>
    <h2>${title}</h2>
    <p>${text}</p>
    ${action}
  </section>`
}

/** Where a message says which operation an input was for. */
const OPERATION = /^[a-z]+[A-Z]\w*: /

/** Why something could not be done, and what to do. */
export function failure({ message, hint }: Pick<HyperletterError, 'message' | 'hint'>): Markup {
  return html`<div class="problem" role="alert">
    <p>
      <strong>That did not work.</strong> <bdi>${singleLine(message.replace(OPERATION, ''))}</bdi>
    </p>
    ${hint === undefined ? '' : html`<p>${singleLine(hint)}</p>`}
  </div>`
}
