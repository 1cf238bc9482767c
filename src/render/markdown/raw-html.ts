// Raw HTML is never shown as HTML. This keeps its text, its line breaks and its pictures.

export type RawHtmlPart =
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'break' }
  | { readonly type: 'image'; readonly url: string; readonly alt: string }

// Elements that HTML defines. `<T>` in "a Vec<T>" is not one of them and stays as text.
const HTML_ELEMENTS = new Set(
  (
    'a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink ' +
    'blockquote body br button canvas caption center cite code col colgroup data datalist dd del ' +
    'details dfn dialog dir div dl dt em embed fieldset figcaption figure font footer form frame ' +
    'frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label legend ' +
    'li link main map mark marquee math menu meta meter nav nobr noembed noframes noscript object ' +
    'ol optgroup option output p param picture plaintext portal pre progress q rp rt ruby s samp ' +
    'script search section select slot small source span strike strong style sub summary sup svg ' +
    'table tbody td template textarea tfoot th thead time title tr track tt u ul var video wbr xmp'
  ).split(' '),
)

// What stands between these tags is not text for people.
const WITHOUT_TEXT = new Set([
  'script',
  'style',
  'template',
  'noscript',
  'iframe',
  'object',
  'svg',
  'math',
  'noembed',
  'noframes',
])

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  hellip: '…',
  mdash: '—',
  ndash: '–',
}

/** What remains of one raw HTML node, a single tag within text or a whole block. Linear in time. */
export function readRawHtml(html: string): RawHtmlPart[] {
  const parts: RawHtmlPart[] = []
  let textStart = 0
  const addText = (end: number) => {
    if (end <= textStart) return
    parts.push({ type: 'text', value: decodeEntities(html.slice(textStart, end)) })
  }
  for (let open = html.indexOf('<'); open !== -1;) {
    // A comment, a declaration or an unfinished tag is dropped; any other `<` is text.
    if (!MARKUP_START.test(html.charAt(open + 1))) {
      open = html.indexOf('<', open + 1)
      continue
    }
    let end = endOfMarkup(html, open)
    const tag = readTag(html, open, end)
    if (tag === undefined || isHtmlElement(tag)) {
      addText(open)
      if (tag !== undefined && !tag.closes) {
        if (tag.name === 'br') parts.push({ type: 'break' })
        else if (tag.name === 'img') addImage(parts, tag.attributes)
        else if (WITHOUT_TEXT.has(tag.name)) end = endOfElement(html, tag.name, end)
      }
      textStart = end
    }
    open = html.indexOf('<', end)
  }
  addText(html.length)
  return parts
}

interface Tag {
  readonly closes: boolean
  /** In lower case. */
  readonly name: string
  readonly isCapital: boolean
  readonly attributes: string
}

const MARKUP_START = /[!?/A-Za-z]/
const NAME = /[A-Za-z][A-Za-z0-9-]*/y

/** The tag that stands from `open` to `end`; undefined for other markup and for a tag without an end. */
function readTag(html: string, open: number, end: number): Tag | undefined {
  const closes = html.charAt(open + 1) === '/'
  const start = open + (closes ? 2 : 1)
  NAME.lastIndex = start
  const name = NAME.exec(html)?.[0]
  if (name === undefined || html.charAt(end - 1) !== '>') return undefined
  const attributes = html.slice(start + name.length, end - 1)
  return { closes, name: name.toLowerCase(), isCapital: /^[A-Z]$/.test(name), attributes }
}

function isHtmlElement({ name, isCapital, attributes }: Tag): boolean {
  // A lone capital is a type parameter far more often than `<A>`, `<B>` or `<U>`.
  return HTML_ELEMENTS.has(name) && !(isCapital && attributes === '')
}

function addImage(parts: RawHtmlPart[], attributes: string): void {
  const url = attribute(attributes, 'src')
  if (url !== undefined) parts.push({ type: 'image', url, alt: attribute(attributes, 'alt') ?? '' })
}

// Every name is matched, with its value or without: a search for names that have one would look at the
// letters of a long name once for each of them.
const ATTRIBUTE = /([A-Za-z-]+)(?:=(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?/g

function attribute(attributes: string, name: string): string | undefined {
  for (const [, key, double, single, bare] of attributes.matchAll(ATTRIBUTE)) {
    const value = double ?? single ?? bare
    if (value !== undefined && key?.toLowerCase() === name) return decodeEntities(value).trim()
  }
  return undefined
}

function endOfMarkup(html: string, open: number): number {
  const isComment = html.startsWith('<!--', open)
  const close = html.indexOf(isComment ? '-->' : '>', open)
  if (close === -1) return html.length
  return close + (isComment ? 3 : 1)
}

/** Where the element that begins before `from` ends. */
function endOfElement(html: string, name: string, from: number): number {
  const endTag = new RegExp(`</${name}[^>]*>?`, 'gi')
  endTag.lastIndex = from
  return endTag.test(html) ? endTag.lastIndex : html.length
}

function decodeEntities(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-z]{2,6}));/g,
    (whole, decimal, hex, name) => {
      if (typeof name === 'string') return ENTITIES[name] ?? whole
      const codePoint = typeof hex === 'string' ? Number.parseInt(hex, 16) : Number(decimal)
      return codePoint > 0 && codePoint <= 0x10_ff_ff ? String.fromCodePoint(codePoint) : '\ufffd'
    },
  )
}
