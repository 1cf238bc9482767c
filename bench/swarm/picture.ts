import type { Told } from './sides/side.ts'

const WIDTH = 880
const PANEL = { width: 200, height: 130, left: 36, top: 30, gap: 16 }

export interface Panel {
  readonly name: string
  readonly readers: readonly Told[]
}

/** How much each reader had over time, one panel a row, all with the same axes: an SVG. */
export function drawProgress(panels: readonly Panel[], sizeBytes: number, limitMs: number): string {
  const longestMs = Math.max(limitMs, ...panels.flatMap((it) => it.readers.map(endOf)))
  const x = (ms: number) => Math.round((ms / longestMs) * PANEL.width)
  const y = (bytes: number) => Math.round((1 - Math.min(1, bytes / sizeBytes)) * PANEL.height)
  const drawn = panels.map(({ name, readers }, at) => {
    const lines = readers.map(({ points }) => {
      // The last of what falls on one place.
      const path = new Map([[0, 0] as const, ...points].map(([ms, bytes]) => [x(ms), y(bytes)]))
      return `<polyline points="${[...path].map((it) => it.join(',')).join(' ')}"/>`
    })
    const left = PANEL.left + at * (PANEL.width + PANEL.gap)
    return [
      `<g transform="translate(${left} ${PANEL.top})">`,
      `<text y="-10">${name}</text>`,
      `<rect width="${PANEL.width}" height="${PANEL.height}"/>`,
      `<line x1="${x(limitMs)}" x2="${x(limitMs)}" y2="${PANEL.height}"/>`,
      ...lines,
      `<text y="${PANEL.height + 16}">0</text>`,
      `<text x="${PANEL.width}" y="${PANEL.height + 16}" text-anchor="end">${Math.round(longestMs / 1000)} s</text>`,
      '</g>',
    ].join('\n')
  })
  const height = PANEL.top + PANEL.height + 30
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="What each reader had over time">
<style>
text { font: 12px sans-serif; fill: #57606a }
rect { fill: none; stroke: #d0d7de }
line { stroke: #cf222e; stroke-dasharray: 3 3 }
polyline { fill: none; stroke: #0969da; stroke-opacity: .6 }
</style>
${drawn.join('\n')}
</svg>
`
}

/** When a reader had everything. */
export function endOf({ points }: Told): number {
  return points.at(-1)?.[0] ?? 0
}
