import { mediaTypeOf } from './media-types.ts'
import type { DraftWarning } from './source.ts'
import { countedTemplates, readTemplate, TEMPLATE } from './templates.ts'

export interface DialectOptions {
  /** Leave out template code that no Markdown can be made of. */
  readonly withoutTemplates?: boolean | undefined
}

export interface PlainMarkdown {
  readonly text: string
  readonly warnings: readonly DraftWarning[]
}

/** A change of a text: what stands from `start` to `end` becomes `text`. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** What none of the patterns below can match without. */
const MARKS =
  /%%|\{[{%:#]|\[\[|==\S|^[ \t]*(?::::|!!! |\?\?\? )|\]\([^\s()<>{}"'][^()<>{}"'\n]* [^()<>{}"'\n]|\)[ \t]*\{|[{|](?:static|attach|filename)/m

/**
 * A text in the dialects of note books and site generators as the Markdown of the format: wiki links and embeds,
 * short codes of pictures and films, paths with spaces, sizes and `{{ site.baseurl }}`, highlights and admonitions.
 * Comments are left out. All other template code is counted, or left out. Code stays as it is, and so does every
 * line its number. Linear in time.
 */
export function readDialects(text: string, options: DialectOptions = {}): PlainMarkdown {
  if (!MARKS.test(text)) return { text, warnings: [] }
  /** What is code, or was read already. */
  let taken: Uint8Array | undefined
  const edits: Edit[] = []
  const warnings: DraftWarning[] = []
  const change = (pattern: RegExp, replace: (match: RegExpExecArray) => string | undefined) => {
    let count = 0
    for (const match of text.matchAll(pattern)) {
      taken ??= codeIn(text)
      if (taken[match.index] === 1) continue
      const after = replace(match)
      if (after === undefined) continue
      const lines = lineEnds(match[0]) - lineEnds(after)
      edits.push({
        start: match.index,
        end: match.index + match[0].length,
        text: after + '\n'.repeat(Math.max(0, lines)),
      })
      taken.fill(1, match.index, match.index + match[0].length)
      count++
    }
    return count
  }
  let comments = 0
  for (const [marks, pattern, replace] of RULES) {
    if (!marks.some((it) => text.includes(it))) continue
    const count = change(pattern, replace)
    if (replace === NOTHING) comments += count
  }
  const unread = new Map<string, number[]>()
  change(TEMPLATE, (match) => {
    const known = readTemplate(match[0])
    if (known.markdown !== undefined) return known.markdown
    const before = unread.get(known.name)
    if (before === undefined) unread.set(known.name, [match.index])
    else before.push(match.index)
    return options.withoutTemplates === true ? '' : undefined
  })
  if (comments > 0) {
    warnings.push({
      message: `${comments === 1 ? 'A comment is' : `${comments} comments are`} left out.`,
    })
  }
  warnings.push(...countedTemplates(unread, text, options.withoutTemplates === true))
  return { text: edited(text, edits), warnings }
}

/** A text with edits, of which the first of two that overlap counts. */
export function edited(text: string, edits: readonly Edit[]): string {
  let result = ''
  let done = 0
  for (const { start, end, text: after } of edits.toSorted(
    (a, b) => a.start - b.start || b.end - a.end,
  )) {
    if (start < done) continue
    result += text.slice(done, start) + after
    done = end
  }
  return result + text.slice(done)
}

function lineEnds(text: string): number {
  return text.split('\n').length - 1
}

const RAW =
  /\{%-?[ \t]*raw[ \t]*-?%\}\n?((?:(?!\{%-?[ \t]*(?:end)?raw)[^]){0,20000}?)\n?\{%-?[ \t]*endraw[ \t]*-?%\}/g
const HIGHLIGHT =
  /(\{%-?[ \t]*|\{\{[<%][ \t]*)(highlight|codeblock)[ \t]+([\w+#.-]*)[^\n%>}]{0,200}?-?[%>]?\}\}?[ \t]*\n((?:(?!\{[{%][<%]?-?[ \t]*\/?(?:end|highlight|codeblock))[^]){0,20000}?)\n?[ \t]*(?:\{%-?[ \t]*end\2[ \t]*-?%\}|\{\{[<%][ \t]*\/[ \t]*\2[ \t]*[>%]\}\})/g

const EMBED = /(?<!\\)!\[\[([^[\]|\n]{1,300})(?:\|([^[\]\n]{0,300}))?\]\]/g
const WIKI_LINK =
  /(?<![!\\\]\w])\[\[([^\s[\]|](?:[^[\]|\n]{0,298}[^\s[\]|])?)(?:\|([^[\]\n]{0,300}))?\]\](?![([])/g

/** A destination with spaces, as many editors take it, and perhaps a title. */
const SPACED =
  /(!?\[[^[\]\n]{0,1000}\])\(([^\s()<>{}"'][^()<>{}"'\n]{0,500} [^()<>{}"'\n]{0,500}?\.\w{1,5}(?:#[^\s()<>]{0,100})?)([ \t]+(?:"[^"\n]{0,500}"|'[^'\n]{0,500}'))?[ \t]*\)/g
const SIZED = /(!\[[^[\]\n]{0,1000}\]\([^\s()<>]{1,1000})[ \t]+=(?:\d+%?)?x?(?:\d+%?)?[ \t]*\)/g
const IMAGE_ATTRIBUTES =
  /(!\[[^[\]\n]{0,1000}\]\([^()\n]{1,1000}\))[ \t]*\{:?[ \t]*(?:[.#]|[a-z]+=)[^{}\n]{0,300}\}/g
const MARKED = /(^|[^\w=])==([^\s=](?:[^=\n]{0,998}[^\s=])?)==(?![\w=])/gm
const PELICAN =
  /(?<=\]\([<]?|="|: )(?:\{(?:static|attach|filename)\}|\|(?:static|filename|attach)\|)/g
/** The attributes that kramdown gives to the block above, or the place of its contents. */
const ATTRIBUTES =
  /(^#{1,6}[ \t][^\n]{0,500}|^[*-][ \t]+TOC|)\n?^[ \t]{0,3}\{:[ \t]*([^{}\n]{0,300})\}[ \t]*$/gm

const ALERTS: Readonly<Record<string, string>> = {
  tip: 'TIP',
  hint: 'TIP',
  success: 'TIP',
  important: 'IMPORTANT',
  warning: 'WARNING',
  attention: 'WARNING',
  caution: 'CAUTION',
  danger: 'CAUTION',
  error: 'CAUTION',
  failure: 'CAUTION',
}
const KINDS =
  'note|info|tip|hint|success|important|warning|attention|caution|danger|error|failure|abstract|summary|example|quote|question|bug|todo|details|seealso'
const CONTAINER = new RegExp(
  String.raw`^(:{3,})[ \t]*\{?\.?(${KINDS})\}?[ \t]*([^\n]{0,200})\n((?:(?!:::)[^]){0,20000}?)\n?^\1[ \t]*$`,
  'gim',
)
const ADMONITION = new RegExp(
  String.raw`^[!?]{3}\+?[ \t]+(${KINDS})[ \t]*([^\n]{0,200})((?:\n(?:(?: {4}|\t)[^\n]*|[ \t]*(?=\n(?: {4}|\t))))+)`,
  'gim',
)

const NOTHING = () => ''

/** In the order of reading. Without one of its marks in a text, a pattern does not match. */
const RULES: readonly (readonly [
  marks: readonly string[],
  pattern: RegExp,
  replace: (match: RegExpExecArray) => string | undefined,
])[] = [
  // Obsidian: from the beginning of a line over any lines, else within a paragraph.
  [['%%'], /^[ \t]*%%(?:(?!%%)[^])*(?:%%|$(?![^]))/gm, NOTHING],
  [['%%'], /%%(?:(?!%%|\n[ \t]*\n)[^]){1,4000}%%/g, NOTHING],
  // Liquid and Jinja.
  [
    ['{%'],
    /\{%-?[ \t]*comment[ \t]*-?%\}(?:(?!\{%-?[ \t]*(?:end)?comment)[^]){0,4000}\{%-?[ \t]*endcomment[ \t]*-?%\}/g,
    NOTHING,
  ],
  [['{#'], /\{#[ \t\n](?:(?!#\}|\{#)[^]){0,4000}#\}/g, NOTHING],
  // Hugo.
  [['{{'], /\{\{[<%]?[ \t]*\/\*(?:(?!\*\/)[^]){0,4000}\*\/[ \t]*[>%]?\}\}/g, NOTHING],
  [['{%'], RAW, ([, inner]) => inner],
  [['{%', '{{'], HIGHLIGHT, ([, , , language = '', inner = '']) => fenced(language, inner)],
  [['![['], EMBED, ([, target = '', words = '']) => embed(target, words)],
  [['[['], WIKI_LINK, ([, target = '', words = '']) => wikiLink(target, words)],
  [[' '], SPACED, ([, head = '', target = '', title = '']) => `${head}(<${target}>${title})`],
  [[' =', '\t='], SIZED, ([, head = '']) => `${head})`],
  [['{'], IMAGE_ATTRIBUTES, ([, head = '']) => head],
  [['=='], MARKED, ([, before = '', words = '']) => `${before}<mark>${words}</mark>`],
  [['static', 'attach', 'filename'], PELICAN, () => ''],
  [['{:'], ATTRIBUTES, ([, before = '', attributes = '']) => ownId(before, attributes)],
  [
    [':::'],
    CONTAINER,
    ([, , kind = '', title = '', inner = '']) => alert(kind, title, inner.split('\n')),
  ],
  [
    ['!!!', '???'],
    ADMONITION,
    ([, kind = '', title = '', inner = '']) =>
      alert(
        kind,
        title,
        inner.split('\n').map((it) => it.replace(/^(?: {4}|\t)/, '')),
      ),
  ],
]

function fenced(language: string, inner: string): string {
  const fence = '`'.repeat(Math.max(3, ...(inner.match(/`+/g) ?? []).map((it) => it.length + 1)))
  return `${fence}${language}\n${inner}\n${fence}`
}

/** What Obsidian shows in a text: a picture with a size or a description, any other file, or another note. */
function embed(target: string, words: string): string | undefined {
  if (!/\.[a-z\d]{1,5}$/i.test(target.replace(/#.*$/, ''))) return wikiLink(target, words)
  const alt = /^\d+(?:x\d+)?$/.test(words.trim()) ? '' : words.trim()
  const isPicture = mediaTypeOf(target).startsWith('image/')
  return `${isPicture ? '!' : ''}[${isPicture ? alt : alt || target}](<${target.trim()}>)`
}

function wikiLink(target: string, words: string): string | undefined {
  const [name = '', part] = target.split(/#\^?/, 2)
  const shown = words === '' ? target.replace(/^#/, '') : words
  if (/[<>\\]/.test(target) || /^(?:[\d\s,-]+|_?TOC_?)$/i.test(target)) return undefined
  const path = name === '' || /\.\w{1,5}$/.test(name) ? name : `${name}.md`
  return `[${shown}](<${path}${part === undefined ? '' : `#${part}`}>)`
}

function ownId(before: string, attributes: string): string {
  if (before.endsWith('TOC')) return ''
  const id = /(?:^|\s)#([^\s}]+)/.exec(attributes)?.[1]
  return id === undefined || before === '' ? before : `${before} {#${id}}`
}

function alert(kind: string, title: string, lines: readonly string[]): string {
  const name = ALERTS[kind.toLowerCase()] ?? 'NOTE'
  const words = title.trim().replace(/^["']|["']$/g, '')
  const body = lines
    .filter((line, at) => at > 0 || line !== '')
    .map((line) => `> ${line}`.trimEnd())
  return [`> [!${name}]${words === '' ? '' : ` ${words}`}`, ...body].join('\n')
}

/** For each character, 1 where it is code: in fences, indented after a blank line, and between backticks. */
export function codeIn(text: string): Uint8Array {
  const code = new Uint8Array(text.length)
  let fence: string | undefined
  let isIndented = false
  let isList = false
  let at = 0
  let paragraph = 0
  const endParagraph = (end: number, next: number) => {
    for (const [start, stop] of spansIn(text.slice(paragraph, end)))
      code.fill(1, paragraph + start, paragraph + stop)
    paragraph = next
  }
  for (const line of text.split('\n')) {
    const end = at + line.length + 1
    const [, mark, info = ''] = FENCE.exec(line) ?? []
    if (fence !== undefined) {
      code.fill(1, at, end)
      if (mark?.startsWith(fence) === true && info.trim() === '') fence = undefined
      paragraph = end
    } else if (mark !== undefined && !(mark.startsWith('`') && info.includes('`'))) {
      endParagraph(at, end)
      fence = mark
      code.fill(1, at, end)
    } else if (line.trim() === '') endParagraph(at, end)
    else if (!isList && /^(?: {4}|\t)/.test(line) && (isIndented || paragraph === at)) {
      code.fill(1, at, end)
      isIndented = true
      paragraph = end
    } else {
      isIndented = false
      if (/^\S/.test(line)) isList = /^(?:[-*+]|\d{1,9}[.)])[ \t]/.test(line)
    }
    at = end
  }
  endParagraph(text.length, text.length)
  return code
}

const FENCE = /^[ \t>]{0,12}(?:[-*+][ \t]+|\d{1,9}[.)][ \t]+)?(`{3,}|~{3,})([^\n]*)/

/** Spans of code in one paragraph: from a run of backticks to the next one of its length. */
function spansIn(text: string): [number, number][] {
  const runs = [...text.matchAll(/`+/g)].map((it) => ({ start: it.index, length: it[0].length }))
  // From the end on, so that the next run of each length is known.
  const nextOfLength = new Map<number, number>()
  const closing = runs.map(() => 0)
  for (let at = runs.length - 1; at >= 0; at--) {
    const { length = 0 } = runs[at] ?? {}
    closing[at] = nextOfLength.get(length) ?? 0
    nextOfLength.set(length, at)
  }
  const spans: [number, number][] = []
  for (let at = 0; at < runs.length; at++) {
    const close = closing[at] ?? 0
    const [from, to] = [runs[at], runs[close]]
    if (close === 0 || from === undefined || to === undefined) continue
    spans.push([from.start, to.start + to.length])
    at = close
  }
  return spans
}
