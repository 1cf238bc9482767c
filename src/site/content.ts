/** Longest first heading that is compared with a title, in characters of HTML. */
const MAX_HEADING = 4_000

/**
 * The HTML of a text without its first heading, if that only repeats the title above it. Expects
 * HTML of `renderHtml`.
 */
export function withoutTitle(html: string, title: string): string {
  if (!html.startsWith('<h1>')) return html
  const end = html.indexOf('</h1>')
  if (end < 0 || end > MAX_HEADING) return html
  const heading = plain(html.slice(0, end))
  return heading === oneSpaced(title) ? html.slice(end + '</h1>'.length) : html
}

// Only to compare: what comes out of this is never shown.
function plain(html: string): string {
  const text = html
    .replace(/<[^>]*>/g, '')
    .replace(/&#x([0-9a-f]{1,6});/gi, (_, hex: string) =>
      String.fromCodePoint(Number.parseInt(hex, 16)),
    )
    .replace(/&lt;/g, '<')
    .replace(/&amp;/g, '&')
  return oneSpaced(text)
}

function oneSpaced(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
