import { html } from 'hono/html'
import type { Output } from '../../api/contract/contract.ts'
import { copiesChart } from './copies.ts'
import { issueList, type Slice } from './lists.ts'
import {
  button,
  count,
  date,
  empty,
  groupedKey,
  newsletterPath,
  pager,
  words,
  type IssueSummary,
  type Markup,
  type NewsletterSummary,
} from './parts.ts'
import { qrCode, supportPanel } from './support.ts'

type Carrying = Output<'status'>['newsletters'][number]

/** What more there is to know, and to do. */
interface Beside {
  /** It is published here, and whoever looks at it may do so. */
  readonly isOwn?: boolean
  /** Whoever looks at it may change what this device does with it. */
  readonly mayChange?: boolean
  /** Letters that wait for the author. */
  readonly waiting?: number | undefined
  readonly history?: Output<'copyHistory'>
  /** Milliseconds since 1970. */
  readonly now?: number
}

/** Profile, who carries it, how to pass it on, and its issues. */
export function newsletterPage(
  newsletter: NewsletterSummary,
  issues: Slice<IssueSummary>,
  carrying: Carrying | undefined,
  { isOwn = false, mayChange = false, waiting = 0, history = [], now = 0 }: Beside = {},
): Markup {
  const path = newsletterPath(newsletter.feedKey)
  const follows = newsletter.roles.includes('subscriber')
  return html`<header class="page-head" data-live="head">
      <h1>${words(newsletter.title ?? 'Not downloaded yet')}</h1>
      ${newsletter.description === undefined ? '' : html`<p class="lede">${words(newsletter.description)}</p>`}
      <p class="over">
        ${count(newsletter.issues, 'issue')} · ${newsletter.unread}
        unread${newsletter.private ? ' · private' : ''}${newsletter.roles.includes('author') ? ' · yours' : ''}
      </p>
      ${
        isOwn
          ? html`<p class="buttons">
              <a class="button primary" href="/write?to=${newsletter.feedKey}">Write an issue</a>
              <a class="button plain" href="${path}/edit">Edit the profile</a>
              ${conversation(newsletter, path)}
              <a class="button plain" href="${path}/letters"
                >Letters${waiting === 0 ? '' : ` (${waiting})`}</a
              >
            </p>`
          : mayChange && newsletter.takesLetters === true
            ? html`<p class="buttons">
                <a class="button plain" href="${path}/letters">Letters</a>
                ${conversation(newsletter, path)}
              </p>`
            : ''
      }
      <p class="jump"><a href="#about">Link, key and peers</a></p>
      ${newsletter.problem === undefined ? '' : html`<p class="problem"><strong>Something is wrong.</strong> ${words(newsletter.problem.message)}</p>`}
      ${
        newsletter.successor === undefined
          ? ''
          : html`<div class="amendment">
              <p>
                <strong>Continues elsewhere</strong> since
                ${date(newsletter.successor.issuedAt, 'long')}, signed with its recovery key.
              </p>
              <p>
                <a href="${newsletterPath(newsletter.successor.feedKey)}"
                  >Go to where it continues</a
                >
              </p>
            </div>`
      }
    </header>
    <div class="columns">
      <section aria-label="Issues" data-live="list">
        ${
          issues.total === 0
            ? empty(
                'No issues yet',
                follows
                  ? 'They appear here as soon as a peer that has them is online.'
                  : 'Nothing has been published, or nothing has arrived.',
              )
            : html`${issueList(issues.items, { from: false })}${pager(path, issues.page, issues.pages)}`
        }
      </section>
      <aside id="about" aria-label="About this newsletter">
        ${carriers(carrying, copiesChart(history, now))}
        <section class="panel">
          <h2>Pass it on</h2>
          <div class="qr">${qrCode(newsletter.link)}</div>
          <label for="link"
            >Link to follow it${newsletter.private ? '; anyone who has it can read' : ''}</label
          >
          <input id="link" class="copy" readonly value="${newsletter.link}" />
        </section>
        <section class="panel">
          <h2>Signed by</h2>
          <p class="key"><code>${groupedKey(newsletter.feedKey)}</code></p>
          <p>Every issue is checked against this key.</p>
          ${newsletter.lookAlike === undefined ? '' : html`<p>Another newsletter here has a title that looks like this one.</p>`}
          ${domains(newsletter)}${mayChange && newsletter.names !== undefined ? button(`${path}/verify`, 'Check these domains') : ''}
        </section>
        ${mayChange && follows ? petname(newsletter, path) : ''} ${supportPanel(newsletter)}
        <section class="panel">
          <h2>In your feed app</h2>
          <p><a href="/feeds#${newsletter.feedKey}">Addresses for feed readers</a></p>
        </section>
        ${
          follows
            ? html`<section class="panel">
                ${newsletter.unread === 0 ? '' : button(`${path}/read`, 'Mark all as read')}
                ${mayChange ? leaving(newsletter, path) : ''}
              </section>`
            : newsletter.roles.includes('author')
              ? ''
              : html`<section class="panel">
                  ${button('/subscribe', 'Follow', { field: ['link', newsletter.link], kind: 'primary' })}
                </section>`
        }
      </aside>
    </div>`
}

function conversation({ conversation: isOpen }: NewsletterSummary, path: string): Markup | '' {
  return isOpen === true ? html`<a class="button plain" href="${path}/talk">Conversation</a>` : ''
}

/** The domains that the author names: asked only when the reader presses the button, because a domain sees who asks. */
function domains({ names = [] }: NewsletterSummary): Markup | '' {
  if (names.length === 0) return ''
  return html`<ul class="domains">
    ${names.map(
      ({ name, verified, checkedAt }) =>
        html`<li>
          ${verified ? '✓ ' : ''}<code>${name}</code>${checkedAt === undefined ? ': not checked' : html`${verified ? ', checked on ' : ' did not confirm it on '}${date(checkedAt)}`}
        </li>`,
    )}
  </ul>`
}

function petname({ title = '', authorTitle }: NewsletterSummary, path: string): Markup {
  return html`<details class="panel">
    <summary>Call it something else…</summary>
    ${authorTitle === undefined ? '' : html`<p>Its author calls it ${words(authorTitle)}.</p>`}
    <label for="petname">Your name for it; empty for that of its author</label>
    <input
      id="petname"
      name="name"
      form="act"
      maxlength="64"
      value="${authorTitle === undefined ? '' : title}"
    />
    ${button(`${path}/name`, 'Save')}
  </details>`
}

// Asked once more, also without a script: what is gone has to be fetched again.
function leaving(newsletter: NewsletterSummary, path: string): Markup {
  const stays = newsletter.roles.length > 1
  return html`<details class="leave">
    <summary class="button plain">Stop following…</summary>
    <p>
      ${stays ? 'Its issues stay, because this machine also seeds or publishes it.' : 'Its issues are removed from this machine.'}
      ${newsletter.private ? 'To follow it again, you need its complete link.' : ''}
    </p>
    ${button(`${path}/unsubscribe`, 'Stop following')}
  </details>`
}

function carriers(carrying: Carrying | undefined, chart: Markup | ''): Markup {
  const isArriving = carrying !== undefined && heldPercent(carrying) < 100
  return html`<section class="panel" data-live="carriers" ${isArriving ? html` data-arriving` : ''}>
    <h2>Peers</h2>
    ${carrying === undefined ? html`<p>Not available now.</p>` : carried(carrying)} ${chart}
  </section>`
}

function carried(carrying: Carrying): Markup {
  const { peers, fullCopies } = carrying
  const held = heldPercent(carrying)
  return html`<p>
      ${
        peers === 0
          ? 'No peer is connected. Issues stored here stay readable.'
          : `${count(peers, 'peer')} connected, ${fullCopies === 0 ? 'none' : fullCopies} with all of it.`
      }
    </p>
    <p>
      <label for="held">Downloaded: ${held} %</label>
      <progress id="held" max="100" value="${held}"></progress>
    </p>`
}

function heldPercent({ heldBlocks, length }: Carrying): number {
  return length === 0 ? 0 : Math.floor((heldBlocks / length) * 100)
}
