import { html } from 'hono/html'
import type { HyperletterError } from '../../errors.ts'
import type { Output } from '../../api/contract/contract.ts'
import { singleLine } from '../../render/plain.ts'
import { newsletterOptions } from './fields.ts'
import {
  count,
  date,
  empty,
  issuePath,
  newsletterPath,
  pageHead,
  words,
  type Markup,
  type NewsletterSummary,
} from './parts.ts'

/** As many are looked for. */
export const MOST_FOUND = 50

type Found = Output<'search'>[number]

export interface SearchView {
  readonly query: string
  /** Feed key of the only newsletter to look in. */
  readonly within: string
  readonly since: string
  readonly newsletters: readonly NewsletterSummary[]
  readonly found?: readonly Found[]
  readonly error?: HyperletterError
}

/** Words in, issues out; a plain form, so that every search has an address. */
export function searchPage(view: SearchView): Markup {
  const { query, within, since, newsletters, found, error } = view
  return html`${pageHead('Search', 'Every issue stored on this machine, also offline')}
    <form action="/search" class="search-form" role="search">
      <label for="query">Words</label>
      <div class="field">
        <input
          id="query"
          type="search"
          name="q"
          maxlength="512"
          value="${query}"
          autocomplete="off"
          ${found === undefined && error === undefined ? html` autofocus` : ''}
        /><button class="button primary">Search</button>
      </div>
      <div class="field narrow">
        <div>
          <label for="in">In</label
          ><select id="in" name="in">
            <option value="">all newsletters</option>
            ${newsletterOptions(newsletters, within)}
          </select>
        </div>
        <div>
          <label for="since">Since</label
          ><input id="since" type="date" name="since" value="${since}" />
        </div>
      </div>
    </form>
    ${error === undefined ? '' : html`<p class="problem"><bdi>${singleLine(error.message)}</bdi></p>`}
    ${found === undefined ? '' : results(found)}`
}

function results(found: readonly Found[]): Markup {
  if (found.length === 0) {
    return empty(
      'Nothing found',
      'Try other words, or fewer of them. Only issues stored on this machine are searched.',
    )
  }
  return html`<p class="over" role="status">
      ${found.length < MOST_FOUND ? `${count(found.length, 'issue')} found` : `The ${MOST_FOUND} best matches; add words to narrow the search`}
    </p>
    <ol class="issues">
      ${found.map(
        (it) =>
          html`<li class="item${it.read ? ' read' : ''}">
            <p class="over">
              <a class="from" href="${newsletterPath(it.feedKey)}">${words(it.newsletter)}</a> ·
              <span>No. ${it.number}</span> ·
              ${date(it.publishedAt)}${it.starred ? html` <span class="star" role="img" aria-label="starred">★</span>` : ''}
            </p>
            <h2>
              <a class="open" href="${issuePath(it.feedKey, it.number)}">${words(it.title)}</a>
            </h2>
            <p class="excerpt" dir="auto">${highlighted(it.excerpt)}</p>
          </li>`,
      )}
    </ol>`
}

function highlighted({ text, highlights }: Found['excerpt']): Markup[] {
  const parts: Markup[] = []
  let from = 0
  for (const [start, end] of highlights) {
    parts.push(
      html`${singleSpace(text.slice(from, start))}<mark
          >${singleSpace(text.slice(start, end))}</mark
        >`,
    )
    from = end
  }
  return [...parts, html`${singleSpace(text.slice(from))}`]
}

// As `singleLine`, but a part of a line keeps the spaces at its ends.
function singleSpace(text: string): string {
  return singleLine(`|${text}|`).slice(1, -1)
}
