import { html, raw } from 'hono/html'
import { headingsOf } from './content.ts'
import { starButton } from './lists.ts'
import {
  attachmentPath,
  button,
  count,
  date,
  groupedKey,
  issuePath,
  type Look,
  LOOKS,
  newsletterPath,
  singleLineOf,
  words,
  type IssueText,
  type IssueSummary,
  type Markup,
} from './parts.ts'
import { formatBytes } from '../../render/plain.ts'
import { letterForm, lettersOf, type LetterDraft } from './letters.ts'
import { copiesLine } from './copies.ts'

export interface IssueView {
  readonly issue: IssueText
  /** Safe HTML of its text. */
  readonly content: string
  /** What lists say of it. */
  readonly summary: IssueSummary | undefined
  readonly previous: IssueSummary | undefined
  readonly next: IssueSummary | undefined
  /** For its author, on the machine that publishes it. */
  readonly isOwn?: boolean
  /** What a letter about it begins with, where one may be written. */
  readonly letter?: LetterDraft | undefined
}

/** One issue, set for reading. */
export function issuePage(
  { issue, content, summary, previous, next, isOwn = false, letter }: IssueView,
  look: Look = { text: LOOKS.text[0], width: LOOKS.width[0] },
): Markup {
  const read = summary?.read ?? false
  const path = issuePath(issue.feedKey, issue.number)
  return article(
    {
      issue,
      content,
      home: newsletterPath(issue.feedKey),
      seal: seal(issue),
      fileUrl: (name) => attachmentPath(path, name),
      tools: lookButtons(look),
    },
    html`${lettersOf(issue.letters)}
      ${letter === undefined ? '' : writing({ ...letter, letters: issue.letters })}
      <div id="end">
        <div class="issue-actions" data-live="marks">
          ${button(`${path}/mark`, read ? 'Mark as unread' : 'Mark as read', { field: ['read', read ? '0' : '1'], kind: read ? 'plain' : 'primary', key: 'm' })}
          ${starButton(path, summary?.starred ?? false, singleLineOf(issue.title))}
        </div>
        ${isOwn ? ownIssue(issue, summary?.copies ?? 0) : ''}
      </div>
      ${neighbours(previous, next, (number) => issuePath(issue.feedKey, number))}`,
  )
}

function writing(letter: LetterDraft): Markup {
  return html`<details class="panel writing">
    <summary>
      Write a letter about this issue${letter.letters?.length ? ', or answer one' : ''}
    </summary>
    ${letterForm(letter)}
  </details>`
}

/** How many readers hold it, and what its author can still do. */
function ownIssue(issue: IssueText, copies: number): Markup {
  const path = issuePath(issue.feedKey, issue.number)
  return html`<section class="own" aria-label="Your issue">
    <p data-live="copies" ${copies === 0 ? html`data-arriving` : ''}>${copiesLine(copies)}</p>
    ${
      issue.retracted === undefined
        ? html`<p class="buttons">
            ${button(`${path}/amend`, 'Amend…')}
            <a class="button plain" href="${path}/retract">Retract…</a>
          </p>`
        : ''
    }
  </section>`
}

export interface ArticleView {
  readonly issue: IssueText
  /** Safe HTML of its text. */
  readonly content: string
  /** Address of the newsletter. */
  readonly home: string
  /** What is known of its signature. */
  readonly seal: Markup
  /** Address of an attachment; undefined where there is none. */
  readonly fileUrl: (name: string) => string | undefined
  /** What changes how it is set. */
  readonly tools?: Markup
}

/** Head, text and attachments of an issue. */
export function article(view: ArticleView, after: Markup | '' = ''): Markup {
  const { issue, content, home, seal: signature, fileUrl, tools } = view
  const authors = (issue.authors ?? []).map((it) => singleLineOf(it.name)).join(', ')
  const language = issue.language === undefined ? '' : html` lang="${issue.language}"`
  return html`<article class="issue">
<header class="issue-head">
<p class="over"><a class="from" data-key="u" href="${home}">${words(issue.newsletter)}</a> · No. ${issue.number} · ${date(issue.publishedAt, 'long')}</p>
<h1${language} dir="auto">${singleLineOf(issue.title)}</h1>
${issue.summary === undefined ? '' : html`<p class="lede" ${language} dir="auto">${singleLineOf(issue.summary)}</p>`}
<p class="over">${authors === '' ? '' : html`by <bdi>${authors}</bdi>`}${issue.retracted === undefined ? html`${authors === '' ? '' : ' · '}${readingTime(issue)}` : ''}</p>
${marks(issue)}
${signature}
${contents(content)}
${tools ?? ''}
</header>
<div class="prose"${language} dir="auto">
${raw(content)}
</div>
${attachments(issue, fileUrl)}
${after}
</article>`
}

const LOOK_NAMES: Readonly<Record<keyof typeof LOOKS, string>> = {
  text: 'Text size',
  width: 'Line width',
}

function lookButtons(look: Look): Markup {
  const names = ['text', 'width'] as const
  return html`<details class="look">
    <summary>Text size and width</summary>
    ${names.map(
      (name) =>
        html`<div role="group" aria-label="${LOOK_NAMES[name]}">
          <span aria-hidden="true">${LOOK_NAMES[name]}</span>
          ${LOOKS[name].map(
            (it) =>
              html`<button
                form="act"
                formaction="/look"
                class="button quiet"
                name="${name}"
                value="${it}"
                aria-pressed="${it === look[name] ? 'true' : 'false'}"
              >
                ${it}
              </button>`,
          )}
        </div>`,
    )}
  </details>`
}

/** A text that is no longer than this fits a few screens. */
const LONG_TEXT = 6_000

const FEW_HEADINGS = 3

/** The headings of a long text, to jump to. */
function contents(content: string): Markup | '' {
  if (content.length < LONG_TEXT) return ''
  const headings = headingsOf(content)
  if (headings.length < FEW_HEADINGS) return ''
  const top = Math.min(...headings.map((it) => it.level))
  return html`<details class="contents">
    <summary>Contents</summary>
    <nav aria-label="Contents">
      <ol>
        ${headings.map((it) => html`<li class="level-${Math.min(it.level - top, 2)}"><a href="#${it.id}">${words(it.text)}</a></li>`)}
      </ol>
    </nav>
  </details>`
}

/** Links to the issues before and after one. */
export function neighbours(
  previous: Pick<IssueSummary, 'number' | 'title'> | undefined,
  next: Pick<IssueSummary, 'number' | 'title'> | undefined,
  addressOf: (number: number) => string,
): Markup {
  return html`<nav class="neighbours" aria-label="Issues of this newsletter">
    ${previous === undefined ? html`<span></span>` : html`<a rel="prev" data-key="k" href="${addressOf(previous.number)}"><span>← Previous, no. ${previous.number}</span> ${words(previous.title)}</a>`}
    ${next === undefined ? html`<span></span>` : html`<a rel="next" data-key="j" href="${addressOf(next.number)}"><span>Next, no. ${next.number} →</span> ${words(next.title)}</a>`}
  </nav>`
}

function readingTime({ markdown }: IssueText): string {
  return `${count(Math.max(1, Math.round(markdown.split(/\s+/).length / 230)), 'minute')} to read`
}

function marks({ amendedAt, note, editions, retracted }: IssueText): Markup | '' {
  if (retracted !== undefined) {
    return html`<div class="problem">
      <p>
        <strong>Retracted</strong> by its author on ${date(retracted.at, 'long')}. The text is gone.
      </p>
      ${retracted.reason === undefined ? '' : html`<p>${words(retracted.reason)}</p>`}
    </div>`
  }
  if (amendedAt === undefined) return ''
  return html`<div class="amendment">
    <p><strong>Amended</strong> on ${date(amendedAt, 'long')}; this is edition ${editions}.</p>
    ${note === undefined ? '' : html`<p>${words(note)}</p>`}
  </div>`
}

function seal(issue: IssueText): Markup {
  const key = html`<code class="key">${groupedKey(issue.feedKey)}</code>`
  return issue.verified
    ? html`<details class="seal good">
        <summary>
          Signature verified <span>against the key ${issue.feedKey.slice(0, 8)}…</span>
        </summary>
        <p>
          Every block of this issue was checked just now against the key of the newsletter, ${key}.
          Nobody but the holder of that key can have written it, and nobody has changed it since.
        </p>
      </details>`
    : html`<details class="seal bad" open>
        <summary>Signature not verified</summary>
        <p>
          This text could not be verified against the key of the newsletter, ${key}. Do not rely on
          it.
        </p>
      </details>`
}

function attachments(issue: IssueText, fileUrl: ArticleView['fileUrl']): Markup | '' {
  if (issue.attachments.length === 0) return ''
  return html`<section class="attachments" aria-labelledby="attached">
    <h2 id="attached">Attached</h2>
    <ul>
      ${issue.attachments.map((it) => {
        const url = fileUrl(it.name)
        return html`<li>
          ${url === undefined ? words(it.name) : html`<a href="${url}">${words(it.name)}</a>`}
          <span>${formatBytes(it.bytes)}${it.held ? '' : ', not downloaded yet'}</span>
        </li>`
      })}
    </ul>
  </section>`
}
