import type { Definition, Nodes } from 'mdast'
import type { Handle } from 'mdast-util-from-markdown'
import type { Point } from 'unist'
import { pushHtml, pushLocal, REFERRING, type LocalReference } from './local-reference.ts'
import { codeIn } from './markdown-code.ts'
import {
  condensed,
  DEFINITION,
  FENCE,
  labelOf,
  localDefinitions,
  mayRefer,
  OPEN_HTML,
  partsOf,
  withoutComments,
  type LocalDefinition,
  type Part,
} from './reference-suspects.ts'

/** Levels of quotes and lists that a line may begin with; deeper ones overflow the parser's stack in the end. */
const MAX_NESTING = 40
/** Sum of the levels over all lines of more than 6: the parser takes 0.25 ms for each. */
const MAX_DEEP_NESTING = 4_000
/** The parser is quadratic in what might open a link or code within one paragraph: 2,000 take 40 ms. */
const MAX_OPENINGS_PER_PARAGRAPH = 2_000
/** Longest text that is parsed, three times the longest real issue: 0.3 s, where 2 MiB take 30 s. */
const MAX_PARSED_CHARACTERS = 128 * 1024

const HTML = new RegExp(`<(?:${Object.keys(REFERRING).join('|')})\\s`, 'i')
/** Paragraphs that are parsed one by one: each takes 1 ms at first. */
const MAX_PARTS = 32
const IMAGE =
  /!\[([^[\]]{0,1000})\](?:\([ \t]{0,16}(?:<([^<>\r\n]{1,1000})>|([^\s<>()]{1,1000}))|\[([^[\]]{0,1000})\])?/g

/**
 * What a Markdown text shows or links to by a local path, also by HTML, in the order of the text. Nothing in code counts. A
 * text that would take a parser very long is searched line by line instead: there, links are not looked for.
 */
export async function localReferences(text: string): Promise<LocalReference[]> {
  if (!mayRefer(text)) return []
  const alone = await referencesInParts(text)
  if (alone !== undefined) return alone
  const shorter = condensed(text)
  return isSimple(shorter) ? referencesByParser(text, shorter) : imagesByPattern(text)
}

// A part that begins a line lies in no list or quote: where no code or HTML before it goes on, it means the same alone.
async function referencesInParts(text: string): Promise<LocalReference[] | undefined> {
  const plain = withoutComments(text)
  const hidden = Math.min(
    ...[FENCE, OPEN_HTML, /\r(?!\n)/].map((it) => it.exec(plain)?.index ?? Infinity),
  )
  const definitions = localDefinitions(plain)
  if (definitions === undefined) return undefined
  if ([...definitions.values()].some((it) => it.place.start >= hidden)) return undefined
  const parts: Part[] = []
  let isInHtml = false
  for (const part of partsOf(plain)) {
    if (/^\n[ \t]*\r?\n$/.test(part.text)) isInHtml = false
    else if (part.suspect !== 'no') {
      if (part.suspect !== 'alone' || isInHtml || part.start >= hidden || /^\s/.test(part.text))
        return undefined
      parts.push(part)
    }
    isInHtml ||= part.text.includes('<')
  }
  if (parts.length > MAX_PARTS || !parts.every((it) => isSimple(it.text))) return undefined
  const found: LocalReference[] = []
  for (const { start, text: part } of parts) {
    const above = text.slice(0, start).split('\n').length - 1
    const written = text.slice(start, start + part.length)
    const links = linksOnly(written, start, definitions)
    // The parser would miss definitions outside of the part.
    if (links === undefined && definitions.size > 0) return undefined
    const all = links ?? (await referencesByParser(written)).map((it) => movedBy(start, it))
    for (const it of all) found.push({ ...it, line: it.line + above })
  }
  return found
}

function movedBy(start: number, it: LocalReference): LocalReference {
  if (it.place === undefined) return it
  return { ...it, place: { start: it.place.start + start, end: it.place.end + start } }
}

/** A link, or an image, without anything that has another meaning in Markdown. */
const PLAIN_LINK = /(!?)\[([^[\]]*)\](?:\(([^\s()<>]+)\)|\[([^[\]]*)\])?(?![[(:])/g
/** Code on one line, and in one cell of a table. */
const CODE = /(?<!`)`[^`|\n]+`(?!`)/g

/** What may give what looks like a link another meaning: other code, HTML, escapes, references to characters. */
const OTHER_MEANING = /[`<\\]|&[#\w]+;|~~~/
const INDENTED = /^(?: {4}| {0,3}\t)/m
/** Lines of words, each of which may be an item of a list: below one of them nothing is code by its indentation. */
const WORDS = /^(?: *(?:[*+-] )?(?!\d+[.)] )[\p{L}\p{N}[][^\n]*(?:\n|$))+$/u

// In a part that has none of that, what looks like a link is one, if all brackets belong to links.
function linksOnly(
  written: string,
  start: number,
  definitions: ReadonlyMap<string, LocalDefinition>,
): LocalReference[] | undefined {
  if (OTHER_MEANING.test(written.replaceAll(CODE, ''))) return undefined
  if (INDENTED.test(written) && !WORDS.test(written)) return undefined
  // No link has such a sign in its target.
  const part = written.replaceAll(CODE, (it) => '<'.repeat(it.length))
  const found: LocalReference[] = []
  const matches = [...part.matchAll(PLAIN_LINK)]
  const pairs = matches.length + matches.filter((it) => it[4] !== undefined).length
  if (pairs !== part.split('[').length - 1 || pairs !== part.split(']').length - 1) return undefined
  for (const { 0: whole, 1: mark, 2: words = '', 3: own, 4: label, index } of matches) {
    const end = start + index + whole.length - 1
    const line = part.slice(0, index).split('\n').length
    const kind = mark === '!' ? 'image' : 'link'
    if (kind === 'image' && words.includes('<')) return undefined
    const alt = kind === 'image' ? words : ''
    const { target, place } =
      own === undefined
        ? (definitions.get(labelOf(label || words)) ?? {})
        : { target: own, place: { start: end - own.length, end } }
    pushLocal(found, { kind, target, alt, line, place })
  }
  return found
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
  const code = codeIn(text)
  let at = 0
  let line = 0
  for (const words of text.split('\n')) {
    line++
    const start = at
    at += words.length + 1
    if (code[start] === 1) continue
    if (HTML.test(words)) pushHtml(images, words, line)
    for (const { 1: alt = '', 2: quoted, 3: bare, 4: label, index } of words.matchAll(IMAGE)) {
      const target = quoted ?? bare ?? targets.get(labelOf(label || alt))
      if (code[start + index] !== 1) pushLocal(images, { kind: 'image', target, alt, line })
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
