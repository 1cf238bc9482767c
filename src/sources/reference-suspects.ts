import { readHtml } from '../render/markdown/raw-html.ts'
import { isLocal, REFERRING, targetOf } from './local-reference.ts'

const DESTINATION = /\(\s{0,64}<?([^\s<>)]{0,64})/y
export const DEFINITION =
  /\]:(?<=^[ \t>*+\d.)-]{0,200}\[(?!\^)((?:\\.|[^[\]\\]){1,999})\]:)[ \t]{0,64}(?:\r?\n[ \t]{0,64})?<?([^\s<>]{0,1024})/gm
const HTML = new RegExp(`<(?:${Object.keys(REFERRING).join('|')})\\s`, 'iy')
/** Longest tag that is looked at without a parser. */
const MAX_TAG_CHARACTERS = 2_000

/** What only a pattern takes for a path: an address behind a slip, the time of a day or a label behind a label. */
const NO_PATH = /^(?:[(\p{Cc}]https?:\/\/|\d{1,2}:\d\d(?:[ap]m)?$|\[[^\]]*\]:$)/u
/** A placeholder in a template: `SUBMISSION_LINK`. */
const PLACEHOLDER = /^[A-Z]+(?:_[A-Z]+)+$/

// Parsing takes 20 ms, this 0.1 ms: most targets in newsletters are on the web. In
// doubt the answer is yes.
export function mayRefer(text: string): boolean {
  return suspectsIn(text).next().done === false
}

const WORDS_BEHIND = /[ \t]+[^\s"'(]/y

type Range = readonly [start: number, end: number]

function isOnTheWeb(text: string, at = 0): boolean {
  return text.startsWith('https://', at) || text.startsWith('http://', at)
}

/** A label as CommonMark compares it. */
export function labelOf(text = ''): string {
  return text.replaceAll(/\s+/g, ' ').trim().toLowerCase().toUpperCase()
}

/** A definition of a path on a line of its own. */
export interface LocalDefinition {
  readonly target: string
  /** Where the target stands in the text. */
  readonly place: { readonly start: number; readonly end: number }
}

/** What no other line gives another meaning, if only such lines come before it in its paragraph; `[x]` is a check box. */
const PLAIN_DEFINITION =
  /^(\[(?!\^|x\])[^[\]\\\s`][^[\]\\`]{0,200}\]:[ \t]+)([^\s<>()\\&\p{Cc}]{1,1000})[ \t]*\r?$/iu

/** What a text defines as a path, by labels; undefined if that takes a parser. */
export function localDefinitions(text: string): Map<string, LocalDefinition> | undefined {
  const local = new Map<string, LocalDefinition>()
  const paths = text.includes(']:') ? definedPaths(text) : []
  if (paths.length === 0) return local
  const plain = plainDefinitions(text)
  for (const { label, at } of paths) {
    const definition = plain.get(at)
    if (definition === undefined || local.has(label)) return undefined
    local.set(label, definition)
  }
  let times = 0
  for (const [, label] of text.matchAll(DEFINITION)) if (local.has(labelOf(label))) times++
  return times === local.size ? local : undefined
}

/** Labels of what may be a definition of a path, and where their `]:` stands. */
function definedPaths(text: string): { readonly label: string; readonly at: number }[] {
  const paths: { label: string; at: number }[] = []
  for (const { 0: whole, 1: label = '', 2: target = '', index } of text.matchAll(DEFINITION)) {
    // Words that are no title make text of it.
    WORDS_BEHIND.lastIndex = index + whole.length
    const isText = !`${label}${whole}`.includes('<') && WORDS_BEHIND.test(text)
    if (!isText && !isOnTheWeb(target) && !NO_PATH.test(target) && isLocal(target))
      paths.push({ label: labelOf(label), at: index })
  }
  return paths
}

/** By where their `]:` stands. */
function plainDefinitions(text: string): Map<number, LocalDefinition> {
  const plain = new Map<number, LocalDefinition>()
  let at = 0
  let plainAt = 0
  for (const line of text.split('\n')) {
    const match = at === plainAt ? PLAIN_DEFINITION.exec(line) : null
    const [, before = '', target = ''] = match ?? []
    const start = at + before.length
    if (match !== null)
      plain.set(at + line.indexOf(']:'), { target, place: { start, end: start + target.length } })
    at += line.length + 1
    if (match !== null || line.trim() === '') plainAt = at
  }
  return plain
}

const LABEL = /\[([^[\]]{1,999})\]/g

/** Where a text may refer to a path; all of it for a definition that only a parser is sure of. */
function* suspectsIn(typed: string): Generator<Range> {
  const text = withoutComments(typed)
  const definitions = localDefinitions(text)
  if (definitions === undefined) yield [0, text.length]
  for (const { 0: whole, 1: label, index } of definitions?.size ? text.matchAll(LABEL) : []) {
    const end = index + whole.length
    const isDefinition = text[end] === ':' && (index === 0 || text[index - 1] === '\n')
    if (!isDefinition && definitions?.has(labelOf(label)) === true) yield [index, end]
  }
  for (let at = text.indexOf(']('); at >= 0; at = text.indexOf('](', at + 2)) {
    if (isOnTheWeb(text, at + 2)) continue
    const destination = matchAt(DESTINATION, text, at + 1)
    // One that does not follow at once may stand on the next line of a quote.
    const isEmpty = destination === '' && text[DESTINATION.lastIndex] === ')'
    if (destination === undefined || isEmpty || PLACEHOLDER.test(destination)) continue
    if (!NO_PATH.test(destination) && isLocal(destination)) yield [at, at + 2]
  }
  let isOpen: boolean | undefined
  for (let index = text.indexOf('<'); index >= 0; index = text.indexOf('<', index + 1)) {
    HTML.lastIndex = index
    if (!HTML.test(text)) continue
    const length = text.slice(index, index + MAX_TAG_CHARACTERS).indexOf('>') + 1
    const [tag] = length === 0 ? [] : readHtml(text.slice(index, index + length))
    if (tag?.type === 'open' && !isLocal(targetOf(tag)?.target ?? '#')) continue
    isOpen ??= OPEN_HTML.test(text)
    yield isOpen ? [0, text.length] : [index, length === 0 ? text.length : index + length]
  }
}

/** HTML that goes on behind a blank line. */
export const OPEN_HTML = /<(?:pre|script|style|textarea|[!?])/i

/** Code or HTML may begin within what looks like a comment, or before. */
export const FENCE = /^[ \t>*+\d.)-]*(?:```|~~~)/m

// Some letters have a form for their links in comments.
export function withoutComments(text: string): string {
  let kept = ''
  let done = 0
  let [hasTag, hasCode] = [false, false]
  for (let at = text.indexOf('<!--'); at >= 0; at = text.indexOf('<!--', done)) {
    const end = text.indexOf('-->', at) + 3
    if (end < 3) break
    const comment = text.slice(at, end)
    const before = text.slice(done, at)
    const paragraph = before.lastIndexOf('\n\n')
    if (paragraph >= 0) [hasTag, hasCode] = [false, false]
    hasTag ||= before.includes('<', Math.max(0, paragraph))
    hasCode ||= before.includes('`', Math.max(0, paragraph))
    const isAlone = /(?:^|\n)[ \t]*$/.test(before.slice(-8))
    const isCode = FENCE.test(comment) || hasTag || (hasCode && !isAlone)
    kept += before + (isCode ? comment : ' '.repeat(comment.length))
    hasTag ||= isCode
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

export interface Part {
  readonly text: string
  readonly start: number
  /** Whether it may refer to a path, by itself or with other parts. */
  readonly suspect: 'no' | 'alone' | 'with others'
}

export function partsOf(text: string): Part[] {
  const suspects = lastFirst(text)
  let at = 0
  return text.split(PARTS).map((part) => {
    const start = at
    at += part.length
    while ((suspects.at(-1)?.[1] ?? Infinity) <= start) suspects.pop()
    const [from = Infinity, to = 0] = suspects.at(-1) ?? []
    const isAlone = from >= start && to <= at
    return { text: part, start, suspect: from >= at ? 'no' : isAlone ? 'alone' : 'with others' }
  })
}

/** More than any text has that a parser could read; then all of it is suspect. */
const MAX_SUSPECTS = 10_000

function lastFirst(text: string): Range[] {
  const found: Range[] = []
  for (const it of suspectsIn(text)) {
    found.push(it)
    const isAll = it[0] === 0 && it[1] === text.length
    if (isAll || found.length > MAX_SUSPECTS) return [[0, text.length]]
  }
  return found.toSorted((a, b) => b[0] - a[0])
}

/**
 * A text with one letter for the words of each line that has nothing to do with a path: to any parser it has the same
 * blocks, on the same lines, and takes a tenth of the time. What refers to something lies within one paragraph.
 */
export function condensed(text: string): string {
  if (/\r(?!\n)/.test(text)) return text
  const parts = partsOf(text).map(({ text: part, suspect }) => {
    const hasTable = part.includes('|') && DELIMITERS.test(part)
    return suspect !== 'no' || hasTable || FAR_REACHING.test(part)
      ? part
      : part.replaceAll(WORDS, '$1x')
  })
  return parts.join('')
}

function matchAt(sticky: RegExp, text: string, at: number): string | undefined {
  sticky.lastIndex = at
  return sticky.exec(text)?.[1]
}
