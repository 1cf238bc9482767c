import { html, raw } from 'hono/html'
import { renderSVG } from 'uqr'
import { describeSupport, type SupportDetails } from '../../format/support.ts'
import { date, singleLineOf, words, type Markup, type NewsletterSummary } from './parts.ts'

/** How to support the author: addresses, each with its QR code. Nothing is loaded, and nothing opened without a click. */
export function supportPanel({
  support = [],
  supportChanged,
}: Pick<NewsletterSummary, 'support' | 'supportChanged'>): Markup | '' {
  const known = support.map(describeSupport).filter((it) => it.problem !== 'unknown')
  if (known.length === 0 && supportChanged === undefined) return ''
  return html`<section class="panel" id="support" aria-labelledby="support-title">
    <h2 id="support-title">Support the author</h2>
    ${supportChanged === undefined ? '' : warning(supportChanged)} ${known.map(way)}
  </section>`
}

// Who takes an author's place puts other addresses there first.
function warning({ at, before }: NonNullable<NewsletterSummary['supportChanged']>): Markup {
  return html`<div class="amendment">
    <p>
      <strong>Other addresses</strong> since ${date(at, 'long')}. Before you pay, ask the author by
      another way.
    </p>
    ${before.map((it) => html`<p class="key"><del>${singleLineOf(it)}</del></p>`)}
  </div>`
}

function way({ uri, name, address, code, problem }: SupportDetails, at: number): Markup {
  if (problem !== undefined) {
    return html`<p>${words(name)}: a character of this address is wrong, so it is not shown.</p>`
  }
  if (/^https:/i.test(uri)) {
    return html`<p><a href="${uri}" rel="noopener noreferrer nofollow">${words(name)}</a></p>`
  }
  return html`<label for="support-${at}">${words(name)}</label>
    <input id="support-${at}" class="copy" readonly value="${singleLineOf(address)}" />
    <details>
      <summary>QR code</summary>
      <div class="qr">${qrCode(code, name)}</div>
      <p><a href="${uri}" rel="noopener noreferrer nofollow">Open in an app</a></p>
    </details>`
}

/** Dark on light in both themes: many cameras do not read the opposite. */
export function qrCode(text: string, of = 'the link'): Markup {
  const svg = renderSVG(text, { border: 2, ecc: 'M', pixelSize: 4 }).replace('<svg ', '')
  return html`<svg role="img" aria-label="QR code of ${singleLineOf(of)}" ${raw(svg)}`
}
