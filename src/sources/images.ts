import type { Nodes } from 'mdast'
import { readHtml } from '../render/markdown/raw-html.ts'

/** An image that a text shows from a place which is not on the web. */
export interface LocalImage {
  /** As written, without `?query` and `#fragment`, percent-decoded. */
  readonly path: string
  readonly alt: string
  /** Line of the text, from 1. */
  readonly line: number
}

/** Levels of quotes and lists that a line may begin with; deeper ones overflow the parser's stack in the end. */
const MAX_NESTING = 40
/** Sum of the levels over all lines of more than 6: the parser takes 0.25 ms for each. */
const MAX_DEEP_NESTING = 4_000
/** The parser is quadratic in what might open a link or code within one paragraph: 2,000 take 40 ms. */
const MAX_OPENINGS_PER_PARAGRAPH = 2_000
/** Longest text that is parsed, three times the longest real issue: 0.3 s, where 2 MiB take 30 s. */
const MAX_PARSED_CHARACTERS = 128 * 1024

/** Longest description of an image that is looked at without a parser. */
const MAX_ALT_CHARACTERS = 1_000

const DESTINATION = /\(\s{0,64}<?([^\s<>)]{0,64})/y
const REFERENCE = /\[((?:\\.|[^[\]\\]){1,999})\]/y
const DEFINITION =
  /^[ \t>*+\d.)-]{0,200}\[(?!\^)((?:\\.|[^[\]\\]){1,999})\]:\s{0,64}<?([^\s<>]{0,1024})/gm
const ON_THE_WEB = /^(?:[a-z][a-z0-9+.-]+:|\/\/|#|\?)/i
const FILE_URL = /^file:/i
const HTML_IMAGE = /<img\s/i
const HTML_IMAGES = new RegExp(HTML_IMAGE, 'gi')
/** Longest tag that is looked at without a parser. */
const MAX_TAG_CHARACTERS = 2_000
const IMAGE =
  /!\[([^[\]]{0,1000})\](?:\([ \t]{0,16}(?:<([^<>\r\n]{1,1000})>|([^\s<>()]{1,1000}))|\[([^[\]]{0,1000})\])?/g

/**
 * The images a Markdown text shows by a local path, also by HTML, in the order of the text. Images in code are not
 * images. A text that would take a parser very long is searched line by line instead: there, images
 * in fenced code do not count, but those in other code do.
 */
export async function localImages(text: string): Promise<LocalImage[]> {
  if (!mayShowLocalImages(text)) return []
  const images = imagesOnLines(text)
  if (images !== undefined) return images
  return isSimple(text) ? imagesByParser(text) : imagesByPattern(text)
}

// Parsing takes 20 ms for what this tells in 0.1 ms: most images of newsletters are on the web. In
// doubt the answer is yes.
function mayShowLocalImages(text: string): boolean {
  if (mayShowByHtml(text)) return true
  let at = text.indexOf('![')
  if (at < 0) return false
  const localLabels = new Set<string>()
  for (const [, label, target] of text.matchAll(DEFINITION)) {
    if (isLocal(target ?? '')) localLabels.add(labelOf(label))
  }
  for (; at >= 0; at = text.indexOf('![', at + 2)) {
    const end = endOfAlt(text, at + 2)
    if (end === undefined) return true
    const destination = matchAt(DESTINATION, text, end + 1)
    if (destination !== undefined && isLocal(destination)) return true
    if (localLabels.size === 0) continue
    if (localLabels.has(labelOf(text.slice(at + 2, end)))) return true
    if (localLabels.has(labelOf(matchAt(REFERENCE, text, end + 1)))) return true
  }
  return false
}

function mayShowByHtml(text: string): boolean {
  for (const { index } of text.matchAll(HTML_IMAGES)) {
    const end = text.indexOf('>', index) + 1
    if (end === 0 || end - index > MAX_TAG_CHARACTERS) return true
    const [image] = readHtml(text.slice(index, end))
    if (image?.type === 'open' && isLocal(image.attributes.get('src') ?? '')) return true
  }
  return false
}

/** An image that is a line: a description and a path of characters that mean nothing else in Markdown. */
const LINE = /^ {0,3}!\[([\p{L}\p{N} ,.;:?'’()-]{0,300})\]\(([\p{L}\p{N}_./%~-]{1,300})\) *$/u
const BLANK = /^[ \t]*$/
/** Where a block begins, or may, that takes in whatever follows: code in a fence, HTML. */
const OPEN_END = /```|~~~|^[\s>*+\d.)-]*<|\r(?!\n)/m

// Loading the parser takes 0.2 s, for which readers would wait. An image that is a paragraph of its own, as most are, is
// one to any parser, unless it lies in code or HTML; nothing that begins before a blank line of text goes on behind it.
function imagesOnLines(text: string): LocalImage[] | undefined {
  if (OPEN_END.test(text)) return undefined
  const lines = text.split(/\r?\n/)
  const images: LocalImage[] = []
  const others = lines.map((words, at) => {
    const isAlone = BLANK.test(lines[at - 1] ?? '') && BLANK.test(lines[at + 1] ?? '')
    const found = isAlone ? LINE.exec(words) : null
    if (found === null) return words
    push(images, found[2], found[1] ?? '', at + 1)
    return ''
  })
  return mayShowLocalImages(others.join('\n')) ? undefined : images
}

function matchAt(sticky: RegExp, text: string, at: number): string | undefined {
  sticky.lastIndex = at
  return sticky.exec(text)?.[1]
}

function labelOf(text = ''): string {
  return text.replaceAll(/\s+/g, ' ').trim().toLowerCase().toUpperCase()
}

/** Where the `]` is that ends a description; undefined where only a parser can tell. */
function endOfAlt(text: string, start: number): number | undefined {
  let depth = 0
  const most = Math.min(text.length, start + MAX_ALT_CHARACTERS)
  for (let at = start; at < most; at++) {
    const character = text[at]
    if (character === '`' || character === '<' || character === '\\') return undefined
    if (character === '[') depth++
    else if (character === ']' && depth-- === 0) return at
  }
  return undefined
}

function isLocal(target: string): boolean {
  return FILE_URL.test(target) || !ON_THE_WEB.test(target)
}

function isSimple(text: string): boolean {
  if (text.length > MAX_PARSED_CHARACTERS) return false
  let openings = 0
  let deep = 0
  for (const line of text.split('\n')) {
    const markers = /^[\s>*+\d.)-]*/.exec(line)?.[0] ?? ''
    const levels = markers.replaceAll(/\s\s?/g, ' ').length / 2
    if (levels > 6) deep += levels
    if (levels > MAX_NESTING || deep > MAX_DEEP_NESTING) return false
    if (line.trim() === '') openings = 0
    openings += line.match(/[[`<]/g)?.length ?? 0
    if (openings > MAX_OPENINGS_PER_PARAGRAPH) return false
  }
  return true
}

async function imagesByParser(text: string): Promise<LocalImage[]> {
  const [{ fromMarkdown }, { gfm }, { gfmFromMarkdown }] = await Promise.all([
    import('mdast-util-from-markdown'),
    import('micromark-extension-gfm'),
    import('mdast-util-gfm'),
  ])
  // Emphasis does not matter to images, and takes quadratic time on a text of asterisks.
  const tree = fromMarkdown(text, {
    extensions: [gfm(), { disable: { null: ['attention', 'strikethrough'] } }],
    mdastExtensions: [gfmFromMarkdown()],
  })
  const nodes = [...nodesOf(tree)]
  const definitions = new Map<string, string>()
  for (const node of nodes) {
    if (node.type === 'definition' && !definitions.has(node.identifier))
      definitions.set(node.identifier, node.url)
  }
  const images: LocalImage[] = []
  for (const node of nodes) {
    if (node.type === 'html') pushHtml(images, node.value, node.position?.start.line ?? 1)
    if (node.type !== 'image' && node.type !== 'imageReference') continue
    const target = node.type === 'image' ? node.url : definitions.get(node.identifier)
    push(images, target, node.alt ?? '', node.position?.start.line ?? 1)
  }
  return images
}

function imagesByPattern(text: string): LocalImage[] {
  const targets = new Map<string, string>()
  for (const [, label, target] of text.matchAll(DEFINITION)) {
    if (!targets.has(labelOf(label))) targets.set(labelOf(label), target ?? '')
  }
  const images: LocalImage[] = []
  let line = 0
  let fence: string | undefined
  for (const words of text.split('\n')) {
    line++
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(words)?.[1]
    if (fence !== undefined) {
      if (mark?.startsWith(fence)) fence = undefined
      continue
    }
    fence = mark
    if (HTML_IMAGE.test(words)) pushHtml(images, words, line)
    for (const [, alt = '', quoted, bare, label] of words.matchAll(IMAGE)) {
      push(images, quoted ?? bare ?? targets.get(labelOf(label || alt)), alt, line)
    }
  }
  return images
}

function pushHtml(images: LocalImage[], html: string, line: number): void {
  for (const part of readHtml(html)) {
    if (part.type !== 'open' || part.name !== 'img') continue
    push(images, part.attributes.get('src'), part.attributes.get('alt') ?? '', line)
  }
}

function push(images: LocalImage[], target: string | undefined, alt: string, line: number): void {
  if (target === undefined || !isLocal(target)) return
  const bare = target.replace(/[?#].*$/s, '')
  if (bare !== '')
    images.push({ path: decoded(bare), alt: alt.replaceAll(/\s+/g, ' ').trim(), line })
}

function decoded(target: string): string {
  try {
    return decodeURIComponent(target)
  } catch {
    return target
  }
}

function* nodesOf(root: Nodes): Generator<Nodes> {
  const waiting: Nodes[] = [root]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    yield node
    if ('children' in node)
      for (let at = node.children.length - 1; at >= 0; at--) {
        const child = node.children[at]
        if (child !== undefined) waiting.push(child)
      }
  }
}
