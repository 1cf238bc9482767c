import { html } from 'hono/html'
import type { Output } from '../../api/contract/contract.ts'
import { choice, field } from './fields.ts'
import { count, words, type Markup, type View } from './parts.ts'

type Preview = Extract<Output<'previewDraft'>, { event: 'preview' }>

/** What it takes to publish a draft from its page. */
export interface Publishing {
  /** What stands for the draft as it is shown; what is published is that. */
  readonly seen: string
  /** What was typed; undefined where the draft is a file of its author's, which the author edits. */
  readonly text?: string | undefined
  /** Whether a browser sent it. */
  readonly isUpload: boolean
  /** The issue that it is a newer edition of. */
  readonly amends?: number | undefined
  /** How long it can be taken back; absent where nothing publishes it later. */
  readonly holdSeconds?: number | undefined
  /** Name of the time zone of this machine. */
  readonly zone: string
  /** When it is published, as its head says, in local time. */
  readonly publishAt?: string | undefined
}

/** The form that all fields of the page of a draft belong to, however they are spread over it. */
const FORM = 'draft'

/** The text to type on, with its pictures. */
export function editor(view: View, path: string, { isUpload, text }: Publishing): Markup {
  return html`<form
      id="${FORM}"
      method="post"
      action="${path}/text"
      enctype="multipart/form-data"
      ${text === undefined ? '' : html`data-draft`}
    >
      <input type="hidden" name="token" value="${view.formToken}" />
    </form>
    ${
      isUpload
        ? html`<details class="editor" ${text === undefined ? '' : html`open`}>
            <summary>Text and pictures</summary>
            ${
              text === undefined
                ? ''
                : html`<label for="text">Text in Markdown</label>
                    <textarea id="text" name="text" form="${FORM}" rows="12" spellcheck="true">
${text}</textarea>`
            }
            <label for="files">More pictures, or another text</label>
            <input id="files" type="file" name="files" form="${FORM}" multiple data-sends />
            <button form="${FORM}" class="button plain">Save and preview</button>
          </details>`
        : ''
    }`
}

/** When it is published, and the button that does so: only for what can be published, as it is shown. */
export function publishPanel(
  path: string,
  shown: Preview | undefined,
  publishing: Publishing,
): Markup {
  const { amends, zone } = publishing
  return html`<section class="publish" aria-labelledby="publish">
    <h2 id="publish">${amends === undefined ? 'Publish' : `Amend issue ${amends}`}</h2>
    ${
      amends === undefined
        ? times(publishing)
        : html`${field('note', 'What was changed, for readers (optional)', { form: FORM, maxlength: 4096 })}
            <p class="over">
              Readers see the new edition, and your note. The one before stays in the signed log,
              where it can be read and compared: an amendment does not remove anything.
            </p>`
    }
    <div data-live="confirm" data-zone="${zone}">
      ${shown === undefined ? html`<p>It cannot be published as it is.</p>` : confirm(shown, path, publishing)}
    </div>
  </section>`
}

function times({ holdSeconds, zone, publishAt }: Publishing): Markup {
  if (publishAt !== undefined && holdSeconds !== undefined)
    return html`<p>Its head says that it is published at ${publishAt} (${zone}).</p>`
  if (holdSeconds === undefined) {
    return html`<p class="over">
      It is signed at once. With <code>hyperletter daemon start</code> it can also wait for a time,
      or be taken back for a minute.
    </p>`
  }
  const when = (value: string, label: string, checked = false) =>
    choice(label, { type: 'radio', name: 'when', value, form: FORM, checked })
  const hold = holdSeconds % 60 === 0 ? count(holdSeconds / 60, 'minute') : `${holdSeconds} seconds`
  return html`<fieldset>
    <legend>When</legend>
    ${when('hold', `In ${hold}; until then you can cancel it`, true)} ${when('now', 'At once')}
    ${when('at', 'At this time')}
    <input
      type="datetime-local"
      name="at"
      form="${FORM}"
      aria-label="Date and time, ${zone}"
      data-chooses="at"
    />
    <span class="over">${zone}</span>
  </fieldset>`
}

function confirm({ issue, findings }: Preview, path: string, { seen, amends }: Publishing): Markup {
  const what =
    amends === undefined
      ? html`Publish as no. ${issue.number} of ${words(issue.newsletter)}`
      : 'Publish the new edition'
  return html`<input type="hidden" name="seen" value="${seen}" form="${FORM}" />
    ${
      findings.length === 0
        ? ''
        : choice(`${count(findings.length, 'thing')} to look at: publish it all the same`, {
            name: 'anyway',
            form: FORM,
            required: true,
          })
    }
    <p class="over">
      ${amends === undefined ? 'A signed issue stays in the log of every reader: it can be amended and retracted, not undone.' : ''}
    </p>
    <button form="${FORM}" formaction="${path}/publish" class="button primary">
      <span>${what}</span>
    </button>`
}
