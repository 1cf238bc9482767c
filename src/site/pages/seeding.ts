import { html } from 'hono/html'
import type { Output } from '../../api/contract/contract.ts'
import type { HyperletterError } from '../../errors.ts'
import { field } from './fields.ts'
import {
  button,
  count,
  date,
  empty,
  failure,
  newsletterPath,
  words,
  type Markup,
  type View,
} from './parts.ts'
import { formatBytes } from '../../render/plain.ts'

type Status = Output<'status'>

/** Bytes sent and received up to a moment. */
export interface TrafficSample {
  readonly at: number
  readonly uploadedBytes: number
  readonly downloadedBytes: number
}

/** Limits that could not be set. */
export interface RefusedLimits {
  /** By the name of each field. */
  readonly typed: Readonly<Record<string, string>>
  readonly error: HyperletterError
}

const WIDTH = 640
const HEIGHT = 120

/** The page of what is stored here, which peers have it, and the traffic. */
export function seedingPage(
  view: View,
  status: Status,
  samples: readonly TrafficSample[],
  refused?: RefusedLimits,
): Markup {
  const { traffic, limits } = status
  return html`<header class="page-head">
      <h1>Seeding</h1>
      <p class="lede">What this machine shares, and how many peers have it</p>
      ${
        limits?.pause === true
          ? html`<p class="problem" id="paused">
              <strong>Paused.</strong> Nothing is sent or received. What is stored here stays
              readable.
            </p>`
          : ''
      }
      ${
        view.isOwn === true && limits !== undefined
          ? html`<p class="buttons">
              ${button('/seeding', limits.pause ? 'Resume' : 'Pause', { field: ['pause', limits.pause ? 'off' : 'on'], kind: limits.pause ? 'primary' : 'plain' })}
            </p>`
          : ''
      }
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
          <dd>${formatBytes(traffic?.uploadedBytes ?? 0)}</dd>
        </div>
        <div>
          <dt>Received</dt>
          <dd>${formatBytes(traffic?.downloadedBytes ?? 0)}</dd>
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
      ${traffic === undefined ? '' : html`<p class="over">Sent and received since ${date(traffic.since, 'long')}</p>`}
      ${status.newsletters.length === 0 ? empty('Nothing to seed yet', 'Follow or seed a newsletter to share it with others from this machine.') : table(status)}
    </div>
    ${view.isOwn === true && limits !== undefined ? controls(view, status.disk, limits, refused) : ''}`
}

/** The limits that can be changed here, as fields of a form. */
function controls(
  view: View,
  { capBytes }: Status['disk'],
  { diskCap, uploadLimit, downloadLimit, maxConnections }: NonNullable<Status['limits']>,
  refused: RefusedLimits | undefined,
): Markup {
  const limit = (name: string, label: string, before: string, placeholder: string) =>
    field(name, label, { value: refused?.typed[name] ?? before, placeholder, maxlength: 64 })
  // What nobody set has no value in the field: saving another one must not set it.
  const cap = capBytes === undefined ? 'none' : diskCap === undefined ? '' : exactSize(diskCap)
  const rate = (bytes: number | undefined) => (bytes === undefined ? '' : `${exactSize(bytes)}/s`)
  return html`<section class="limits" aria-labelledby="limits">
    <h2 id="limits">Limits</h2>
    ${refused === undefined ? '' : failure(refused.error)}
    <form method="post" action="/seeding#limits" class="draft-form">
      <input type="hidden" name="token" value="${view.formToken}" />
      ${limit('diskCap', 'Disk for what others wrote', cap, capBytes === undefined ? 'a share of the disk' : formatBytes(capBytes))}
      ${limit('uploadLimit', 'Upload', rate(uploadLimit), 'no limit, or 500 kB/s')}
      ${limit('downloadLimit', 'Download', rate(downloadLimit), 'no limit, or 2 MB/s')}
      ${limit('maxConnections', 'Connections to peers', String(maxConnections ?? ''), '256')}
      <p class="over">
        Saved in the settings file, and in force at once. Leave a field empty for the default.
      </p>
      <p><button class="button primary">Save</button></p>
    </form>
  </section>`
}

/** A size that means the same bytes when it is read again. */
export function exactSize(bytes: number): string {
  const units = [
    ['TB', 1e12],
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const
  const [unit, factor] = units.find(([, it]) => bytes >= it && bytes % (it / 10) === 0) ?? []
  return factor === undefined ? String(bytes) : `${bytes / factor} ${unit}`
}

function storage({ usedBytes, letterBytes, capBytes }: Status['disk']): Markup {
  const cap = capBytes === undefined ? '' : ` of ${formatBytes(capBytes)}`
  const letters = letterBytes
    ? html`<p class="over">of which letters ${formatBytes(letterBytes)}</p>`
    : ''
  return html`${formatBytes(usedBytes)}${cap}${letters}`
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
            <td class="number" data-label="Sent">
              ${formatBytes((it.totals ?? it).uploadedBytes)}
            </td>
            <td class="number" data-label="Received">
              ${formatBytes((it.totals ?? it).downloadedBytes)}
            </td>
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
      : `peak since this page was first opened: ${formatBytes(most)} a second`
  return html`<span class="swatch up"></span> ${formatBytes(up)} a second sent,
    <span class="swatch down"></span> ${formatBytes(down)} received; ${rest}`
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
