import type { Definition, Nodes } from 'mdast'
import type { Handle } from 'mdast-util-from-markdown'
import type { Point } from 'unist'
import { readHtml } from '../render/markdown/raw-html.ts'
import {
  isLocal,
  pushHtml,
  pushLocal,
  REFERRING,
  targetOf,
  type LocalReference,
} from './local-reference.ts'

/** Levels of quotes and lists that a line may begin with; deeper ones overflow the parser's stack in the end. */
const MAX_NESTING = 40
/** Sum of the levels over all lines of more than 6: the parser takes 0.25 ms for each. */
const MAX_DEEP_NESTING = 4_000
/** The parser is quadratic in what might open a link or code within one paragraph: 2,000 take 40 ms. */
const MAX_OPENINGS_PER_PARAGRAPH = 2_000
/** Longest text that is parsed, three times the longest real issue: 0.3 s, where 2 MiB take 30 s. */
const MAX_PARSED_CHARACTERS = 128 * 1024

const DESTINATION = /\(\s{0,64}<?([^\s<>)]{0,64})/y
const DEFINITION =
  /^[ \t>*+\d.)-]{0,200}\[(?!\^)((?:\\.|[^[\]\\]){1,999})\]:[ \t]{0,64}(?:\r?\n[ \t]{0,64})?<?([^\s<>]{0,1024})/gm
const HTML = new RegExp(`<(?:${Object.keys(REFERRING).join('|')})\\s`, 'i')
const ALL_HTML = new RegExp(HTML, 'gi')
/** Longest tag that is looked at without a parser. */
const MAX_TAG_CHARACTERS = 2_000
const IMAGE =
  /!\[([^[\]]{0,1000})\](?:\([ \t]{0,16}(?:<([^<>\r\n]{1,1000})>|([^\s<>()]{1,1000}))|\[([^[\]]{0,1000})\])?/g

/**
 * What a Markdown text shows or links to by a local path, also by HTML, in the order of the text. Nothing in code counts. A
 * text that would take a parser very long is searched line by line instead: there, images in fenced code do not
 * count, but those in other code do, and links are not looked for.
 */
export async function localReferences(text: string): Promise<LocalReference[]> {
  if (!mayRefer(text)) return []
  const images = imagesOnLines(text)
  if (images !== undefined) return images
  const shorter = condensed(text)
  return isSimple(shorter) ? referencesByParser(text, shorter) : imagesByPattern(text)
}

/** What only a pattern takes for a path: an address behind a slip, the time of a day or a label behind a label. */
const NO_PATH = /^(?:[(\p{Cc}]https?:\/\/|\d{1,2}:\d\d(?:[ap]m)?$|\[[^\]]*\]:$)/u
/** A placeholder in a template: `SUBMISSION_LINK`. */
const PLACEHOLDER = /^[A-Z]+(?:_[A-Z]+)+$/

// Parsing takes 20 ms, this 0.1 ms: most targets in newsletters are on the web. In
// doubt the answer is yes.
function mayRefer(text: string): boolean {
  return suspectsIn(text).next().done === false
}

const WORDS_BEHIND = /[ \t]+[^\s"'(]/y

type Range = readonly [start: number, end: number]

/** Where a text may refer to a path; all of it for a definition, which counts wherever its label stands. */
function* suspectsIn(typed: string): Generator<Range> {
  const text = withoutComments(typed)
  for (const { 0: whole, 2: target = '', index } of text.matchAll(DEFINITION)) {
    // Words that are no title make text of it.
    WORDS_BEHIND.lastIndex = index + whole.length
    const isText = !whole.includes('<') && WORDS_BEHIND.test(text)
    if (!isText && !NO_PATH.test(target) && isLocal(target)) yield [0, text.length]
  }
  for (let at = text.indexOf(']('); at >= 0; at = text.indexOf('](', at + 2)) {
    const destination = matchAt(DESTINATION, text, at + 1)
    // One that does not follow at once may stand on the next line of a quote.
    const isEmpty = destination === '' && text[DESTINATION.lastIndex] === ')'
    if (destination === undefined || isEmpty || PLACEHOLDER.test(destination)) continue
    if (!NO_PATH.test(destination) && isLocal(destination)) yield [at, at + 2]
  }
  for (const { index } of text.matchAll(ALL_HTML)) {
    const end = text.indexOf('>', index) + 1
    const isLong = end === 0 || end - index > MAX_TAG_CHARACTERS
    const [tag] = isLong ? [] : readHtml(text.slice(index, end))
    if (tag?.type !== 'open' || isLocal(targetOf(tag)?.target ?? '#'))
      yield OPEN_HTML.test(text) ? [0, text.length] : [index, end === 0 ? text.length : end]
  }
}

/** HTML that goes on behind a blank line. */
const OPEN_HTML = /<(?:pre|script|style|textarea|[!?])/i

/** Code or HTML may begin within what looks like a comment, or before. */
const FENCE = /^[ \t>*+\d.)-]*(?:```|~~~)/m

// Some letters have a form for their links in comments.
function withoutComments(text: string): string {
  let kept = ''
  let done = 0
  for (let at = text.indexOf('<!--'); at >= 0; at = text.indexOf('<!--', done)) {
    const end = text.indexOf('-->', at) + 3
    if (end < 3) break
    const comment = text.slice(at, end)
    kept += text.slice(done, at)
    const before = kept.slice(Math.max(0, kept.lastIndexOf('\n\n')))
    const isAlone = BLANK.test(before.slice(before.lastIndexOf('\n') + 1))
    const isCode = FENCE.test(comment) || (isAlone ? /</ : /[<`]/).test(before)
    kept += isCode ? comment : ' '.repeat(comment.length)
    done = end
  }
  return kept + text.slice(done)
}

/** What begins as text does, behind the marks of quotes, lists and headings. */
const WORDS = /^([ \t>*+\d.)#-]*)[\p{L}[!("'|][^\r\n]*/gmu
/** What has a meaning for other lines than its own: HTML, tables and definitions. */
const FAR_REACHING = /[<>]|\]:/
const DELIMITERS = /^(?=[^\n]*-)[^\p{L}\n]+$/mu
/** Nothing within a paragraph goes on behind a blank line, or in the next item of a list. */
const PARTS = /(\n[ \t]*\r?\n|\n(?= {0,3}[*+-] +\S))/

/**
 * A text with one letter for the words of each line that has nothing to do with a path: to any parser it has the same
 * blocks, on the same lines, and takes a tenth of the time. What refers to something lies within one paragraph.
 */
function condensed(text: string): string {
  if (/\r(?!\n)/.test(text)) return text
  const suspects = [...suspectsIn(text)].toSorted((a, b) => b[0] - a[0])
  let at = 0
  const parts = text.split(PARTS).map((part) => {
    const [start, end] = [at, (at += part.length)]
    while ((suspects.at(-1)?.[1] ?? Infinity) <= start) suspects.pop()
    const isKept =
      (suspects.at(-1)?.[0] ?? Infinity) < end ||
      FAR_REACHING.test(part) ||
      (part.includes('|') && DELIMITERS.test(part))
    return isKept ? part : part.replaceAll(WORDS, '$1x')
  })
  return parts.join('')
}

/** An image that is a line: a description and a path of characters that mean nothing else in Markdown. */
const LINE = /^ {0,3}!\[([\p{L}\p{N} ,.;:?'’()-]{0,300})\]\(([\p{L}\p{N}_./%~-]{1,300})\) *$/u
const BLANK = /^[ \t]*$/
/** Where a block begins, or may, that takes in whatever follows: code in a fence, HTML. */
const OPEN_END = /```|~~~|^[\s>*+\d.)-]*<|\r(?!\n)/m

// Loading the parser takes 0.2 s, for which readers would wait. An image that is a paragraph of its own, as most are, is
// one to any parser, unless it lies in code or HTML; nothing that begins before a blank line of text goes on behind it.
function imagesOnLines(text: string): LocalReference[] | undefined {
  if (OPEN_END.test(text)) return undefined
  const lines = text.split(/\r?\n/)
  const images: LocalReference[] = []
  const others = lines.map((words, at) => {
    const isAlone = BLANK.test(lines[at - 1] ?? '') && BLANK.test(lines[at + 1] ?? '')
    const found = isAlone ? LINE.exec(words) : null
    if (found === null) return words
    pushLocal(images, { kind: 'image', target: found[2], alt: found[1], line: at + 1 })
    return ''
  })
  return mayRefer(others.join('\n')) ? undefined : images
}

function matchAt(sticky: RegExp, text: string, at: number): string | undefined {
  sticky.lastIndex = at
  return sticky.exec(text)?.[1]
}

function labelOf(text = ''): string {
  return text.replaceAll(/\s+/g, ' ').trim().toLowerCase().toUpperCase()
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

declare module 'mdast' {
  interface Data {
    /** Where the target of a link, an image or a definition stands. */
    place?: { start: number; end: number }
  }
}

/**
 * What a parser finds.
 * @param shorter The text as `condensed` leaves it.
 */
export async function referencesByParser(text: string, shorter = text): Promise<LocalReference[]> {
  const [{ fromMarkdown }, { gfm }, { gfmFromMarkdown }] = await Promise.all([
    import('mdast-util-from-markdown'),
    import('micromark-extension-gfm'),
    import('mdast-util-gfm'),
  ])
  const lines = [
    0,
    ...[...text.matchAll(/\r\n?|\n/g)].map(({ 0: end, index }) => index + end.length),
  ]
  const offsetOf = ({ line, column }: Point) => (lines[line - 1] ?? 0) + column - 1
  const notePlace: Handle = function (token) {
    const node = this.stack.at(-1)
    const place = { start: offsetOf(token.start), end: offsetOf(token.end) }
    if (node !== undefined && 'children' in node) node.data = { ...node.data, place }
    else if (node !== undefined) Object.assign(node, { data: { place } })
  }
  // Emphasis does not matter to targets, and takes quadratic time on a text of asterisks.
  const tree = fromMarkdown(shorter, {
    extensions: [gfm(), { disable: { null: ['attention', 'strikethrough'] } }],
    mdastExtensions: [
      gfmFromMarkdown(),
      {
        exit: {
          resourceDestinationLiteral: notePlace,
          resourceDestinationRaw: notePlace,
          definitionDestinationLiteral: notePlace,
          definitionDestinationRaw: notePlace,
        },
      },
    ],
  })
  const nodes = [...nodesOf(tree)]
  const definitions = new Map<string, Definition>()
  for (const node of nodes) {
    if (node.type === 'definition' && !definitions.has(node.identifier))
      definitions.set(node.identifier, node)
  }
  const found: LocalReference[] = []
  for (const node of nodes) {
    const line = node.position?.start.line ?? 1
    if (node.type === 'html') {
      const start = node.position === undefined ? -1 : offsetOf(node.position.start)
      pushHtml(found, node.value, line, { text, start })
    } else if (node.type === 'image' || node.type === 'link') {
      const alt = node.type === 'image' ? node.alt : ''
      pushLocal(found, { kind: node.type, target: node.url, alt, line, place: node.data?.place })
    } else if (node.type === 'imageReference' || node.type === 'linkReference') {
      const kind = node.type === 'imageReference' ? 'image' : 'link'
      const alt = node.type === 'imageReference' ? node.alt : ''
      const { url: target, data } = definitions.get(node.identifier) ?? {}
      pushLocal(found, { kind, target, alt, line, place: data?.place })
    }
  }
  return found
}

function imagesByPattern(text: string): LocalReference[] {
  const targets = new Map<string, string>()
  for (const [, label, target] of text.matchAll(DEFINITION)) {
    if (!targets.has(labelOf(label))) targets.set(labelOf(label), target ?? '')
  }
  const images: LocalReference[] = []
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
    if (HTML.test(words)) pushHtml(images, words, line)
    for (const [, alt = '', quoted, bare, label] of words.matchAll(IMAGE)) {
      const target = quoted ?? bare ?? targets.get(labelOf(label || alt))
      pushLocal(images, { kind: 'image', target, alt, line })
    }
  }
  return images
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
