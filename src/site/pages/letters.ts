import { html } from 'hono/html'
import type { HyperletterError } from '../../errors.ts'
import type { ShownLetter } from '../../format/letters/shown.ts'
import { stripControls } from '../../render/plain.ts'
import { choice, field, optionsOf, selectField, textField } from './fields.ts'
import { date, failure, singleLineOf, words, type Markup } from './parts.ts'

/**
 * What readers wrote about an issue, as far as its author accepted it.
 * @param isVerified here, by whoever shows it; else it is only said that they signed it.
 */
export function lettersOf(letters: readonly ShownLetter[] = [], isVerified = true): Markup | '' {
  if (letters.length === 0) return ''
  return html`<section class="letters" id="letters" aria-labelledby="letters-title">
    <h2 id="letters-title">Letters (${letters.length})</h2>
    ${letterList(letters, { isVerified })}
  </section>`
}

/** Published letters with the answers of the author, one level. */
export function letterList(
  letters: readonly ShownLetter[],
  {
    isVerified = true,
    about = () => '',
    after = () => '',
  }: {
    readonly isVerified?: boolean
    readonly about?: (letter: ShownLetter) => Markup | ''
    readonly after?: (letter: ShownLetter) => Markup | ''
  } = {},
): Markup {
  return html`<ol>
    ${letters.map(
      (it) =>
        html`<li class="letter" id="letter-${it.number}">
          <p class="over">
            <a href="#letter-${it.number}">Letter ${it.number}</a> from ${sender(it)}${about(it)},
            ${date(it.writtenAt)} · ${isVerified ? 'signature verified' : 'signed'}${answered(it)}
          </p>
          ${plain(it.text)} ${answerOf(it)} ${after(it)}
        </li>`,
    )}
  </ol>`
}

/** Which letter it answers. */
export function answered({ letter }: { readonly letter?: number | undefined }): Markup | '' {
  return letter === undefined
    ? ''
    : html` · answers <a href="#letter-${letter}">letter ${letter}</a>`
}

/** Who wrote a letter: a name may be anybody's, a key is not. */
export function sender({ name, from }: { name?: string | undefined; from: string }): Markup {
  const key = html`<code title="${from}">${from.slice(0, 8)}</code>`
  return name === undefined ? key : html`${words(name)} ${key}`
}

/** Somebody else's plain text: nothing in it is markup, a link, or loaded from anywhere. */
export function plain(text: string): Markup {
  const paragraphs = stripControls(text.replaceAll('\r\n', '\n'))
    .split(/\n{2,}/)
    .filter((it) => it.trim() !== '')
  return html`<div class="letter-text">
    ${paragraphs.map((it) => html`<p dir="auto">${it}</p>`)}
  </div>`
}

/** A letter that somebody writes. */
export interface LetterDraft {
  readonly feedKey: string
  readonly formToken: string
  /** The issue that it is about. */
  readonly issue?: number | undefined
  /** The published letter that it answers. */
  readonly letter?: number | undefined
  /** Those that it can answer. */
  readonly letters?: readonly ShownLetter[] | undefined
  /** Stands for it, so that it is sent once however often the form is. */
  readonly draft: string
  readonly text?: string | undefined
  readonly as?: string | undefined
  readonly private?: boolean | undefined
  /** An admission code that the author gave to its sender. */
  readonly code?: string | undefined
}

/** Longest text and name of a letter, in characters. */
const MAX_TEXT = 8_192
const MAX_NAME = 64

/** The form for a letter, which says what becomes of it. */
export function letterForm(letter: LetterDraft, error?: HyperletterError): Markup {
  const { feedKey, issue, formToken, draft, text, as, code } = letter
  return html`<form method="post" action="/n/${feedKey}/letters" class="draft-form write-letter">
    <input type="hidden" name="token" value="${formToken}" />
    <input type="hidden" name="draft" value="${draft}" />
    ${issue === undefined ? '' : html`<input type="hidden" name="issue" value="${issue}" />`}
    ${error === undefined ? '' : failure(error)} ${choiceOfLetter(letter)}
    ${textField('letter', 'Your letter, as plain text', text, { name: 'text', rows: 6, required: true, maxlength: MAX_TEXT })}
    ${field('as', 'What you want to be called (optional)', { value: as, maxlength: MAX_NAME, autocomplete: 'nickname' })}
    ${field('code', 'A code, if the author gave you one (needed once)', { value: code, maxlength: 64, autocomplete: 'off' })}
    <p>
      ${choice('For the author alone: do not publish it', { name: 'private', checked: letter.private })}
    </p>
    <ul class="effects">
      <li>It is sealed: nobody but the author can read it.</li>
      <li>
        Readers carry it for 14 days, until the author has it. They see its size, its time, and a
        key that stands for you at this newsletter only.
      </li>
      <li>
        The author decides whether it is published. Then every reader sees it, for good, with an
        answer if there is one.
      </li>
    </ul>
    <p><button class="button primary">Send the letter</button></p>
  </form>`
}

function choiceOfLetter({ letter, letters = [] }: LetterDraft): Markup | '' {
  const typed = letter === undefined || letters.some((it) => it.number === letter) ? [] : [letter]
  if (letters.length + typed.length === 0) return ''
  const nameOf = (it: ShownLetter) =>
    it.name === undefined ? it.from.slice(0, 8) : singleLineOf(it.name)
  const choices: [number | '', string][] = [
    ['', 'none'],
    ...typed.map((it): [number, string] => [it, `letter ${it}`]),
    ...letters.map((it): [number, string] => [it.number, `letter ${it.number} from ${nameOf(it)}`]),
  ]
  const label = 'The letter that it answers (optional)'
  return selectField('answers', label, optionsOf(choices, letter), 'letter')
}

/** What the author says to a letter, below it. */
export function answerOf({ answer }: { readonly answer?: string | undefined }): Markup | '' {
  if (answer === undefined) return ''
  return html`<div class="answer">
    <p class="over">The author answers</p>
    ${plain(answer)}
  </div>`
}
