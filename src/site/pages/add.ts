import { html } from 'hono/html'
import type { HyperletterError } from '../../errors.ts'
import type { Output } from '../../api/contract/contract.ts'
import { field, textField } from './fields.ts'
import {
  button,
  count,
  date,
  groupedKey,
  newsletterPath,
  pageHead,
  singleLineOf,
  words,
  type Markup,
  type View,
} from './parts.ts'

type Preview = Output<'previewNewsletter'>
export interface AddView {
  readonly link: string
  readonly preview?: Preview
  readonly error?: HyperletterError
  /** Why an OPML list was refused. */
  readonly listError?: HyperletterError
}

/** Paste a link, see what it is, follow it. */
export function addPage(view: View, { link, preview, error, listError }: AddView): Markup {
  return html`${pageHead('Add a newsletter', 'Paste a link to see a newsletter before you follow it.')}
    <form method="post" action="/add" class="search-form" data-busy="Asking peers for it…">
      <input type="hidden" name="token" value="${view.formToken}" />
      <label for="paste">Link, key or domain</label>
      <div class="field">
        <input
          id="paste"
          name="link"
          required
          maxlength="512"
          autocomplete="off"
          autocapitalize="off"
          spellcheck="false"
          placeholder="hyperletter://…"
          value="${link}"
          ${error === undefined ? '' : html` aria-describedby="add-problem" aria-invalid="true"`}
        /><button class="button primary">Preview</button>
      </div>
    </form>
    ${error === undefined ? '' : problem(link, error)}
    ${preview === undefined ? '' : card(link, preview)}
    ${preview === undefined ? importForm(view, listError) : ''}`
}

function importForm(view: View, error: HyperletterError | undefined): Markup {
  const written = html`A list that another app or <code>hyperletter web-feeds --opml</code> has
    written`
  return html`<details class="import" ${error === undefined ? '' : 'open'}>
    <summary>Add many at once, from an OPML list</summary>
    ${error === undefined ? '' : problem('', error)}
    <form method="post" action="/import" enctype="multipart/form-data">
      <input type="hidden" name="token" value="${view.formToken}" />
      ${field('opml-file', written, { type: 'file', name: 'file', accept: '.opml,.xml,text/x-opml,text/xml' })}
      ${textField('opml-text', 'or its text', '', { name: 'opml', rows: 4, spellcheck: 'false', autocomplete: 'off' })}
      <p><button class="button">Follow all</button></p>
    </form>
  </details>`
}

export function importedPage({ subscribed, skipped }: Output<'importOpml'>): Markup {
  const fresh = subscribed.filter((it) => !it.already).length
  const [title, lede] =
    subscribed.length === 0
      ? [
          'No newsletter in the list',
          'None of its entries is a Hyperletter link, or a feed of a reader like this one.',
        ]
      : fresh === 0
        ? ['Nothing new in the list', 'You follow or write all newsletters in it.']
        : [
            `You follow ${count(fresh, 'newsletter')} more`,
            'Issues arrive as soon as a peer that has them is online.',
          ]
  return html`${pageHead(title, lede)}
  ${
    subscribed.length === 0
      ? html`<p><a class="button" href="/add">Try another one</a></p>`
      : html`<ul class="imported">
          ${subscribed.map(
            (it) =>
              html`<li>
                <a href="${newsletterPath(it.feedKey)}"
                  >${words(it.title ?? groupedKey(it.feedKey))}</a
                >${it.already ? ', which you had already' : ''}
              </li>`,
          )}
        </ul>`
  }
  ${
    skipped.length === 0
      ? ''
      : html`<h2>Left out</h2>
          <ul class="imported">
            ${skipped.map(
              (it) =>
                html`<li>
                  ${words(it.title === '' ? it.url : it.title)}:
                  <bdi>${singleLineOf(it.message)}</bdi>
                </li>`,
            )}
          </ul>`
  }`
}

function problem(link: string, error: HyperletterError): Markup {
  const waits = error.code === 'NOT_AVAILABLE' || error.code === 'TIMEOUT'
  return html`<div class="problem" id="add-problem">
    <p>
      <strong>${waits ? 'Nobody answered.' : 'That did not work.'}</strong>
      <bdi>${singleLineOf(error.message)}</bdi>
    </p>
    ${
      waits
        ? html`<p>
              Check the link first: one wrong character names another newsletter. If it is right,
              the author or any reader has to be online once. You can follow it now: it is
              downloaded as soon as one of them is.
            </p>
            ${button('/subscribe/later', 'Follow anyway', { field: ['link', link] })}`
        : error.hint === undefined
          ? ''
          : html`<p>${singleLineOf(error.hint)}</p>`
    }
  </div>`
}

function card(link: string, preview: Preview): Markup {
  const authors = (preview.authors ?? []).map((it) => singleLineOf(it.name)).join(', ')
  return html`<section class="card preview" aria-label="Preview">
    <h2>${words(preview.title)}</h2>
    ${preview.description === undefined ? '' : html`<p class="summary">${words(preview.description)}</p>`}
    <p class="over">
      ${authors === '' ? '' : html`by <bdi>${authors}</bdi> · `}${count(preview.issues, 'issue')}${preview.private ? ' · private' : ''}
    </p>
    ${preview.newest === undefined ? '' : html`<p>Newest: <strong>${words(preview.newest.title)}</strong>, ${date(preview.newest.publishedAt, 'long')}</p>`}
    ${preview.name === undefined ? '' : html`<p>✓ <code>${preview.name}</code> and this newsletter name each other.</p>`}
    <p class="key">Signed by <code>${groupedKey(preview.feedKey)}</code></p>
    ${preview.lookAlike === undefined ? '' : html`<p class="problem">Another newsletter here has a title that looks like this one. Compare the keys.</p>`}
    ${
      preview.subscribed
        ? html`<p>
            You follow it already. <a href="${newsletterPath(preview.feedKey)}">Go to its page</a>
          </p>`
        : button('/subscribe', 'Follow', { field: ['link', link], kind: 'primary' })
    }
  </section>`
}
