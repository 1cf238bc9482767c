import { Tokenizer } from 'htmlparser2'

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
  /** Where the value of each attribute lies in the HTML, without quotes. */
  readonly places: ReadonlyMap<string, { readonly start: number; readonly end: number }>
}

/** The tags and texts of raw HTML, split as HTML parsers do. Linear in time. */
export function readHtml(html: string): HtmlPart[] {
  const parts: HtmlPart[] = []
  let open: { name: string; start: number } | undefined
  let attributes = new Map<string, string>()
  let places = new Map<string, { start: number; end: number }>()
  let name = ''
  let value = ''
  let place: { start: number; end: number } | undefined
  const addText = (text: string) => {
    const last = parts.at(-1)
    if (last?.type === 'text') parts[parts.length - 1] = { type: 'text', value: last.value + text }
    else parts.push({ type: 'text', value: text })
  }
  const endTag = (end: number, closesItself: boolean) => {
    if (open === undefined) return
    const source = html.slice(open.start, end + 1)
    parts.push({ type: 'open', name: open.name, attributes, closesItself, source, places })
    open = undefined
    attributes = new Map()
    places = new Map()
  }
  const tokenizer = new Tokenizer(
    {},
    {
      ontext: (start, end) => addText(html.slice(start, end)),
      ontextentity: (code) => addText(String.fromCodePoint(code)),
      onopentagname: (start, end) => {
        open = { name: html.slice(start, end).toLowerCase(), start: start - 1 }
      },
      onopentagend: (end) => endTag(end, false),
      onselfclosingtag: (end) => endTag(end, true),
      onattribname: (start, end) => {
        name = html.slice(start, end).toLowerCase()
      },
      onattribdata: (start, end) => {
        value += html.slice(start, end)
        place = { start: place?.start ?? start, end }
      },
      onattribentity: (code) => {
        value += String.fromCodePoint(code)
      },
      onattribend: (_quote, end) => {
        if (!attributes.has(name)) {
          attributes.set(name, value)
          if (place !== undefined) places.set(name, { start: place.start, end })
        }
        value = ''
        place = undefined
      },
      onclosetag: (start, end) => {
        const close = html.indexOf('>', end)
        const source = html.slice(start - 2, close === -1 ? html.length : close + 1)
        parts.push({ type: 'close', name: html.slice(start, end).toLowerCase(), source })
      },
      oncdata: () => undefined,
      oncomment: () => undefined,
      ondeclaration: () => undefined,
      onprocessinginstruction: () => undefined,
      onend: () => undefined,
    },
  )
  tokenizer.write(html)
  tokenizer.end()
  return parts
}
