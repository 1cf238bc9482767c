import { decodeHTML, decodeHTMLAttribute } from 'entities/decode'

/** A piece of raw HTML, in the order of the text. Comments and declarations are left out. */
export type HtmlPart =
  | { readonly type: 'text'; readonly value: string }
  | HtmlTag
  | {
      readonly type: 'close'
      readonly name: string
      readonly source: string
    }

export interface HtmlTag {
  readonly type: 'open'
  /** In lower case. */
  readonly name: string
  /** By name in lower case; references are decoded. The first of two with one name counts. */
  readonly attributes: ReadonlyMap<string, string>
  /** Ends with `/>`. */
  readonly closesItself: boolean
  /** As it was written. */
  readonly source: string
  /** Where the value of each attribute begins in the HTML, behind its quote. */
  readonly places: ReadonlyMap<string, { readonly start: number }>
}

// Comments, CDATA, declarations and what counts as a comment; then end tags and start tags (HTML, 13.2.5).
const MARKUP =
  /<(?:!--(?:-?>|[^]*?(?:--!?>|$))|!\[CDATA\[[^]*?(?:\]\]>|$)|[!?][^>]*>?|\/(?:>|[^a-z>][^>]*>?)|\/[a-z][^ \t\n\f\r/>]*$|\/(?<end>[a-z][^ \t\n\f\r/>]*)[^>]*>?|(?<start>[a-z][^ \t\n\f\r/>]*))/gi
const ATTRIBUTE =
  /[ \t\n\f\r/]*(?<name>[^ \t\n\f\r/>][^ \t\n\f\r/>=]*)(?:[ \t\n\f\r]*=[ \t\n\f\r]*(?:"(?<double>[^"]*)"|'(?<single>[^']*)'|(?<bare>[^ \t\n\f\r>]*)))?/dy
const TAG_END = /[ \t\n\f\r/]*>/y

/** Elements in which nothing but their own end tag is markup; in those with true, references are. */
const RAW: ReadonlyMap<string, boolean> = new Map([
  ...['iframe', 'noembed', 'noframes', 'plaintext', 'script', 'style', 'xmp'].map(
    (name) => [name, false] as const,
  ),
  ['textarea', true],
  ['title', true],
])

/** The tags and texts of raw HTML, split as HTML parsers do. Linear in time. */
export function readHtml(html: string): HtmlPart[] {
  const parts: HtmlPart[] = []
  const addText = (value: string) => {
    const last = parts.at(-1)
    if (value === '') return
    if (last?.type === 'text') parts[parts.length - 1] = { type: 'text', value: last.value + value }
    else parts.push({ type: 'text', value })
  }
  let at = 0
  for (;;) {
    MARKUP.lastIndex = at
    const found = MARKUP.exec(html)
    addText(decodeHTML(html.slice(at, found?.index)))
    if (found === null) return parts
    at = MARKUP.lastIndex
    const { end, start } = found.groups ?? {}
    if (end !== undefined) parts.push({ type: 'close', name: end.toLowerCase(), source: found[0] })
    if (start === undefined) continue
    const tag = readTag(html, found.index, start.toLowerCase())
    // One that does not end is none, and takes along what stands behind it.
    if (tag === undefined) return parts
    parts.push(tag)
    at = found.index + tag.source.length
    const isDecoded = RAW.get(tag.name)
    if (isDecoded === undefined) continue
    const length = html.slice(at).search(new RegExp(`</${tag.name}[ \\t\\n\\f\\r/>]`, 'i'))
    const text = html.slice(at, length < 0 || tag.name === 'plaintext' ? undefined : at + length)
    addText(isDecoded ? decodeHTML(text) : text)
    at += text.length
  }
}

function readTag(html: string, start: number, name: string): HtmlTag | undefined {
  const attributes = new Map<string, string>()
  const places = new Map<string, { start: number }>()
  for (let at = start + 1 + name.length; ;) {
    TAG_END.lastIndex = at
    const end = TAG_END.exec(html)?.[0]
    if (end !== undefined) {
      const source = html.slice(start, at + end.length)
      const closesItself = /\/[ \t\n\f\r]*>$/.test(end)
      return { type: 'open', name, attributes, closesItself, source, places }
    }
    ATTRIBUTE.lastIndex = at
    const found = ATTRIBUTE.exec(html)
    const { name: key = '', double, single, bare } = found?.groups ?? {}
    if (found === null || /^["']/.test(bare ?? '')) return undefined
    at = ATTRIBUTE.lastIndex
    if (attributes.has(key.toLowerCase())) continue
    const value = double ?? single ?? bare
    attributes.set(key.toLowerCase(), decodeHTMLAttribute(value ?? ''))
    if (value !== undefined) {
      const behind = bare === undefined ? 1 : 0
      places.set(key.toLowerCase(), { start: at - value.length - behind })
    }
  }
}
