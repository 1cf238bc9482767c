import {
  medianOf,
  type Measured,
  type Numbers,
  type Results,
  type Scenario,
  type Summary,
} from './scenarios/scenario.ts'

/** The runs of each side, by its name. */
export type Runs = ReadonlyMap<string, readonly Measured[]>

/** What was measured, in Markdown: medians of each side, and under them the goals. */
export function layOut(scenario: Scenario, numbers: Numbers, runs: Runs): string {
  const { columns, note } = scenario
  const limitMs = scenario.limitMs(numbers)
  const lines = [...runs].map(([name, all]) => {
    const cells = columns.map(({ value, show }) => {
      const median = medianOf(all.map((it) => value(it, limitMs)).filter((it) => it !== undefined))
      return median === undefined ? '' : show(median)
    })
    return row([name, ...cells])
  })
  const [time] = columns
  const limit = [time?.show(limitMs) ?? '', ...columns.slice(1).map(() => '')]
  return [
    row(['', ...columns.map(({ heading }) => heading)]),
    row(['---', ...columns.map(() => '---:')]),
    ...lines,
    row(['limit', ...limit]),
    '',
    ...goals(scenario, numbers, summarise(runs, limitMs)),
    ...(note === undefined ? [] : [note, '']),
  ].join('\n')
}

function goals(scenario: Scenario, numbers: Numbers, results: Results): string[] {
  const all = scenario.goals(numbers)
  if (all.length === 0) return []
  const lines = all.map(({ what, most, now }) => {
    const value = now(results)
    if (value === undefined) return row([what, `${most}`, '', 'not measured'])
    return row([what, `${most}`, value.toFixed(2), value <= most ? 'reached' : 'not reached'])
  })
  return [row(['goal', 'at most', 'measured', '']), '| --- | ---: | ---: | --- |', ...lines, '']
}

function summarise(runs: Runs, limitMs: number): Results {
  const results = new Map<string, Summary>()
  for (const [name, all] of runs) {
    const ms = medianOf(all.map((it) => it.ms))
    const copies = medianOf(all.map((it) => it.copies))
    if (ms !== undefined && copies !== undefined) results.set(name, { ms, copies, limitMs })
  }
  return results
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
