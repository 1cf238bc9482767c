import { html, raw } from 'hono/html'
import { renderSVG } from 'uqr'
import { singleLineOf, type Markup } from './parts.ts'

/** Dark on light in both themes: many cameras do not read the opposite. */
export function qrCode(text: string, of = 'the link'): Markup {
  const svg = renderSVG(text, { border: 2, ecc: 'M', pixelSize: 4 }).replace('<svg ', '')
  return html`<svg role="img" aria-label="QR code of ${singleLineOf(of)}" ${raw(svg)}`
}
