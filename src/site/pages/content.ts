/** Works on HTML of `renderHtml`, whose elements and attributes are always written in one way. */

import { attachmentPath, type IssueText } from './parts.ts'

export interface HeadingLink {
  readonly level: number
  readonly id: string
  readonly text: string
}

/** As many headings as a list of contents is good for. */
const MAX_HEADINGS = 200

const HEADING = /<h([1-6]) id="([^"]{1,200})">(.*?)<\/h\1>/gs

/** The headings of a text, in their order. */
export function headingsOf(content: string): HeadingLink[] {
  const found = [...content.matchAll(HEADING)].slice(0, MAX_HEADINGS)
  return found.flatMap(([, level = '', id = '', inside = '']) => {
    const text = plain(inside.replace(/ <a class="anchor".*/s, ''))
    return text === '' ? [] : [{ level: Number(level), id, text }]
  })
}

/** The HTML of a text, each heading of which has a link to itself. */
export function withAnchors(content: string): string {
  return content.replace(
    HEADING,
    (_, level: string, id: string, inside: string) =>
      `<h${level} id="${id}">${inside} <a class="anchor" href="#${id}" aria-label="Link to this heading">#</a></h${level}>`,
  )
}

/** The HTML of a text, whose pictures have their width and height where these are known: nothing moves when they arrive. */
export function withSizes(content: string, { attachments }: IssueText, path: string): string {
  const sizes = new Map<string, string>()
  for (const { name, width, height } of attachments) {
    if (width === undefined || height === undefined) continue
    sizes.set(attachmentPath(path, name), ` width="${width}" height="${height}"`)
  }
  if (sizes.size === 0) return content
  return content.replace(
    /<img src="([^"]{1,2000})"/g,
    (all, src: string) => all + (sizes.get(src) ?? ''),
  )
}

/** Longest first heading that is compared with a title, in characters of HTML. */
const MAX_HEADING = 4_000

/**
 * The HTML of a text without its first heading, if that only repeats the title above it. Expects
 * HTML of `renderHtml`.
 */
export function withoutTitle(content: string, title: string): string {
  if (!/^<h1(?: id="[^"]{1,200}")?>/.test(content)) return content
  const end = content.indexOf('</h1>')
  if (end < 0 || end > MAX_HEADING) return content
  const heading = plain(content.slice(0, end))
  return heading === oneSpaced(title) ? content.slice(end + '</h1>'.length) : content
}

// Text, not HTML: what comes out of this is compared, or escaped again.
function plain(content: string): string {
  const text = content
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
