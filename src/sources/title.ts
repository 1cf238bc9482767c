import { basename, dirname, extname } from 'node:path'
import type { Nodes } from 'mdast'
import { dateInName } from './date.ts'

/** Longest source of a heading that is looked at; a title has at most 256 characters. */
const MAX_HEADING_CHARACTERS = 4_096

const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/
const ATX = /^ {0,3}(#{1,6})(?:[ \t]|$)/
const UNDERLINE = /^ {0,3}(=+|-+)[ \t]*$/
/** Lines that may stand above a title: blank ones, pictures, thematic breaks, definitions. */
const NOT_TEXT = /^(?:!\[[^\]]*\]\([^)]*\)|\[[^\]]*\]:.*|([-*_])(?:[ \t]*\1){2,})?$/
const DEFINITION = /^ {0,3}\[([^[\]]{1,999})\]:/gm

export interface Heading {
  /** Without markup. */
  readonly text: string
  /** Line of the body, from 1. */
  readonly line: number
}

/**
 * The heading that titles a text: its first one, if it is of level 1 or nothing to read stands above
 * it. A text that opens with a greeting and goes on with `## News` is not called "News".
 */
export async function titleHeading(body: string): Promise<Heading | undefined> {
  const found = findHeading(body)
  if (found === undefined) return undefined
  const text = await plainText(found.source, body)
  return text === '' ? undefined : { text, line: found.line }
}

/** A title from a file name: `2020-11-04-high-tide.md` is "High tide", and so is `high-tide/index.md`. */
export function titleFromName(path: string): string {
  const name = basename(path, extname(path))
  const folder = basename(dirname(path))
  const stem = /^index$/i.test(name) && !['', '.'].includes(folder) ? folder : name
  const dated = dateInName(stem)
  const words = (dated?.rest ?? stem).replaceAll(/[-_\s]+/g, ' ').trim()
  const title = words === '' ? stem : words
  const first = String.fromCodePoint(title.codePointAt(0) ?? 0x20)
  return first.toUpperCase() + title.slice(first.length)
}

// Lines are enough to find a heading, and a Markdown parser takes 20 ms for what lines tell in 0.1 ms.
function findHeading(body: string): { source: string; line: number } | undefined {
  let line = 0
  let fence: string | undefined
  let comment = false
  let textAbove = false
  let paragraph: string[] = []
  for (const text of linesOf(body)) {
    line++
    const mark = FENCE.exec(text)?.[1]
    if (fence !== undefined) {
      if (mark?.startsWith(fence) && text.trim() === mark) fence = undefined
      continue
    }
    if (comment || text.startsWith('<!--')) {
      comment = !text.includes('-->')
      continue
    }
    if (mark !== undefined) {
      fence = mark
      textAbove = true
      paragraph = []
      continue
    }
    const atx = ATX.exec(text)
    if (atx !== null) {
      const titles = atx[1] === '#' || !(textAbove || paragraph.length > 0)
      return titles ? { source: text.slice(0, MAX_HEADING_CHARACTERS), line } : undefined
    }
    const underline = UNDERLINE.exec(text)?.[1]
    if (underline !== undefined && isParagraph(paragraph)) {
      const titles = underline.startsWith('=') || !textAbove
      if (!titles) return undefined
      return {
        source: paragraph.join('\n').slice(0, MAX_HEADING_CHARACTERS),
        line: line - paragraph.length,
      }
    }
    if (NOT_TEXT.test(text.trim())) {
      textAbove ||= paragraph.length > 0
      paragraph = []
    } else if (paragraph.length < 64) paragraph.push(text)
  }
  return undefined
}

/** True if an underline makes these lines a heading, and not a list, a quote or code. */
function isParagraph(lines: readonly string[]): boolean {
  const first = lines[0]
  return (
    first !== undefined &&
    lines.length < 64 &&
    !/^(?: {4}|\t| {0,3}(?:>|[-*+][ \t]|\d{1,9}[.)][ \t]|<))/.test(first)
  )
}

function* linesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    const feed = text.indexOf('\n', start)
    const end = feed < 0 ? text.length : feed
    yield text.slice(start, end).replace(/\r$/, '')
    start = end + 1
  }
}

async function plainText(source: string, body: string): Promise<string> {
  const words = source.replace(/^ {0,3}#{1,6}(?:[ \t]+|$)/, '').replace(/(?:^|[ \t])#+[ \t]*$/, '')
  const isAtx = ATX.test(source)
  if (!/[\\`*_~[\]<>&]/.test(source)) return flat(isAtx ? words : source)
  const heading = isAtx ? source : `${source.replaceAll('\n', ' ')}\n===`
  const [{ fromMarkdown }, { gfm }, { gfmFromMarkdown }] = await Promise.all([
    import('mdast-util-from-markdown'),
    import('micromark-extension-gfm'),
    import('mdast-util-gfm'),
  ])
  const tree = fromMarkdown(`${heading}\n\n${definitionsFor(source, body)}`, {
    extensions: [gfm()],
    mdastExtensions: [gfmFromMarkdown()],
  })
  return flat(textOf(tree.children[0]))
}

/** `[words][label]` is a link only where the label is defined, which may be anywhere in the text. */
function definitionsFor(source: string, body: string): string {
  if (!source.includes('[')) return ''
  const wanted = new Set([...source.matchAll(/\[([^[\]]{1,999})\]/g)].map((it) => labelOf(it[1])))
  const defined = new Set([...body.matchAll(DEFINITION)].map((it) => labelOf(it[1])))
  return [...wanted]
    .filter((it) => defined.has(it))
    .map((it) => `[${it}]: #`)
    .join('\n\n')
}

function labelOf(text: string | undefined): string {
  return (text ?? '').replaceAll(/\s+/g, ' ').trim().toLowerCase()
}

function textOf(node: Nodes | undefined): string {
  if (node === undefined) return ''
  if (node.type === 'text' || node.type === 'inlineCode') return node.value
  if (node.type === 'image' || node.type === 'imageReference') return node.alt ?? ''
  if (node.type === 'break') return ' '
  return 'children' in node ? node.children.map((it) => textOf(it)).join('') : ''
}

function flat(text: string): string {
  return text.replaceAll(/[ \t\r\n]+/g, ' ').trim()
}
