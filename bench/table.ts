import { cpus, totalmem } from 'node:os'
import { isMet, median, ratioOf, type Result } from './measure.ts'

const HEADER = ['what', 'ours', 'baseline', 'ratio', 'goal', 'met']

/** The machine by its size only. */
export function describeMachine(): string {
  const memoryGiB = Math.round(totalmem() / 2 ** 30)
  return `${cpus().length} cores, ${memoryGiB} GiB memory, Node ${process.versions.node}, ${process.platform} ${process.arch}`
}

/** The results as an aligned table for a terminal. */
export function formatTable(results: readonly Result[]): string {
  return layOut(results, { left: '', between: '  ', right: '', rule: '─' })
}

/** The results as a Markdown table. */
export function formatMarkdown(results: readonly Result[]): string {
  return layOut(results, { left: '| ', between: ' | ', right: ' |', rule: '-' })
}

/** The results with every single run, for programs. */
export function toJson(results: readonly Result[]) {
  return {
    machine: describeMachine(),
    results: results.map((it) => ({
      what: it.what,
      unit: it.unit,
      ours: round(median(it.samples.ours)),
      baseline: it.samples.baseline.length === 0 ? null : round(median(it.samples.baseline)),
      ratio: round(ratioOf(it)),
      goal: it.goal ?? null,
      met: isMet(it) ?? null,
      runs: { ours: it.samples.ours.map(round), baseline: it.samples.baseline.map(round) },
    })),
  }
}

interface Lines {
  readonly left: string
  readonly between: string
  readonly right: string
  readonly rule: string
}

function layOut(results: readonly Result[], { left, between, right, rule }: Lines): string {
  const rows = [HEADER, ...results.map(cells)]
  const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))),
  )
  lines.splice(
    1,
    0,
    widths.map((width) => rule.repeat(width)),
  )
  return lines.map((row) => `${left}${row.join(between)}${right}\n`).join('')
}

function cells(result: Result): string[] {
  const { what, unit, samples, goal } = result
  const ratio = ratioOf(result)
  const met = isMet(result)
  return [
    what,
    amount(median(samples.ours), unit),
    samples.baseline.length === 0 ? '–' : amount(median(samples.baseline), unit),
    ratio === undefined ? '–' : ratio.toFixed(2),
    goal === undefined ? '–' : goalText(result),
    met === undefined ? '–' : met ? 'yes' : 'NO',
  ]
}

function goalText({ goal, unit }: Result): string {
  if (goal === undefined) return '–'
  if ('ratio' in goal) return `≤ ${goal.ratio} ×`
  if ('over' in goal) return `≤ + ${amount(goal.over, unit)}`
  return `≤ ${amount(goal.value, unit)}`
}

function amount(value: number, unit: string): string {
  return `${value < 100 ? value.toFixed(1) : value.toFixed(0)} ${unit}`
}

function round(value: number): number
function round(value: number | undefined): number | null
function round(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 1_000) / 1_000
}
