// Raw HTML is never shown as HTML. This keeps its text, its line breaks and its pictures.

export type RawHtmlPart =
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'break' }
  | { readonly type: 'image'; readonly url: string; readonly alt: string }

const TAG = /^<(\/?)([A-Za-z][A-Za-z0-9-]*)([^>]*)>$/s

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
  const addText = (value: string) => {
    if (value !== '') parts.push({ type: 'text', value: decodeEntities(value) })
  }
  const lowered = html.toLowerCase()
  let index = 0
  while (index < html.length) {
    const open = html.indexOf('<', index)
    addText(html.slice(index, open === -1 ? html.length : open))
    if (open === -1) break
    const end = endOfMarkup(html, open)
    const tag = TAG.exec(html.slice(open, end))
    index = end
    if (tag === null) {
      // A comment, a declaration or an unfinished tag is dropped; any other `<` is text.
      if (!/^[!?/A-Za-z]$/.test(html[open + 1] ?? '')) {
        addText('<')
        index = open + 1
      }
      continue
    }
    const [whole, slash, name = '', attributes = ''] = tag
    if (!isHtmlElement(name, attributes)) addText(whole)
    else if (slash === '') {
      const element = name.toLowerCase()
      if (element === 'br') parts.push({ type: 'break' })
      else if (element === 'img') addImage(parts, attributes)
      else if (WITHOUT_TEXT.has(element)) index = skipElement(lowered, element, end)
    }
  }
  return parts
}

function isHtmlElement(name: string, attributes: string): boolean {
  // A lone capital is a type parameter far more often than `<A>`, `<B>` or `<U>`.
  if (/^[A-Z]$/.test(name) && attributes === '') return false
  return HTML_ELEMENTS.has(name.toLowerCase())
}

function addImage(parts: RawHtmlPart[], attributes: string): void {
  const url = attribute(attributes, 'src')
  if (url !== undefined) parts.push({ type: 'image', url, alt: attribute(attributes, 'alt') ?? '' })
}

function attribute(attributes: string, name: string): string | undefined {
  for (const [, key, double, single, bare] of attributes.matchAll(
    /([A-Za-z-]+)=(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+))/g,
  )) {
    if (key?.toLowerCase() === name) return decodeEntities(double ?? single ?? bare ?? '').trim()
  }
  return undefined
}

function endOfMarkup(html: string, open: number): number {
  const isComment = html.startsWith('<!--', open)
  const close = html.indexOf(isComment ? '-->' : '>', open)
  if (close === -1) return html.length
  return close + (isComment ? 3 : 1)
}

function skipElement(lowered: string, element: string, from: number): number {
  const close = lowered.indexOf(`</${element}`, from)
  if (close === -1) return lowered.length
  const end = lowered.indexOf('>', close)
  return end === -1 ? lowered.length : end + 1
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
