import { html } from 'hono/html'
import type { Output } from '../../api/contract/contract.ts'
import { count, empty, newsletterPath, size, words, type Markup } from './parts.ts'

type Status = Output<'status'>

/** Bytes sent and received up to a moment. */
export interface TrafficSample {
  readonly at: number
  readonly uploadedBytes: number
  readonly downloadedBytes: number
}

const WIDTH = 640
const HEIGHT = 120

/** The page of what is stored here, which peers have it, and the traffic. */
export function seedingPage(status: Status, samples: readonly TrafficSample[]): Markup {
  const up = status.newsletters.reduce((sum, it) => sum + it.uploadedBytes, 0)
  const down = status.newsletters.reduce((sum, it) => sum + it.downloadedBytes, 0)
  return html`<header class="page-head">
      <h1>Seeding</h1>
      <p class="lede">What this machine shares, and how many peers have it</p>
    </header>
    <div data-live="seeding">
      ${
        status.online
          ? ''
          : html`<p class="problem">
              <strong>Offline.</strong> Nothing is downloaded or shared. Issues stored here stay
              readable; <code>hyperletter daemon start</code> goes online and stays.
            </p>`
      }
      <dl class="figures">
        <div>
          <dt>Peers</dt>
          <dd>${status.peers.toLocaleString('en')}</dd>
        </div>
        <div>
          <dt>Sent</dt>
          <dd>${size(up)}</dd>
        </div>
        <div>
          <dt>Received</dt>
          <dd>${size(down)}</dd>
        </div>
        <div>
          <dt>Storage</dt>
          <dd>${storage(status.disk)}</dd>
        </div>
      </dl>
      <figure class="graph">
        ${graph(samples)}
        <figcaption>${speeds(samples)}</figcaption>
      </figure>
      ${status.newsletters.length === 0 ? empty('Nothing to seed yet', 'Follow or seed a newsletter to share it with others from this machine.') : table(status)}
    </div>`
}

function storage({ usedBytes, capBytes }: Status['disk']): string {
  return capBytes === undefined ? size(usedBytes) : `${size(usedBytes)} of ${size(capBytes)}`
}

function table(status: Status): Markup {
  return html`<div
    class="scroll carried"
    tabindex="0"
    role="region"
    aria-label="Newsletters stored here"
  >
    <table>
      <thead>
        <tr>
          <th scope="col">Newsletter</th>
          <th scope="col">Downloaded</th>
          <th scope="col" class="number">Peers</th>
          <th scope="col" class="number">Newest issue copies</th>
          <th scope="col" class="number">Full copies</th>
          <th scope="col" class="number">Sent</th>
          <th scope="col" class="number">Received</th>
        </tr>
      </thead>
      <tbody>
        ${status.newsletters.map((it) => {
          const percent = it.length === 0 ? 0 : Math.floor((it.heldBlocks / it.length) * 100)
          return html`<tr>
            <th scope="row">
              <a href="${newsletterPath(it.feedKey)}">${words(it.title ?? 'Not downloaded yet')}</a
              ><br /><span class="over">${count(it.issues, 'issue')}</span>
            </th>
            <td data-label="Downloaded">${percent} %</td>
            <td class="number" data-label="Peers">${it.peers}</td>
            <td class="number" data-label="Newest issue copies">${it.newestCopies}</td>
            <td class="number" data-label="Full copies">${it.fullCopies}</td>
            <td class="number" data-label="Sent">${size(it.uploadedBytes)}</td>
            <td class="number" data-label="Received">${size(it.downloadedBytes)}</td>
          </tr>`
        })}
      </tbody>
    </table>
  </div>`
}

interface Rate {
  readonly up: number
  readonly down: number
}

/** Bytes a second from each sample to the next. */
function ratesOf(samples: readonly TrafficSample[]): Rate[] {
  return samples.slice(1).map((it, index) => {
    const before = samples[index] ?? it
    const seconds = Math.max(0.001, (it.at - before.at) / 1_000)
    return {
      up: Math.max(0, it.uploadedBytes - before.uploadedBytes) / seconds,
      down: Math.max(0, it.downloadedBytes - before.downloadedBytes) / seconds,
    }
  })
}

function highest(rates: readonly Rate[]): number {
  return Math.max(0, ...rates.map((it) => Math.max(it.up, it.down)))
}

function speeds(samples: readonly TrafficSample[]): Markup {
  const rates = ratesOf(samples)
  const { up, down } = rates.at(-1) ?? { up: 0, down: 0 }
  const most = highest(rates)
  const rest =
    most === 0
      ? 'no traffic since this page was first opened'
      : `peak since this page was first opened: ${size(most)} a second`
  return html`<span class="swatch up"></span> ${size(up)} a second sent,
    <span class="swatch down"></span> ${size(down)} received; ${rest}`
}

function graph(samples: readonly TrafficSample[]): Markup {
  const rates = ratesOf(samples)
  const top = Math.max(1_000, highest(rates))
  const line = (pick: (rate: Rate) => number) =>
    rates
      .map((rate, index) => {
        const x = WIDTH - (rates.length - 1 - index) * (WIDTH / 120)
        const y = HEIGHT - 2 - (pick(rate) / top) * (HEIGHT - 10)
        return `${x.toFixed(1)},${y.toFixed(1)}`
      })
      .join(' ')
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true" preserveAspectRatio="none">
    <polyline class="down" points="${line((it) => it.down)}" />
    <polyline class="up" points="${line((it) => it.up)}" />
  </svg>`
}
