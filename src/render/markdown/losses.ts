import type { Token } from 'markdown-it'
import { hostOf } from '../links.ts'
import { tokensOf } from '../parsing/parser.ts'
import { WITHOUT_TEXT } from './elements.ts'
import { EMBEDDED } from './known-elements.ts'
import { affordableLength } from './markdown.ts'
import { readHtml, type HtmlTag } from './raw-html.ts'

/** Something in a text that readers do not see as it was written. */
export interface Loss {
  readonly kind: 'dropped-html' | 'dropped-cell' | 'dropped-footnote' | 'remote-picture'
  /** A whole sentence. */
  readonly message: string
  /** Line of the text, from 1; the first one where there are several of a kind. */
  readonly line: number
}

/** Elements that mean nothing without a form or a page around them. */
const CONTROLS =
  /^(?:form|button|select|textarea|option|datalist|meter|progress|link|meta|base|map|area|frame|frameset)$/

/** What of a text is left out or replaced when it is shown: one finding for each kind of element, and for each host. */
export function lossesOf(markdown: string): Loss[] {
  const found = new Map<string, { kind: Loss['kind']; line: number; times: number }>()
  const add = (kind: Loss['kind'], words: string, line: number) => {
    const before = found.get(words)
    if (before === undefined) found.set(words, { kind, line, times: 1 })
    else before.times++
  }
  const { tokens } = tokensOf(markdown.slice(0, affordableLength(markdown)))
  const lines = markdown.split('\n')
  const footnotes = new Map<string, number>()
  let footnote: string | undefined
  const marks = new Set<string>()
  let columns = 0
  for (const { token, line } of placed(tokens)) {
    if (token.type === 'table_open') columns = 0
    if (token.type === 'th_open') columns++
    if (
      token.type === 'tr_open' &&
      cellsOf(lines[line - 1] ?? '') > Math.max(columns, 1) &&
      columns > 0
    )
      add(
        'dropped-cell',
        'A row of a table has more cells than its head: they are left out. Write | as \\|',
        line,
      )
    // What is in a footnote says where it is; from an empty one nothing gets lost.
    if (footnote !== undefined && token.map) footnotes.set(footnote, line)
    footnote = token.type === 'footnote_reference_open' ? labelOf(token) : undefined
    if (token.type === 'footnote_ref') marks.add(labelOf(token))
    if (token.type === 'image') addPicture(String(token.attrGet('src')), line)
    if (token.type !== 'html_block' && token.type !== 'html_inline') continue
    let at = line
    for (const part of readHtml(token.content)) {
      if (part.type === 'open') addTag(part, at)
      at += ('source' in part ? part.source : part.value).split('\n').length - 1
    }
  }
  for (const [label, line] of footnotes) {
    if (!marks.has(label))
      add('dropped-footnote', 'Nothing in the text refers to a footnote: pages leave it out', line)
  }
  return [...found].map(([words, { kind, line, times }]) => ({
    kind,
    line,
    message: times === 1 ? `${words}.` : `${words} (${times} times).`,
  }))

  function addPicture(url: string | undefined, line: number): void {
    const host = hostOf(url?.trim() ?? '')
    if (host === undefined) return
    const why = 'readers load nothing from the web. Save it beside the text'
    add('remote-picture', `The picture at ${host} is shown as a link: ${why}`, line)
  }

  function addTag({ name, attributes }: HtmlTag, line: number): void {
    if (name === 'img') addPicture(attributes.get('src'), line)
    if (attributes.has('style')) add('dropped-html', 'HTML: style="…" is left out', line)
    const isBox = attributes.get('type')?.toLowerCase() === 'checkbox'
    if (Object.hasOwn(EMBEDDED, name))
      add('dropped-html', `HTML: <${name}> is shown as a link`, line)
    else if (WITHOUT_TEXT.has(name)) add('dropped-html', `HTML: <${name}> is left out`, line)
    else if (CONTROLS.test(name) || (name === 'input' && !isBox))
      add('dropped-html', `HTML: <${name}> is left out; the text in it stays`, line)
  }
}

function labelOf(footnote: Token): string {
  return (footnote.meta as { readonly label: string }).label
}

/** How many cells a line of a table has, as GitHub counts them: `|` parts them in code, too. */
function cellsOf(line: string): number {
  const cells = line
    .trim()
    .replace(/^(?:[>\s]|[*+-] )*\|?/, '')
    .replace(/(?<!\\)\|$/, '')
  return cells.split(/(?<!\\)\|/).length
}

/** All tokens, with the line that each begins in. */
function* placed(tokens: readonly Token[]): Generator<{ token: Token; line: number }> {
  for (const token of tokens) {
    let line = (token.map?.[0] ?? 0) + 1
    yield { token, line }
    for (const child of token.children ?? []) {
      yield { token: child, line }
      if (child.type === 'softbreak' || child.type === 'hardbreak') line++
      else line += child.content.split('\n').length - 1
    }
  }
}
