import { html } from 'hono/html'
import type { HyperletterError } from '../../errors.ts'
import type { Output } from '../../api/contract/contract.ts'
import { newsletterOptions, selectField, textField } from './fields.ts'
import {
  button,
  count,
  empty,
  failure,
  issuePath,
  pageHead,
  singleLineOf,
  words,
  type Markup,
  type NewsletterSummary,
  type View,
} from './parts.ts'

export type Scheduled = Output<'listScheduled'>[number]

export interface WriteView {
  /** Those that are published from this machine. */
  readonly own: readonly NewsletterSummary[]
  readonly scheduled: readonly Scheduled[]
  /** Feed key of the newsletter that is chosen. */
  readonly to?: string
  /** What was typed before. */
  readonly text?: string
  readonly error?: HyperletterError
  /** A moment as people of this machine say it. */
  readonly local: (timestamp: string) => string
}

/** Choose or type a draft, see what waits to be published. */
export function writePage(view: View, shown: WriteView): Markup {
  const { own, scheduled, error } = shown
  return html`${pageHead('Write', 'Nothing is published before you have seen it as your readers will.')}
    ${error === undefined ? '' : failure(error)}
    ${
      own.length === 0
        ? empty(
            'No newsletter of yours yet',
            html`Make one in a terminal, which shows the 24 words that recover it:
              <code>hyperletter create "My newsletter"</code>`,
          )
        : draftForm(view, shown)
    }
    <div data-live="waiting">${scheduled.length === 0 ? '' : waiting(shown)}</div>`
}

function draftForm(view: View, { own, to, text = '' }: WriteView): Markup {
  const [only] = own
  return html`<form method="post" action="/write" enctype="multipart/form-data" class="draft-form">
    <input type="hidden" name="token" value="${view.formToken}" />
    ${
      own.length === 1
        ? html`<p>An issue of <strong>${words(only?.title ?? 'your newsletter')}</strong></p>
            <input type="hidden" name="to" value="${only?.feedKey}" />`
        : selectField('to', 'Newsletter', newsletterOptions(own, to))
    }
    <p class="drop">
      <label for="files">A Markdown file with its pictures, dropped here or chosen</label>
      <input id="files" type="file" name="files" multiple data-sends />
    </p>
    <details ${text === '' ? '' : html`open`}>
      <summary>Or type it here</summary>
      ${textField('text', 'Text in Markdown; its first heading is the title', text, { rows: 14 })}
    </details>
    <p><button class="button primary">Preview</button></p>
  </form>`
}

function waiting({ scheduled, local }: WriteView): Markup {
  return html`<section class="waiting" aria-labelledby="waiting">
    <h2 id="waiting">Scheduled</h2>
    <ul class="rows">
      ${scheduled.map((it) => html`<li>${waitingItem(it, local)}</li>`)}
    </ul>
  </section>`
}

function waitingItem(it: Scheduled, local: WriteView['local']): Markup {
  const { id, title, newsletter, attachments, published, problem } = it
  const files = attachments === 0 ? '' : ` with ${count(attachments, 'file')}`
  const name =
    published === undefined
      ? words(title)
      : html`<a href="${issuePath(it.feedKey, published.number)}">${words(title)}</a>`
  return html`<p>
      <strong>${name}</strong><br /><span class="over"
        >${newsletter === undefined ? '' : html`${words(newsletter)} · `}${
          published === undefined
            ? html`to be published on ${moment(it.at, local)}${files}`
            : html`published as no. ${published.number} on ${moment(published.at, local)}`
        }</span
      >
      ${
        problem === undefined || published !== undefined
          ? ''
          : html`<br /><span class="bad">${singleLineOf(problem.message)} It is tried again.</span>`
      }
    </p>
    ${
      published === undefined
        ? button(`/scheduled/${id}/cancel`, html`Cancel<span class="sr-only">: ${title}</span>`)
        : ''
    }`
}

function moment(timestamp: string, local: WriteView['local']): Markup {
  return html`<time datetime="${timestamp}">${local(timestamp)}</time>`
}
