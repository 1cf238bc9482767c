import type { Element, ElementContent } from 'hast'
import type { Handle, State } from 'hast-util-to-mdast'
import type { PhrasingContent, Nodes, Text } from 'mdast'
import type { Handle as Write } from 'mdast-util-to-markdown'
import { FOOTNOTE, FOOTNOTE_MARK, makeFootnotes } from './footnotes.ts'
import { tidy } from './tidy.ts'
import { attribute, cleanHtml, type HtmlRules } from './tree.ts'

export interface ConversionRules extends HtmlRules {
  /** The address that a link leads to; undefined makes plain text of it. */
  link?(address: string): string | undefined
  /** The address of a picture; undefined leaves it out. */
  picture?(element: Element): string | undefined
}

/** Elements that Markdown has no marks for, kept as the HTML that readers show. */
const KEPT_HTML = ['sub', 'sup', 'ins', 'kbd', 'mark']

/** The name that rules give to an element whose `title` is Markdown as it is. */
export const VERBATIM = 'x-verbatim'

/**
 * The Markdown of a post in HTML.
 * @returns `isCut` where a rule left out some of it, `marks` the ids of footnotes that it refers to.
 * @throws INVALID_DRAFT, TOO_LARGE as `cleanHtml` does.
 */
export async function htmlToMarkdown(
  html: string,
  rules: ConversionRules = {},
): Promise<{
  readonly markdown: string
  readonly isCut: boolean
  readonly marks: ReadonlySet<string>
}> {
  const [{ root, isCut }, { toMdast, toMarkdown, text, extension }] = await Promise.all([
    cleanHtml(html, rules),
    load(),
  ])
  makeFootnotes(root)
  tidy(root)
  const marks = new Set<string>()
  const tree = toMdast(root, { handlers: handlers(rules, marks), document: true })
  const markdown = writeBesideCjk(tree, html, () =>
    toMarkdown(tree, {
      extensions: [extension],
      handlers: { text, inlineMath: ({ value }: { value: string }) => value } as object,
      bullet: '-',
      rule: '-',
      listItemIndent: 'one',
    }),
  )
  return { markdown, isCut, marks }
}

/** Text without a sign that is a mark of Markdown wherever in a line it stands, behind anything but a bracket. */
const WORDS = /^(?!\()[\p{L}\p{N} ,;?%"'’“”–—…()/.-]*(?:& [\p{L}\p{N} ,;?%"'’“”–—…()/.-]*)*$/u
/** What becomes a link by itself: `www.` */
const LINK = /w\.[\w.-]/i

/**
 * Writes texts as the library does, which looks into each of them for some forty signs, and twice where another node
 * stands before: half of the time of a conversion.
 */
export function textWriter(write: Write): Write {
  return (node: { readonly value: string }, parent, state, info) => {
    const { value } = node
    // Blanks at the ends of a line go, and a number or a dash may begin a list.
    const isBegun = !/[\r\n]$/.test(info.before) || /^\p{L}/u.test(value)
    const isEnded = !value.endsWith(' ') || !/^[\r\n]/.test(info.after)
    return isBegun && isEnded && WORDS.test(value) && !LINK.test(info.before + value + info.after)
      ? value
      : write(node, parent, state, info)
  }
}

// Loading takes 0.2 s, and the patterns of the extension are compiled once.
let loaded: ReturnType<typeof loadOnce> | undefined
function load() {
  return (loaded ??= loadOnce())
}

async function loadOnce() {
  const [{ toMdast }, { toMarkdown, defaultHandlers }, { gfmToMarkdown }] = await Promise.all([
    import('hast-util-to-mdast'),
    import('mdast-util-to-markdown'),
    import('mdast-util-gfm'),
  ])
  const text = textWriter(defaultHandlers.text)
  // Aligned pipes make every row as long as the longest one.
  return { toMdast, toMarkdown, text, extension: gfmToMarkdown({ tablePipeAlign: false }) }
}

function handlers(rules: ConversionRules, marks: Set<string>): Record<string, Handle> {
  const linked = (address: string, children: PhrasingContent[]): PhrasingContent[] => {
    const url = address === '' || rules.link === undefined ? address : rules.link(address)
    return url === undefined || url === '' ? children : [{ type: 'link', url, children }]
  }
  const media: Handle = (_state, node) => {
    const address = addressOf(node)
    const label = attribute(node, 'title') || nameOf(address) || node.tagName
    if (address === '') return []
    const children = linked(shownAddress(address), [{ type: 'text', value: label }])
    return { type: 'paragraph', children }
  }
  const kept: Handle = (state, node) => {
    const children = phrasing(state, node)
    if (children.length === 0) return []
    const { tagName } = node
    return [verbatim(`<${tagName}>`), ...children, verbatim(`</${tagName}>`)]
  }
  const all: Record<string, Handle> = {
    a: (state, node) => {
      const children = phrasing(state, node)
      return children.length === 0 ? [] : linked(attribute(node, 'href'), children)
    },
    img: (_state, node) => {
      const url = rules.picture === undefined ? sourceOf(node) : rules.picture(node)
      if (url === undefined || url === '') return []
      return { type: 'image', url, alt: attribute(node, 'alt').replaceAll(/\s+/g, ' ').trim() }
    },
    iframe: media,
    audio: media,
    video: media,
    figcaption: (state, node) => {
      const words = phrasing(state, node)
      const children = words.flatMap((it) => (it.type === 'emphasis' ? it.children : [it]))
      if (children.length === 0) return []
      return { type: 'paragraph', children: [{ type: 'emphasis', children }] }
    },
    summary: (state, node) => {
      const children = phrasing(state, node)
      return { type: 'paragraph', children: [{ type: 'strong', children }] }
    },
    [FOOTNOTE_MARK]: (_state, node) => {
      const identifier = attribute(node, 'id')
      marks.add(identifier)
      return { type: 'footnoteReference', identifier, label: identifier }
    },
    [FOOTNOTE]: (state, node) => {
      const identifier = attribute(node, 'id')
      const children = state.toFlow(state.all(node)) as never[]
      return { type: 'footnoteDefinition', identifier, label: identifier, children }
    },
    [VERBATIM]: (_state, node) => verbatim(attribute(node, 'title')),
  }
  for (const name of KEPT_HTML) all[name] = kept
  return all
}

/** Markdown as it is. Of the types that a paragraph may hold, this is the one that nothing else here makes. */
function verbatim(value: string): PhrasingContent {
  return { type: 'inlineMath', value } as never
}

/** The content of an element as one run of text, whatever blocks it has. */
function phrasing(state: State, node: Element): PhrasingContent[] {
  const blank = { type: 'text', value: ' ' } as const
  const words: unknown[] = state.all(node).flatMap((it, at): readonly unknown[] => {
    if (it.type !== 'paragraph') return [it]
    return at === 0 ? it.children : [blank, ...it.children]
  })
  return words as never[]
}

const LATE_SOURCES = [
  'data-src',
  'data-lazy-src',
  'data-original',
  'data-srcset',
  'data-lazy-srcset',
  'srcset',
]

/** The address of a picture, also of one that a page loads late. */
export function sourceOf(element: Element): string {
  const source = attribute(element, 'src')
  if (source !== '' && !source.startsWith('data:')) return source
  for (const name of LATE_SOURCES) {
    const value = attribute(element, name).trim()
    const late = name.endsWith('srcset') ? (value.split(/[\s,]/, 1)[0] ?? '') : value
    if (late !== '' && !late.startsWith('data:')) return late
  }
  return source
}

function addressOf(element: Element): string {
  const own = sourceOf(element)
  if (own !== '') return own
  const sources = element.children.filter((it) => isNamed(it, 'source'))
  return sources.map((it) => attribute(it, 'src')).find((it) => it !== '') ?? ''
}

function isNamed(node: ElementContent, name: string): node is Element {
  return node.type === 'element' && node.tagName === name
}

/** Players are shown in frames at addresses of their own; this is what people open. */
const PLAYERS: readonly (readonly [frame: RegExp, page: string])[] = [
  [
    /^(?:https?:)?\/\/(?:www\.)?youtube(?:-nocookie)?\.com\/embed\/([\w-]+).*$/s,
    'https://www.youtube.com/watch?v=$1',
  ],
  [/^(?:https?:)?\/\/player\.vimeo\.com\/video\/(\d+).*$/s, 'https://vimeo.com/$1'],
  [/^(?:https?:)?\/\/open\.spotify\.com\/embed\/(\w+\/\w+).*$/s, 'https://open.spotify.com/$1'],
]

function shownAddress(address: string): string {
  for (const [frame, page] of PLAYERS) {
    if (frame.test(address)) return address.replace(frame, page)
  }
  return address
}

function nameOf(address: string): string {
  const shown = shownAddress(address)
  if (shown !== address) return shown
  return (
    /([^/?#]+\.[a-z0-9]{2,4})(?:[?#].*)?$/i.exec(address)?.[1] ??
    /^(?:https?:)?\/\/(.+)$/.exec(address)?.[1] ??
    address
  )
}

const EMPHASIS: ReadonlySet<string> = new Set(['strong', 'emphasis', 'delete'])
const CJK =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\u3000-\u303f\uff00-\uffef]/u
/** A sign of punctuation that is not in the text. */
const GAPS = ['\u2e5d', '\u2e5c', '\u2e5b'] as const

/**
 * Lets emphasis beside Chinese, Japanese and Korean characters be written as readers show it. The writer knows the rules
 * of CommonMark alone, by which a character beside it must be a reference (`&#x30C8;`); it sees a sign of punctuation
 * between them instead, and `write` takes that from what it wrote.
 */
function writeBesideCjk(tree: Nodes, source: string, write: () => string): string {
  const gap = CJK.test(source) ? GAPS.find((it) => !source.includes(it)) : undefined
  if (gap === undefined) return write()
  separate(tree, gap)
  return write().replaceAll(gap, '')
}

function separate(tree: Nodes, gap: string): void {
  const waiting: Nodes[] = [tree]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (!('children' in node)) continue
    const { children } = node as { children: Nodes[] }
    const text: Text = { type: 'text', value: gap }
    node.children = children.flatMap((it, at) => {
      if (!EMPHASIS.has(it.type)) return [it]
      const [before, after] = [children[at - 1], children[at + 1]]
      const opens = before?.type === 'text' && isCjk(edge(before, -1), edge(it, 0))
      const closes = after?.type === 'text' && isCjk(edge(it, -1), edge(after, 0))
      return [...(opens ? [text] : []), it, ...(closes ? [text] : [])]
    })
    for (const it of children) waiting.push(it)
  }
}

function isCjk(...characters: string[]): boolean {
  return characters.some((it) => CJK.test(it))
}

/** The first or the last character of a text. */
function edge(node: Nodes, at: 0 | -1): string {
  let inner: Nodes | undefined = node
  while (inner !== undefined && 'children' in inner) inner = (inner.children as Nodes[]).at(at)
  const value = inner?.type === 'text' ? inner.value : ''
  return at === 0 ? (/^./su.exec(value)?.[0] ?? '') : (/.$/su.exec(value)?.[0] ?? '')
}
