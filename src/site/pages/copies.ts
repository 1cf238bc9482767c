import { html } from 'hono/html'
import type { Output } from '../../api/contract/contract.ts'
import { count, date, type Markup } from './parts.ts'

type Hours = Output<'copyHistory'>

/** Whether an issue outlives this machine, in a word for its author. */
export function copiesLine(copies: number): Markup {
  return copies === 0
    ? html`<strong class="bad">Stay online:</strong> no one else who is connected has it yet.`
    : html`<strong class="fine">Safe to go offline:</strong> held in full by
        ${count(copies, 'other')}.`
}

const HOUR_MS = 60 * 60_000
const DAY_HOURS = 24
const DAYS = 7
const HEIGHT = 60

/** One hour of the chart: hours since it begins, or of a day that it belongs to. */
interface Hour {
  readonly at: number
  readonly peers: number
  readonly copies: number
}

/** The hours of a week that ends with the day of `now`, in UTC, of which something is known. */
function hoursOfWeek(history: Hours, now: number): readonly Hour[] {
  const begin = weekBefore(now)
  return history.flatMap(({ from, hours, peers, copies }) => {
    const first = Math.round((Date.parse(from) - begin) / HOUR_MS)
    return Array.from({ length: Math.min(hours, DAYS * DAY_HOURS) }, (_, at) => ({
      at: first + at,
      peers,
      copies,
    })).filter(({ at }) => at >= 0 && at < DAYS * DAY_HOURS)
  })
}

/** The beginning of the first of seven days. */
function weekBefore(now: number): number {
  const dayMs = DAY_HOURS * HOUR_MS
  return (Math.floor(now / dayMs) - DAYS + 1) * dayMs
}

/** The peers that held a newsletter in the last week: a chart, and the same as a table. */
export function copiesChart(history: Hours, now: number): Markup | '' {
  const hours = hoursOfWeek(history, now)
  if (hours.length === 0) return ''
  const top = Math.max(1, ...hours.map((it) => it.peers))
  // Each hour is a bar from the ground; those without one had no network.
  const bars = (pick: (hour: Hour) => number) =>
    hours
      .map(
        (it) =>
          `M${it.at} ${HEIGHT}v-${((pick(it) / top) * (HEIGHT - 4) + 1).toFixed(1)}h1V${HEIGHT}z`,
      )
      .join('')
  const days = Array.from({ length: DAYS }, (_, day) => ({
    day: new Date(weekBefore(now) + day * DAY_HOURS * HOUR_MS).toISOString(),
    hours: hours.filter(({ at }) => Math.floor(at / DAY_HOURS) === day),
  }))
  return html`<figure class="week">
    <svg
      viewBox="0 0 ${DAYS * DAY_HOURS} ${HEIGHT}"
      aria-hidden="true"
      preserveAspectRatio="none"
      shape-rendering="crispEdges"
    >
      <path class="peers" d="${bars((it) => it.peers)}" />
      <path class="copies" d="${bars((it) => it.copies)}" />
    </svg>
    <p class="days" aria-hidden="true">
      ${days.map(({ day }) => html`<span>${date(day, 'day')}</span>`)}
    </p>
    <figcaption>
      <span class="swatch copies"></span> full copies, <span class="swatch peers"></span> peers; at
      most ${top}
    </figcaption>
    <details>
      <summary>As a table</summary>
      <table>
        <caption class="sr-only">
          Peers that held this newsletter in the last week
        </caption>
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col" class="number">Full copies</th>
            <th scope="col" class="number">Peers</th>
            <th scope="col" class="number">Online</th>
          </tr>
        </thead>
        <tbody>
          ${days.map((it) => dayRow(it.day, it.hours))}
        </tbody>
      </table>
    </details>
  </figure>`
}

function dayRow(day: string, hours: readonly Hour[]): Markup {
  const range = (pick: (hour: Hour) => number) => {
    const values = hours.map(pick)
    const [least, most] = [Math.min(...values), Math.max(...values)]
    return values.length === 0 ? '–' : least === most ? String(most) : `${least} to ${most}`
  }
  return html`<tr>
    <th scope="row">${date(day, 'day')}</th>
    <td class="number">${range((it) => it.copies)}</td>
    <td class="number">${range((it) => it.peers)}</td>
    <td class="number">${hours.length} h</td>
  </tr>`
}
