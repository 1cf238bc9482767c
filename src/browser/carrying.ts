import { html } from 'hono/html'
import type { FeedKey } from '../format/keys/feed-key.ts'
import { count, type Markup } from '../site/pages/parts.ts'
import { formatBytes } from '../render/plain.ts'
import { elementsOf } from './article.ts'
import { recall, remember } from './known-heads.ts'
import type { PeerState } from './peer/peer.ts'

/** As far as browsers tell of a connection. */
interface NetworkInformation {
  readonly saveData?: boolean
  readonly type?: string
}

/** Whether a tab passes a newsletter on: as its reader chose; else unless the connection may be dear. */
export function mayCarry(feedKey: FeedKey): boolean {
  const chosen = recall(feedKey, '/carry')
  if (chosen !== '') return chosen === 'on'
  const { connection } = navigator as { readonly connection?: NetworkInformation }
  return connection?.saveData !== true && connection?.type !== 'cellular'
}

export function isFollowed(feedKey: FeedKey): boolean {
  return recall(feedKey, '/follow') === 'on'
}

export interface Carrier {
  readonly state: PeerState
  carry(isCarrying: boolean): void
  follow(): Promise<void>
}

/** At the end of the page: what this tab does for others, and what it keeps. */
export class CarryingPanel {
  readonly element = document.createElement('section')
  readonly #feedKey: FeedKey
  #shown = ''

  constructor(feedKey: FeedKey) {
    this.#feedKey = feedKey
    this.element.className = 'after carrying'
    this.element.setAttribute('aria-labelledby', 'carrying')
  }

  /** @param carrier absent while another tab has the newsletter, or where this browser keeps nothing. */
  async show(carrier: Carrier | undefined, why = ''): Promise<void> {
    const panel = await elementsOf(carrier === undefined ? asleep(why) : panelOf(carrier.state))
    // What is the same is left alone: somebody may be about to press a button of it.
    if (panel.innerHTML === this.#shown) return
    this.#shown = panel.innerHTML
    const focused = this.element.querySelector(':focus')?.id
    this.element.replaceChildren(panel.content)
    if (focused !== undefined && focused !== '') {
      this.element.querySelector<HTMLElement>(`#${focused}`)?.focus()
    }
    this.#on('#carry', () => {
      const isCarrying = carrier?.state.isCarrying !== true
      remember(this.#feedKey, '/carry', isCarrying ? 'on' : 'off')
      carrier?.carry(isCarrying)
    })
    this.#on('#follow', () => {
      remember(this.#feedKey, '/follow', 'on')
      void carrier?.follow()
    })
  }

  #on(selector: string, handler: () => void): void {
    this.element.querySelector(selector)?.addEventListener('click', handler)
  }
}

function panelOf(state: PeerState): Markup {
  const { isCarrying, failure, refused } = state
  return html`<h2 class="section" id="carrying">Carried by this page</h2>
    <p class="switch-line">
      <input
        class="switch"
        id="carry"
        type="checkbox"
        role="switch"
        ${isCarrying ? 'checked' : ''}
      />
      <label for="carry">Pass this newsletter on while this page is open</label>
    </p>
    <p role="status">${carryingLine(state)}</p>
    <p class="over">
      ${isCarrying ? 'Other readers, whose pages connect to this one, see its network address.' : ''}
      ${keptLine(state)}
    </p>
    ${failure === undefined ? '' : html`<div class="problem"><p>${FAILURES[failure] ?? failure}</p></div>`}
    ${refused.map(
      (it) =>
        html`<div class="problem">
          <p>
            <bdi>${new URL(it).host}</bdi> sent blocks that the author did not sign. They were not
            kept, and the connection to it was closed.
          </p>
        </div>`,
    )}
    ${state.isFollowed || state.heldBlocks === 0 ? '' : html`<p><button class="button" id="follow" type="button">Follow: keep all of it in this browser</button></p>`}`
}

const FAILURES: Readonly<Record<string, string>> = {
  DISK_FULL:
    'This browser gives no more room, so nothing more is kept. What is kept can be read; the rest comes from the network each time.',
  FEED_CONFLICT:
    'Two histories exist under the key of this newsletter. What was kept before can be read; nothing more is taken.',
}

function carryingLine(state: PeerState): string {
  const { isCarrying, gateways, tabs, readers, sentBytes, heldBlocks } = state
  if (!isCarrying) return 'Off: this page only reads, and sends nothing to others.'
  if (gateways + tabs === 0) return 'No gateway can be reached now, so nobody can ask this page.'
  if (heldBlocks === 0) return 'There is nothing to pass on so far.'
  if (readers === 0) return 'Carrying: nobody has asked for anything so far.'
  return `Carrying for ${count(readers, 'peer')}, ${formatBytes(sentBytes)} sent.`
}

function keptLine({ length, heldBlocks, byteLength, isFollowed: all }: PeerState): string {
  if (heldBlocks === 0) return 'Nothing is kept in this browser so far.'
  const kept =
    heldBlocks >= length
      ? `All of it is kept in this browser, ${formatBytes(byteLength)}`
      : `${Math.floor((100 * heldBlocks) / length)} % of it is kept in this browser`
  return `${kept}. ${all ? 'It may still delete that' : 'Browsers delete that after a while without a visit'}: this is no archive.`
}

function asleep(why: string): Markup {
  return html`<h2 class="section" id="carrying">Carried by this page</h2>
    <p role="status">${why}</p>`
}
