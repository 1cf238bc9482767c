import { html } from 'hono/html'
import type { Output } from '../../api/contract/contract.ts'
import { field } from './fields.ts'
import { plain, sender } from './letters.ts'
import { button, count, newsletterPath, pageHead, words, type Markup, type View } from './parts.ts'

export type ShownLine = Extract<Output<'followTalk'>, { event: 'line' }>

export interface TalkView {
  readonly feedKey: string
  readonly title: string | undefined
  readonly lines: readonly ShownLine[]
  readonly peers: number
  /** What its reader was called last. */
  readonly as: string
}

const time = new Intl.DateTimeFormat('en', {
  timeStyle: 'short',
  hourCycle: 'h23',
  timeZone: 'UTC',
})

/** What is said now, newest first. */
export function talkPage(view: View, { feedKey, title, lines, peers, as }: TalkView): Markup {
  const path = `${newsletterPath(feedKey)}/talk`
  const readers = html`With those who read
    <a data-key="u" href="${newsletterPath(feedKey)}">${words(title ?? feedKey.slice(0, 8))}</a>
    now`
  const warning = html`<p class="amendment">
    <strong>Not moderated, not kept.</strong> Readers pass lines on to each other, signed with a key
    that stands for you at this newsletter only. They are in memory for 24 hours at most. Peers see
    your address.
  </p>`
  return html`${pageHead('Conversation', readers, warning)}
    <form method="post" action="${path}" class="draft-form talk-form" data-stays>
      <input type="hidden" name="token" value="${view.formToken}" />
      ${field('as', 'What you want to be called (optional)', { value: as, maxlength: 64, autocomplete: 'nickname' })}
      ${field('line', 'A line for everybody', { name: 'text', required: true, maxlength: 1000, autocomplete: 'off' })}
      <p><button class="button primary">Say it</button></p>
    </form>
    <section class="letters" aria-label="Lines" data-follow="${path}/events">
      <div data-live="lines">
        <p class="over">
          ${peers === 0 ? 'Nobody else is connected.' : `${count(peers, 'peer')} connected.`}
        </p>
        <ol reversed>
          ${lines.toReversed().map((it) => line(it, path))}
        </ol>
      </div>
    </section>`
}

function line(said: ShownLine, path: string): Markup {
  const { from, own, text, writtenAt } = said
  return html`<li class="letter line">
    <p class="over">
      <time datetime="${writtenAt}">${time.format(new Date(writtenAt))}</time> UTC ${sender(said)}
      ${own === true ? html`<span class="tag">you</span>` : button(`${path}/hide`, html`Hide<span class="sr-only"> ${from.slice(0, 8)}</span>`, { field: ['sender', from], kind: 'quiet' })}
    </p>
    ${plain(text)}
  </li>`
}

/** For a conversation that its author has not opened. */
export function closedTalkPage(feedKey: string, title: string | undefined): Markup {
  return html`<section class="empty">
    <h1>No conversation</h1>
    <p>The author of ${words(title ?? feedKey.slice(0, 8))} has not opened one.</p>
    <p><a class="button plain" data-key="u" href="${newsletterPath(feedKey)}">Back</a></p>
  </section>`
}
