import { html, raw } from 'hono/html'
import type { Output } from '../../api/contract/contract.ts'
import type { FeedEntry } from '../syndication/document.ts'
import { article } from './issue.ts'
import { editor, publishPanel, type Publishing } from './publish.ts'
import {
  attachmentPath,
  count,
  date,
  newsletterPath,
  singleLineOf,
  words,
  type Markup,
  type View,
} from './parts.ts'
import { formatBytes } from '../../render/plain.ts'

type Preview = Extract<Output<'previewDraft'>, { event: 'preview' }>
type Refused = Extract<Output<'previewDraft'>, { event: 'refused' }>

/** How a draft may be looked at. */
export const VIEWS = ['desk', 'phone', 'feed', 'mail'] as const

export interface PreviewView {
  /** Of the page. */
  readonly path: string
  readonly as: (typeof VIEWS)[number]
  readonly shown:
    | (Preview & {
        /** Safe HTML of the text without its title. */
        readonly content: string
        readonly entry: FeedEntry
      })
    | undefined
  /** Why it cannot be published, and so not shown. */
  readonly refused: Refused | undefined
  readonly publishing: Publishing
}

const LABELS = { desk: 'Desk', phone: 'Phone', feed: 'Feed', mail: 'Mail' } as const

/** A draft as readers will see it, what looks wrong, and what it takes to publish it. */
export function previewPage(
  view: View,
  { path, as, shown, refused, publishing }: PreviewView,
): Markup {
  const tabs = VIEWS.map(
    (it) =>
      html`<a
        href="${it === 'desk' ? path : `${path}?as=${it}`}"
        ${it === as ? html` aria-current="page"` : ''}
        >${LABELS[it]}</a
      >`,
  )
  return html`<div data-follow="${path}/events" class="drafting">
    <div class="drafting-text">
      <div data-live="findings">
        ${refused === undefined ? '' : cannot(refused)}
        ${shown === undefined ? '' : findings(shown)}
      </div>
      ${editor(view, path, publishing)}
    </div>
    <div class="drafting-view">
      <nav class="tabs" aria-label="How readers see it">${tabs}</nav>
      <div data-live="draft">${shown === undefined ? '' : VIEW[as](shown, path)}</div>
    </div>
    ${publishPanel(path, shown, publishing)}
  </div>`
}

function cannot({ message, hint }: Refused): Markup {
  return html`<section class="problem" aria-live="polite">
    <h1>Not publishable as it is</h1>
    <p>${singleLineOf(message)}</p>
    ${hint === undefined ? '' : html`<p>${singleLineOf(hint)}</p>`}
  </section>`
}

/** What looks wrong with a draft; also said where nothing does. */
function findings({ issue, findings: found, sizeBytes }: Preview): Markup {
  const files = issue.attachments.length
  const facts = `Issue ${issue.number}, ${formatBytes(sizeBytes)}${files === 0 ? '' : ` with ${count(files, 'file')}`}`
  return html`<section class="findings ${found.length === 0 ? 'good' : ''}" aria-live="polite">
    <p>
      <strong
        >${found.length === 0 ? 'Nothing looks wrong.' : `${count(found.length, 'thing')} to look at`}</strong
      >
      <span class="over">${facts} of ${words(issue.newsletter)}</span>
    </p>
    ${
      found.length === 0
        ? ''
        : html`<ul>
            ${found.map(
              ({ line, message }) =>
                html`<li>
                  ${line === undefined ? '' : html`<b>Line ${line}</b> `}<bdi
                    >${singleLineOf(message)}</bdi
                  >
                </li>`,
            )}
          </ul>`
    }
  </section>`
}

type Shown = NonNullable<PreviewView['shown']>

const VIEW: Readonly<Record<PreviewView['as'], (shown: Shown, path: string) => Markup>> = {
  desk: page,
  phone: (...shown) => html`<div class="phone-frame">${page(...shown)}</div>`,
  feed: ({ entry }) =>
    html`<article class="app-frame">
      <p class="over">${words(entry.source.title)} · ${date(entry.publishedAt.toISOString())}</p>
      <h1>${words(entry.title)}</h1>
      ${entry.authors.length === 0 ? '' : html`<p class="over">${entry.authors.map((it) => it.name).join(', ')}</p>`}
      ${entry.summary === undefined ? '' : html`<p class="over">${words(entry.summary)}</p>`}
      <div class="prose plain" dir="auto">${raw(entry.html)}</div>
    </article>`,
  mail: ({ entry }) =>
    html`<article class="app-frame mail">
      <dl>
        <div>
          <dt>From</dt>
          <dd>${words(entry.source.title)}</dd>
        </div>
        <div>
          <dt>Subject</dt>
          <dd><h1>${words(entry.title)}</h1></dd>
        </div>
        <div>
          <dt>Date</dt>
          <dd>${date(entry.publishedAt.toISOString(), 'long')}</dd>
        </div>
      </dl>
      <div class="prose plain" dir="auto">${raw(entry.html)}</div>
    </article>`,
}

function page({ issue, content }: Shown, path: string): Markup {
  return article({
    issue,
    content,
    home: newsletterPath(issue.feedKey),
    seal: html`<p class="seal draft">A draft: not signed, not published</p>`,
    fileUrl: (name) => attachmentPath(path, name),
  })
}
