import { edited, isAlone, type Edit, type PlainMarkdown } from './dialects.ts'
import { codeIn } from './markdown-code.ts'
import { mediaTypeOf } from './media-types.ts'
import { readTemplate } from './templates.ts'

/** The first line of an import or export; a paragraph of words may begin so, too. */
const MODULE =
  /^(?:import[ \t]+(?:["']|\{[ \t]*\r?$|[\w*{][^;\n]{0,300}?(?:from[ \t]+["']|[{,][ \t]*\r?$))|export[ \t]+(?:default|const|let|var|function|class|async|\{|\*))[^\n]*/gm
const IMPORTED = /import[ \t]+(\w+)[ \t]+from[ \t]+["']([^"'\n]+)["']/g
const COMMENT = /\{\s{0,9}\/\*(?:(?!\*\/|\{\s{0,9}\/\*)[^]){0,4000}\*\/\s{0,9}\}/g
const TAG =
  /<(\/?)([A-Za-z][\w.]{0,60}|)((?:\s+[\w:-]{1,60}(?:=(?:"[^"]{0,2000}"|'[^']{0,2000}'|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]{0,500}\}){0,500}\}){0,2000}\}))?){0,40})\s{0,200}(\/?)>/g
const ATTRIBUTE =
  /([\w:-]+)(?:=(?:"([^"]*)"|'([^']*)'|\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}))?/g
const EXPRESSION = /(?<![\\$])\{[^{}\n]{1,300}\}/g

/** A line that begins with blanks only. */
const BLANK = /\n[ \t]*$/

const PICTURE = /(?:image|img|picture|figure|photo)$/i
const EMBED = /^(?:youtube|vimeo|gist|tweet|instagram)(?:Embed)?$/i
const ALERT =
  /^(?:callout|admonition|alert|aside|note|info|tip|hint|success|important|warning|caution|danger|error)$/i

/**
 * MDX as Markdown: without what is imported and exported, comments and components, whose content stays; pictures that are
 * imported by their paths, alerts as containers, and players as links. Every line keeps its number.
 */
export function readMdx(text: string): PlainMarkdown {
  const code = codeIn(text)
  const edits: Edit[] = []
  const blank = (start: number, end: number, by = '') =>
    edits.push({ start, end, text: by + text.slice(start, end).replaceAll(/[^\n]/g, '') })
  const paths = new Map<string, string>()
  let done = 0
  let unclosed = 0
  for (const { index } of text.matchAll(MODULE)) {
    if (index < done || code[index] === 1) continue
    const module = endOfModule(text, index, unclosed < MAX_UNCLOSED)
    done = module.end
    if (!module.isClosed) unclosed++
    for (const [, name = '', path = ''] of text.slice(index, done).matchAll(IMPORTED))
      if (mediaTypeOf(path).startsWith('image/')) paths.set(name, path)
    blank(index, done)
  }
  let comments = 0
  for (const { 0: whole, index } of text.matchAll(COMMENT)) {
    if (code[index] === 1) continue
    blank(index, index + whole.length)
    comments++
  }
  const gone = new Map<string, number>()
  const open: (string | undefined)[] = []
  for (const match of text.matchAll(TAG)) {
    const { 0: whole, 1: slash = '', 2: name = '', 3: written = '', 4: end = '', index } = match
    if (code[index] === 1) continue
    const attributes = attributesOf(written, paths)
    const after = /^[a-z]/.test(name)
      ? written.includes('{')
        ? `<${name}${shown(attributes)}${end}>`
        : whole
      : component(name, attributes, {
          isEnd: slash !== '',
          isEmpty: end !== '',
          isAlone: isAlone(text, index, index + whole.length, BLANK),
          open,
        })
    if (after === undefined) gone.set(name, (gone.get(name) ?? 0) + 1)
    if (after !== whole) blank(index, index + whole.length, after ?? '')
  }
  const plain = outdented(text, edited(text, edits))
  const inText = codeIn(plain)
  const expressions = [...plain.matchAll(EXPRESSION)].filter(({ index }) => inText[index] !== 1)
  const names = [...gone.keys()].slice(0, 4).map((it) => `<${it}>`)
  const messages = [
    comments > 0 ? `${comments === 1 ? 'A comment is' : `${comments} comments are`} left out.` : '',
    gone.size > 0
      ? `Components that show nothing without their site are left out (${names.join(', ')}${gone.size > 4 ? ', …' : ''}).`
      : '',
    expressions.length > 0
      ? `${expressions.length === 1 ? 'An expression is' : `${expressions.length} expressions are`} published as written: ${expressions[0]?.[0].slice(0, 40)}.`
      : '',
  ]
  return {
    text: plain,
    warnings: messages.filter((it) => it !== '').map((message) => ({ message })),
  }
}

/** Longest import or export, in characters. */
const MAX_MODULE = 20_000
/** Those with a bracket that nothing closes, before the others end with the first blank line. */
const MAX_UNCLOSED = 8

/** An import ends with its line, an export before a blank line; not where a bracket is open, if that is closed later. */
function endOfModule(
  text: string,
  start: number,
  isPatient: boolean,
): { end: number; isClosed: boolean } {
  const most = Math.min(text.length, start + MAX_MODULE)
  const isImport = text.startsWith('import', start)
  let depth = 0
  let blank: number | undefined
  for (let at = start; at < most; at++) {
    const character = text.charAt(at)
    if ('{[('.includes(character)) depth++
    else if ('}])'.includes(character)) depth--
    else if (character === '\n') {
      const isBlank = /^\n[ \t\r]*(?:\n|$)/.test(text.slice(at, at + 80))
      if (depth <= 0 && (isImport || isBlank)) return { end: at, isClosed: true }
      if (isBlank) blank ??= at
      if (isBlank && !isPatient) break
    }
  }
  const isClosed = depth <= 0
  return { end: isClosed ? most : (blank ?? most), isClosed }
}

function attributesOf(written: string, paths: ReadonlyMap<string, string>): Map<string, string> {
  const attributes = new Map<string, string>()
  for (const [whole, name = '', a, b, expression] of written.matchAll(ATTRIBUTE)) {
    if (name === '' || whole === '') continue
    const [, , literal] = /^\s*(["'`]?)([^"'`{}$]*)\1\s*$/.exec(expression ?? '') ?? []
    const isLiteral =
      literal !== undefined && (/["'`]/.test(expression ?? '') || /^[\d.]+$/.test(literal))
    const [, required] =
      /^\s*(?:require|import)\(\s*["']([^"']+)["']\s*\)/.exec(expression ?? '') ?? []
    const value =
      a ??
      b ??
      (expression === undefined
        ? ''
        : isLiteral
          ? literal
          : (required ?? paths.get(expression.trim().replace(/\.src$/, ''))))
    if (value !== undefined) attributes.set(name, value)
  }
  return attributes
}

function shown(attributes: ReadonlyMap<string, string>): string {
  return [...attributes]
    .map(([name, value]) => ` ${name}="${value.replaceAll('"', '&quot;')}"`)
    .join('')
}

interface Placed {
  readonly isEnd: boolean
  readonly isEmpty: boolean
  readonly isAlone: boolean
  /** What closes each alert that is open. */
  readonly open: (string | undefined)[]
}

/** What takes the place of a tag of a component; undefined where what it shows is lost. */
function component(
  name: string,
  attributes: ReadonlyMap<string, string>,
  { isEnd, isEmpty, isAlone: alone, open }: Placed,
): string | undefined {
  if (isEnd) return open.pop() ?? ''
  if (PICTURE.test(name) && attributes.has('src')) {
    if (!isEmpty) open.push('')
    return `<img${shown(attributes)}>`
  }
  const id = attributes.get('id') ?? attributes.get('videoId') ?? attributes.get('url')
  if (EMBED.test(name) && id !== undefined) {
    if (!isEmpty) open.push('')
    return readTemplate(`{{< ${name.replace(/Embed$/, '').toLowerCase()} ${id} >}}`).markdown ?? id
  }
  const title =
    attributes.get('title') ?? attributes.get('label') ?? attributes.get('summary') ?? ''
  if (isEmpty) return title === '' ? (name === '' ? '' : undefined) : title
  if (ALERT.test(name) && alone) {
    const said =
      attributes.get('type') ?? attributes.get('kind') ?? attributes.get('variant') ?? name
    open.push(':::')
    return `:::${ALERT.test(said) && !/^(?:callout|admonition|alert|aside)$/i.test(said) ? said.toLowerCase() : 'note'}${title === '' ? '' : `[${title}]`}`
  }
  open.push('')
  return title === '' || !alone ? '' : `**${title}**<br>`
}

const OPENING = /^[ \t]*<([A-Z][\w.]*|)\b(?:[^>]|=>)*(?<!\/)>[ \t]*\r?$/
const CLOSING = /^[ \t]*<\/([A-Z][\w.]*|)>[ \t]*\r?$/

/** What stands within components, without the indentation that shows it; four blanks make code of it. */
function outdented(written: string, plain: string): string {
  const before = written.split('\n')
  const depths: (number | undefined)[] = []
  return plain
    .split('\n')
    .map((line, at) => {
      const own = before[at] ?? ''
      if (CLOSING.test(own)) depths.pop()
      const indent = /^[ \t]*/.exec(line)?.[0].length ?? 0
      if (depths.length > 0 && line.trim() !== '') depths[depths.length - 1] ??= indent
      const cut =
        OPENING.test(own) || CLOSING.test(own) ? indent : Math.min(indent, depths.at(-1) ?? 0)
      if (OPENING.test(own)) depths.push(undefined)
      return line.slice(cut)
    })
    .join('\n')
}
