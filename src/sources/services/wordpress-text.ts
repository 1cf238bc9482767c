import { MAX_HTML_CHARACTERS } from '../html/tree.ts'

export interface MediaFile {
  readonly url: string
  readonly alt: string
  /** HTML. */
  readonly caption: string
  /** Id of the post that it was uploaded to. */
  readonly parent: string
}

export interface WordpressContext {
  /** Of the post. */
  readonly id: string
  readonly attachments: ReadonlyMap<string, MediaFile>
  /** Texts of blocks that several posts share. */
  readonly blocks: ReadonlyMap<string, string>
  /** Also what members alone would see. */
  readonly isOpen: boolean
}

/** Blocks and shortcodes, of Jetpack and of plugins, between which a text is for some readers alone. */
export const GATES =
  /member|restrict|paywall|paid|premium|subscriber|private|protected|pmpro|mepr|rcp_|^rcp$|wlm|ihc|wcm_|s2if|lock(?:ed|er)|login|logged/i

const BLOCK =
  'address|article|aside|blockquote|center|details|div|dl|fieldset|figcaption|figure|footer|form|h[1-6]|header|hr|iframe|li|main|nav|ol|p|pre|section|summary|table|tbody|td|tfoot|th|thead|tr|ul|video|audio'
const STARTS_WITH_BLOCK = new RegExp(`^(?:</?(?:${BLOCK})\\b|<!--)`, 'i')
const BLOCK_START = new RegExp(`(<(?:${BLOCK})\\b[^<>]*>)`, 'gi')
const BLOCK_END = new RegExp(`(</(?:${BLOCK})>)`, 'gi')

const SHARED_BLOCK = /<!-- wp:block \{"ref":(\d+)[^}]{0,200}\} \/-->/g
const EMBED = /(<div class="wp-block-embed__wrapper">)\s*(https?:\/\/[^\s<]{1,2000})\s*(<\/div>)/g
const ALONE = /^[ \t]*(https?:\/\/[^\s<>"[\]]{1,2000})[ \t]*$/gm
const SHORTCODE_START = /\[(\[?)(\/?)([a-z][\w-]{0,40})(?=[\s\]/])/gi
const QUOTES: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '“': '”',
  '”': '”',
  '‘': '’',
}
/** Longest attributes of a shortcode. */
const MAX_ATTRIBUTES = 4_000

/** A block of code, which says its language beside it. */
const CODE_BLOCK =
  /<!-- wp:[\w/-]{0,40}code[\w-]{0,20} \{[^\n]{0,1000}?"language":"([\w+#-]{1,30})"[^\n]{0,1000}?\} -->\s{0,8}<pre\b[^<>]{0,500}>(?:<code\b[^<>]{0,500}>)?/g

/**
 * What WordPress makes of a stored text: paragraphs of the classic editor, shared blocks, embeds and the shortcodes that
 * it knows. Shortcodes of plugins are left out and named; what they gate is left out with them.
 */
export function renderWordpress(
  content: string,
  context: WordpressContext,
): { html: string; warnings: string[] } {
  // It is refused by its length, after this.
  if (content.length > MAX_HTML_CHARACTERS) return { html: content, warnings: [] }
  const whole = withSharedBlocks(content.replaceAll('\r\n', '\n'), context.blocks, 0, {
    left: MAX_HTML_CHARACTERS,
  })
  const dropped = new Set<string>()
  const shortcodes = withoutShortcodes(whole, context, dropped)
  const embedded = shortcodes.replaceAll(EMBED, (_, open: string, url: string, close: string) => {
    return `${open}${linkTo(url)}${close}`
  })
  const isClassic = !whole.includes('<!-- wp:')
  const html = isClassic
    ? paragraphs(embedded.replaceAll(ALONE, (_, url: string) => linkTo(url)))
    : embedded.replaceAll(CODE_BLOCK, '<pre><code class="language-$1">')
  if (dropped.size === 0) return { html, warnings: [] }
  const names = [...dropped].slice(0, 8).join(', ')
  return { html, warnings: [`Shortcodes that are not known are left out: ${names}.`] }
}

function linkTo(url: string): string {
  const safe = url.replaceAll('"', '&quot;')
  return `<a href="${safe}">${safe}</a>`
}

/** @param budget Characters that shared blocks may still add: one may show another, or itself. */
function withSharedBlocks(
  text: string,
  blocks: WordpressContext['blocks'],
  depth: number,
  budget: { left: number },
): string {
  return text.replaceAll(SHARED_BLOCK, (_, id: string) => {
    const block = blocks.get(id) ?? ''
    budget.left -= block.length
    return depth < 3 && budget.left >= 0 ? withSharedBlocks(block, blocks, depth + 1, budget) : ''
  })
}

/** Blank lines between paragraphs, and line breaks in them; not within preformatted text. */
function paragraphs(text: string): string {
  let html = ''
  let at = 0
  for (;;) {
    const start = text.indexOf('<pre', at)
    const end = start < 0 ? -1 : text.indexOf('</pre>', start)
    if (end < 0) return html + paragraphsOf(text.slice(at))
    html += `${paragraphsOf(text.slice(at, start))}\n${text.slice(start, end + 6)}\n`
    at = end + 6
  }
}

function paragraphsOf(text: string): string {
  return text
    .replaceAll(BLOCK_START, '\n\n$1')
    .replaceAll(BLOCK_END, '$1\n\n')
    .split(/\n\s*\n/)
    .map((it) => it.trim())
    .filter((it) => it !== '')
    .map((it) => (STARTS_WITH_BLOCK.test(it) ? it : `<p>${it.replaceAll('\n', '<br>\n')}</p>`))
    .join('\n')
}

interface Shortcode {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  /** The first one that has no name, such as an address. */
  readonly bare: string
}

/** A shortcode as written: `[name attributes]`, `[/name]`, or `[[name]]`, which means itself. */
interface Mark {
  readonly name: string
  readonly attributes: string
  readonly closes: boolean
  readonly isQuoted: boolean
  readonly start: number
  readonly end: number
}

function* marksIn(text: string): Generator<Mark> {
  for (const { 0: head, 1: doubled, 2: slash, 3: name = '', index } of text.matchAll(
    SHORTCODE_START,
  )) {
    const close = endOfAttributes(text, index + head.length)
    if (close === undefined) continue
    const isQuoted = doubled === '[' && text[close + 1] === ']'
    yield {
      name,
      attributes: text.slice(index + head.length, close),
      closes: slash === '/',
      isQuoted,
      start: doubled === '[' && !isQuoted ? index + 1 : index,
      end: close + (isQuoted ? 2 : 1),
    }
  }
}

/** Where the `]` is that no quotes hold. */
function endOfAttributes(text: string, start: number): number | undefined {
  let closing: string | undefined
  const most = Math.min(text.length, start + MAX_ATTRIBUTES)
  for (let at = start; at < most; at++) {
    const character = text[at] ?? ''
    if (closing !== undefined) {
      if (character === closing) closing = undefined
    } else if (character === ']') return at
    else if (character === '[') return undefined
    else closing = QUOTES[character]
  }
  return undefined
}

function withoutShortcodes(text: string, context: WordpressContext, dropped: Set<string>): string {
  const marks = [...marksIn(text)]
  /** Closing marks by name, the last one first. */
  const ends = new Map<string, Mark[]>()
  for (const mark of marks.toReversed()) {
    const key = mark.name.toLowerCase()
    if (mark.closes)
      ends
        .set(key, ends.get(key) ?? [])
        .get(key)
        ?.push(mark)
  }
  let html = ''
  let at = 0
  for (const { name, attributes, closes, isQuoted, start, end } of marks) {
    if (start < at) continue
    const key = name.toLowerCase()
    const closing = ends.get(key) ?? []
    while ((closing.at(-1)?.start ?? end) < end) closing.pop()
    const close = closes ? undefined : closing.at(-1)
    const isGate = GATES.test(key)
    // Brackets are also punctuation: "[sic]".
    const isMeant =
      KNOWN.has(key) || isGate || closes || close !== undefined || attributes.includes('=')
    if (!isQuoted && !isMeant) continue
    html += text.slice(at, start)
    at = end
    if (isQuoted) html += text.slice(start + 1, end - 1)
    else if (isGate && !context.isOpen) {
      at = close?.end ?? end
      dropped.add(name)
    } else if (!closes) {
      const inner = close === undefined ? '' : text.slice(end, close.start)
      const rendered = render(shortcodeOf(key, attributes), inner, context)
      if (rendered === undefined) dropped.add(name)
      else {
        html += rendered
        at = close?.end ?? end
      }
    } else if (!KNOWN.has(key)) dropped.add(name)
  }
  return html + text.slice(at)
}

function shortcodeOf(name: string, source: string): Shortcode {
  const attributes = new Map<string, string>()
  const pairs = source.matchAll(
    /([\w-]{1,40})\s*=\s*(?:["“”'‘’]([^"“”'‘’]{0,2000})["“”'‘’]|([^\s"“”\]]{1,2000}))/g,
  )
  for (const [, key = '', quoted, plain] of pairs)
    attributes.set(key.toLowerCase(), quoted ?? plain ?? '')
  return {
    name,
    attributes,
    bare: /^[\s=]*["']?(https?:\/\/[^\s"']+|[^\s="']+)/.exec(source)?.[1] ?? '',
  }
}

const KNOWN = new Set(
  'caption wp_caption gallery embed youtube vimeo tweet soundcloud spotify audio video playlist code sourcecode more'.split(
    ' ',
  ),
)

/** The HTML of a shortcode that WordPress itself, or most sites, know. */
function render(
  { name, attributes, bare }: Shortcode,
  inner: string,
  { id, attachments }: WordpressContext,
): string | undefined {
  const value = (key: string) => attributes.get(key) ?? ''
  switch (name) {
    case 'caption':
    case 'wp_caption': {
      const [picture = ''] = /^\s*(?:<a\b[^>]*>\s*)?<img\b[^>]*>(?:\s*<\/a>)?/i.exec(inner) ?? []
      const caption = value('caption') || inner.slice(picture.length).trim()
      return `<figure>${picture}<figcaption>${caption}</figcaption></figure>`
    }
    case 'gallery': {
      const ids = (value('ids') || value('include')).split(/[\s,]+/).filter((it) => it !== '')
      const all = [...attachments].filter(([, it]) => it.parent === id).map(([key]) => key)
      const shown = (ids.length > 0 ? ids : all).slice(0, 100).map((it) => attachments.get(it))
      const pictures = shown.map((it) => (it === undefined ? '' : figureOf(it)))
      return pictures.join('')
    }
    case 'embed':
      return linkTo((inner || value('src') || bare).trim())
    case 'youtube':
    case 'vimeo':
    case 'tweet':
    case 'soundcloud':
    case 'spotify': {
      const url = (value('url') || bare || inner).trim()
      return /^https?:/i.test(url) ? linkTo(url) : undefined
    }
    case 'audio':
    case 'video': {
      const keys = ['src', 'mp3', 'm4a', 'ogg', 'wav', 'mp4', 'm4v', 'webm', 'ogv']
      const source = keys.map(value).find((it) => it !== '') ?? ''
      return `<${name} src="${source.replaceAll('"', '&quot;')}"></${name}>`
    }
    case 'code':
    case 'sourcecode': {
      const language = (value('language') || value('lang')).replaceAll(/[^\w+#-]/g, '')
      const code = inner
        .replace(/^(?:[ \t]*\n)+/, '')
        .trimEnd()
        .replaceAll('<', '&lt;')
      return `<pre><code class="language-${language}">${code}</code></pre>`
    }
    case 'more':
      return ''
    default:
      return undefined
  }
}

function figureOf({ url, alt, caption }: MediaFile): string {
  const picture = `<img src="${url.replaceAll('"', '&quot;')}" alt="${alt.replaceAll('"', '&quot;')}">`
  return `<figure>${picture}<figcaption>${caption}</figcaption></figure>`
}
