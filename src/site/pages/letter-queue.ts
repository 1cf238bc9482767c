import { html } from 'hono/html'
import type { Output } from '../../api/contract/contract.ts'
import { field, textField } from './fields.ts'
import {
  answered,
  answerOf,
  letterForm,
  letterList,
  plain,
  sender,
  type LetterDraft,
} from './letters.ts'
import type { Slice } from './lists.ts'
import {
  button,
  count,
  date,
  issuePath,
  newsletterPath,
  pageHead,
  pager,
  words,
  type Markup,
  type View,
} from './parts.ts'

type Letters = Output<'listLetters'>
type Waiting = Letters['waiting'][number]
type Mine = Letters['mine'][number]

/** Letters that one page has: the others move up as these are decided. */
const SHOWN_WAITING = 25
const SHOWN_MINE = 50

export interface LettersView {
  readonly title: string | undefined
  readonly letters: Letters
  readonly published: Slice<Letters['published'][number]>
  /** It is published here, and whoever looks at it may decide. */
  readonly isOwn: boolean
  readonly draft: LetterDraft
}

/** All letters of a newsletter: for its author those that wait, for a reader what became of theirs. */
export function lettersPage(view: View, shown: LettersView): Markup {
  const { title, letters, published, isOwn, draft } = shown
  const { feedKey, wanted, mine, waiting } = letters
  const path = newsletterPath(feedKey)
  const whose = html`${isOwn ? 'From readers of' : 'To the author of'}
    <a data-key="u" href="${path}">${words(title ?? feedKey.slice(0, 8))}</a>`
  return html`${pageHead('Letters', whose, wanted ? '' : notWanted(path, isOwn))}
  ${isOwn ? queue(view, feedKey, waiting) : ''} ${isOwn ? '' : own(draft, mine)}
  ${
    isOwn || !wanted
      ? ''
      : html`<details class="panel writing" ${mine.length === 0 ? html`open` : ''}>
          <summary>Write a letter</summary>
          ${letterForm({ ...draft, letters: published.items.filter((it) => it.issue === undefined) })}
        </details>`
  }
  ${isOwn ? blockedSenders(feedKey, letters.blocked) : ''}
  ${isOwn && wanted ? admission(draft, letters.codes) : ''}
  ${
    published.total === 0
      ? ''
      : html`<section class="letters" aria-labelledby="published">
          <h2 id="published">Published (${published.total})</h2>
          ${letterList(published.items, {
            about: about(feedKey),
            ...(isOwn && { after: ownLetter(view, feedKey) }),
          })}
          ${pager(`${path}/letters`, published.page, published.pages)}
        </section>`
  }`
}

function notWanted(path: string, isOwn: boolean): Markup {
  return isOwn
    ? html`<p class="amendment">
        Readers cannot write to you: you do not take letters.
        <a href="${path}/edit#letters">Change that in the profile</a>
      </p>`
    : html`<p class="amendment">The author takes no letters now.</p>`
}

function about(feedKey: string) {
  return ({ issue }: { readonly issue?: number | undefined }) =>
    issue === undefined
      ? ''
      : html` about <a href="${issuePath(feedKey, issue)}#letters">issue ${issue}</a>`
}

function queue(view: View, feedKey: string, waiting: readonly Waiting[]): Markup {
  const shown = waiting.slice(0, SHOWN_WAITING)
  return html`<section class="letter-queue" data-live="waiting" aria-labelledby="waiting">
    <h2 id="waiting">Waiting for you (${waiting.length})</h2>
    ${
      waiting.length === 0
        ? html`<p class="over">New letters appear here by themselves while this page is open.</p>`
        : html`<p class="over keys-hint">
            <kbd>j</kbd> <kbd>k</kbd> next and previous, <kbd>a</kbd> accept, <kbd>r</kbd> answer,
            <kbd>d</kbd> decline, <kbd>b</kbd> block
          </p>`
    }
    <ol class="issues">
      ${shown.map((it) => waitingItem(view, feedKey, it))}
    </ol>
    ${waiting.length > shown.length ? html`<p class="over">${count(waiting.length - shown.length, 'more letter')} after these.</p>` : ''}
  </section>`
}

function waitingItem(view: View, feedKey: string, letter: Waiting): Markup {
  const { number, known, writtenAt, text, withdraw, private: isPrivate = false } = letter
  const isForAll = !isPrivate && withdraw === undefined
  const decide = (value: string, label: string, key: string, said: string, kind = 'plain') =>
    html`<button
      class="button ${kind}"
      formaction="/n/${feedKey}/letters/${number}"
      name="decision"
      value="${value}"
      data-key="${key}"
      data-said="Letter ${number} is ${said}."
    >
      ${label}
    </button>`
  return html`<li class="item letter" id="waiting-${number}">
    <p class="over">
      <a class="open" href="#waiting-${number}">Letter ${number}</a> from
      ${sender(letter)}${about(feedKey)(letter)}, ${date(writtenAt)}${answered(letter)}
      ${known ? html`<span class="tag amended">known sender</span>` : ''}
      ${isPrivate ? html`<span class="tag gone">for you alone</span>` : ''}
    </p>
    ${withdraw === undefined ? '' : html`<p><strong>Wants letter ${withdraw} back.</strong> It is shown no more once you withdraw it.</p>`}
    ${plain(text)}
    <form method="post">
      <input type="hidden" name="token" value="${view.formToken}" />
      ${
        isForAll
          ? html`<label for="answer-${number}"
                >Your answer, published below the letter (optional)</label
              >
              <textarea id="answer-${number}" name="answer" rows="2" maxlength="4096"></textarea>`
          : ''
      }
      ${withdraw === undefined ? '' : html`<input type="hidden" name="withdraw" value="${withdraw}" />`}
      <p class="buttons">
        ${isForAll ? decide('accept', 'Accept and publish', 'a', 'published', 'primary') : ''}
        ${withdraw === undefined ? '' : decide('withdraw', `Withdraw letter ${withdraw}`, 'a', 'answered: the other one is withdrawn', 'primary')}
        ${decide('decline', isPrivate ? 'Put away' : 'Decline', 'd', isPrivate ? 'put away' : 'declined')}
        ${decide('block', 'Block the sender', 'b', 'declined, and its sender blocked', 'quiet')}
      </p>
    </form>
  </li>`
}

/** What its author can still do with a letter that is published. */
function ownLetter(view: View, feedKey: string) {
  return ({ number, answer }: Letters['published'][number]) =>
    html`<details class="writing">
      <summary>Answer or withdraw letter ${number}…</summary>
      <form method="post" class="draft-form">
        <input type="hidden" name="token" value="${view.formToken}" />
        ${textField(`reply-${number}`, 'Your answer; the newest counts', answer, { name: 'answer', rows: 2, maxlength: 4096 })}
        <p class="buttons">
          <button
            class="button plain"
            formaction="/n/${feedKey}/letters/${number}"
            name="decision"
            value="answer"
          >
            Publish the answer
          </button>
          <button
            class="button quiet"
            formaction="/n/${feedKey}/letters/${number}"
            name="decision"
            value="take-back"
          >
            Withdraw the letter: nobody is shown it any more
          </button>
        </p>
      </form>
    </details>`
}

const STATES: Readonly<Record<Mine['state'], string>> = {
  waiting: 'On its way',
  received: 'Received by the author',
  published: 'Published',
  expired: 'Not received in 60 days',
}

function own(draft: LetterDraft, mine: readonly Mine[]): Markup | '' {
  if (mine.length === 0) return ''
  const { feedKey } = draft
  const newest = mine.toReversed().slice(0, SHOWN_MINE)
  const wantedBack = new Set(mine.map((it) => it.withdraw))
  return html`<section class="letters" data-live="mine" aria-labelledby="mine">
    <h2 id="mine">Yours (${mine.length})</h2>
    <ol>
      ${newest.map(
        (it) =>
          html`<li class="letter">
            <p class="over">
              <strong>${STATES[it.state]}</strong
              >${it.number === undefined ? '' : html` as ${publishedAs(feedKey, it)}`}${about(feedKey)(it)},
              ${date(it.writtenAt)}${answered(it)}${carried(it)}
              ${it.private === true ? html`<span class="tag">for the author alone</span>` : ''}
            </p>
            ${it.withdraw === undefined ? plain(it.text) : html`<p>You want letter ${it.withdraw} back.</p>`}
            ${it.obstacle === undefined ? '' : html`<p class="over">${it.obstacle.message}</p>`}
            ${answerOf(it)}
            ${it.number === undefined || wantedBack.has(it.number) ? '' : wantBack(draft, it.number)}
          </li>`,
      )}
    </ol>
  </section>`
}

function publishedAs(feedKey: string, { issue, number }: Mine): Markup {
  const page = issue === undefined ? '' : issuePath(feedKey, issue)
  return html`<a href="${page}#letter-${number ?? ''}">letter ${number ?? ''}</a>`
}

function wantBack({ feedKey, formToken }: LetterDraft, number: number): Markup {
  return html`<form method="post" action="/n/${feedKey}/letters">
    <input type="hidden" name="token" value="${formToken}" />
    <input type="hidden" name="draft" value="withdraw ${feedKey} ${number}" />
    <button class="button quiet" name="withdraw" value="${number}">
      Ask the author to withdraw letter ${number}
    </button>
  </form>`
}

function admission({ feedKey, formToken, draft }: LetterDraft, codes = 0): Markup {
  return html`<details class="writing">
    <summary>Codes for people who may always write (${codes})</summary>
    <form method="post" action="/n/${feedKey}/letters/admit">
      <input type="hidden" name="token" value="${formToken}" />
      <input type="hidden" name="draft" value="${draft}" />
      <p class="over">
        A code admits eight people, also when boxes are full or you take letters of nobody else.
      </p>
      <p class="buttons">
        <button class="button plain">Make a code</button>
        ${codes === 0 ? '' : html`<button class="button quiet" name="revoke" value="1">Take all codes back</button>`}
      </p>
    </form>
  </details>`
}

/** An admission code, which is shown this once. */
export function admissionPage(feedKey: string, code: string): Markup {
  return html`${pageHead('A code for eight people', 'Give it to those whose letters you want in any case.')}
    ${field('made', 'It is shown this once, and kept nowhere', { class: 'copy', readonly: true, value: code })}
    <p>
      <a class="button plain" href="${newsletterPath(feedKey)}/letters">Back to the letters</a>
    </p>`
}

function blockedSenders(feedKey: string, blocked: readonly string[]): Markup | '' {
  if (blocked.length === 0) return ''
  return html`<details class="writing">
    <summary>Blocked (${blocked.length})</summary>
    <ul class="rows">
      ${blocked.map(
        (from) =>
          html`<li>
            <code>${from.slice(0, 8)}</code>
            ${button(`/n/${feedKey}/letters/unblock`, html`Unblock<span class="sr-only"> ${from.slice(0, 8)}</span>`, { field: ['sender', from] })}
          </li>`,
      )}
    </ul>
  </details>`
}

function carried({ state, carriers }: Mine): string {
  if (state !== 'waiting') return ''
  return carriers === 0 ? ' · no peer has it yet' : ` · ${count(carriers, 'peer')} took it`
}
