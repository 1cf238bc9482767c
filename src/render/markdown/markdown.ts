import type { Root } from 'mdast'
import { cleanTree } from './clean.ts'
import { treeOf } from '../parsing/tree.ts'

/** A browser takes seconds for a million lines in one block, and lays out only those blocks it shows. */
const PIECE_LENGTH = 32_768

export interface ParsedMarkdown {
  /** Only what the renderers know, made safe: see `cleanTree`. */
  readonly root: Root
  /** True if the text, or the rest of it, was too costly to parse and stands there unformatted. */
  readonly degraded: boolean
}

/**
 * Parses CommonMark with GFM tables, strikethrough, task lists, footnotes and autolinks from
 * an untrusted author, in bounded time and depth. What would cost too much, from the first such
 * block on, is kept as preformatted plain text.
 */
export function parseMarkdown(markdown: string): ParsedMarkdown {
  const length = affordableLength(markdown)
  try {
    return {
      root: parse(markdown.slice(0, length), markdown.slice(length)),
      degraded: length < markdown.length,
    }
  } catch (error) {
    // Recursion in the parser overflowed in a way that the limits did not foresee.
    if (!(error instanceof RangeError)) throw error
    return { root: parse('', markdown), degraded: true }
  }
}

function parse(markdown: string, rest: string): Root {
  const root = treeOf(markdown)
  if (rest.trim() !== '')
    for (const value of pieces(rest)) root.children.push({ type: 'code', value })
  return cleanTree(root)
}

/** A text cut at ends of lines, or within a very long line. */
export function pieces(text: string): string[] {
  const found: string[] = []
  for (let start = 0; start < text.length;) {
    const most = start + PIECE_LENGTH
    const newline = most < text.length ? text.lastIndexOf('\n', most) : -1
    const end = newline > start ? newline : most
    found.push(text.slice(start, end))
    start = newline > start ? end + 1 : end
  }
  return found
}

/** Containers (quotes, list items) one line may open or continue, at most. */
const MAX_NESTING = 50
/** Runs of `*`, `_` or `~` in one block, at most: they nest, and what walks the tree recurses. */
const MAX_DELIMITER_RUNS = 2_000

/**
 * What one document may cost by the weights below: at most half a second of parsing.
 *
 * Measured with the constructs of test/render/growth.test.ts (Node.js 20, two cores of 2026): the costliest
 * 2 MiB take 0.3 s of CPU time as HTML, 0.7 s for a terminal and 0.9 s in the search; the costliest 32,768
 * characters, which are not given to a worker, a quarter of a second.
 */
const BUDGET_MICROS = 3_000_000

// Upper bounds: measured on micromark 4 with the attacks of test/render/limits.test.ts; markdown-it 15
// takes an eighth or less of each. Linear costs of a byte, a line, a container and a special
// character, and the quadratic ones within one block of lines (emphasis and link resolution look
// back over the whole block; a table row is padded to the width of its table).
const MICROS = {
  byte: 1.2,
  line: 45,
  container: 40,
  containerPerLaterLine: 1.5,
  special: 9,
  footnote: 900,
  autolink: 35,
  pipe: 30,
  delimiterRunPair: 0.12,
  bracketPair: 0.015,
  bracketNesting: 0.45,
  tableCell: 1.5,
  /** A share of all that was spent before: closing a container moves the events since the start. */
  containerEndShare: 0.0025,
} as const

interface Block {
  micros: number
  delimiterRuns: number
  brackets: number
  bracketDepth: number
  maxBracketDepth: number
  lines: number
  tableColumns: number
}

/**
 * The length of the longest beginning of `markdown`, up to a blank line, that can be parsed in
 * bounded time and depth. Equal to `markdown.length` for everything a person would write. One
 * linear pass; nothing is parsed.
 */
export function affordableLength(markdown: string): number {
  let spent = 0
  let blockStart = 0
  let depth = 0
  let container = ''
  let afterBlank = false
  let block = newBlock()
  for (let start = 0; start < markdown.length;) {
    const newline = markdown.indexOf('\n', start)
    const end = newline === -1 ? markdown.length : newline + 1
    const nesting = addLine(block, markdown, start, end)
    depth = Math.max(depth, nesting)
    block.micros += depth * MICROS.containerPerLaterLine
    if (nesting > MAX_NESTING || block.delimiterRuns > MAX_DELIMITER_RUNS) return blockStart
    if (spent + costOf(block) > BUDGET_MICROS) return blockStart
    const blank = isBlank(markdown, start, end)
    if (!blank) {
      const next = outerContainer(markdown, start, end, container)
      const ends = container !== next || (afterBlank && next === '>')
      if (container !== '' && ends) block.micros += spent * MICROS.containerEndShare
      container = next
    }
    afterBlank = blank
    if (blank) {
      spent += costOf(block)
      block = newBlock()
      blockStart = end
    }
    start = end
  }
  return markdown.length
}

function newBlock(): Block {
  return {
    micros: 0,
    delimiterRuns: 0,
    brackets: 0,
    bracketDepth: 0,
    maxBracketDepth: 0,
    lines: 0,
    tableColumns: 0,
  }
}

function costOf(block: Block): number {
  const { micros, delimiterRuns, brackets, maxBracketDepth, lines, tableColumns } = block
  return (
    micros +
    MICROS.delimiterRunPair * delimiterRuns ** 2 +
    MICROS.bracketPair * brackets ** 2 +
    MICROS.bracketNesting * brackets * maxBracketDepth +
    MICROS.tableCell * tableColumns * lines
  )
}

/** Adds one line's cost to its block; returns how deep in containers the line may lie. */
function addLine(block: Block, text: string, start: number, end: number): number {
  let pipes = 0
  let specials = 0
  let previous = 0
  let delimiterRowOnly = true
  // By codes, as every character of every text comes by here. Letters, digits and all beyond ASCII cost
  // no more than their bytes.
  for (let index = start; index < end; index++) {
    const code = text.charCodeAt(index)
    switch (code) {
      case 0x20 /* space */:
      case 0x09 /* tab */:
      case 0x0a /* line feed */:
      case 0x0d /* carriage return */:
      case 0x2d /* - */:
      case 0x3a /* : */:
      case 0x3e /* > */:
        break
      case 0x7c /* | */:
        pipes++
        break
      case 0x2a /* * */:
      case 0x5f /* _ */:
      case 0x7e /* ~ */:
        delimiterRowOnly = false
        if (code !== previous) block.delimiterRuns++
        specials++
        break
      case 0x5b /* [ */:
        if (text.charCodeAt(index + 1) === 0x5e /* ^ */) block.micros += MICROS.footnote
        delimiterRowOnly = false
        addBracket(block, 1)
        specials++
        break
      case 0x5d /* ] */:
        delimiterRowOnly = false
        addBracket(block, -1)
        specials++
        break
      case 0x21 /* ! */:
      case 0x22 /* " */:
      case 0x24 /* $ */:
      case 0x26 /* & */:
      case 0x3c /* < */:
      case 0x3d /* = */:
      case 0x40 /* @ */:
      case 0x5c /* \ */:
      case 0x60 /* ` */:
        delimiterRowOnly = false
        specials++
        break
      case 0x2f /* / */:
        delimiterRowOnly = false
        if (previous === 0x3a /* : */) block.micros += MICROS.autolink
        break
      default:
        delimiterRowOnly = false
    }
    previous = code
  }
  if (delimiterRowOnly && pipes > 0) block.tableColumns = Math.max(block.tableColumns, pipes + 1)
  const { nesting, markers } = containersOf(text, start, end)
  block.lines++
  block.micros +=
    (end - start) * MICROS.byte +
    MICROS.line +
    markers * MICROS.container +
    specials * MICROS.special +
    pipes * MICROS.pipe
  return nesting
}

function addBracket(block: Block, deeper: 1 | -1): void {
  block.brackets++
  block.bracketDepth = Math.max(0, block.bracketDepth + deeper)
  block.maxBracketDepth = Math.max(block.maxBracketDepth, block.bracketDepth)
}

/** Container markers at the start of a line, and the depth they and their indentation allow. */
function containersOf(text: string, start: number, end: number) {
  let markers = 0
  let columns = 0
  let index = start
  while (index < end) {
    const character = text.charAt(index)
    if (character === ' ') columns++
    else if (character === '\t') columns += 4
    else if (character === '>') markers++
    else if ('-+*'.includes(character) && isSpace(text[index + 1])) markers++
    else if (character >= '0' && character <= '9') {
      const marker = /^\d{1,9}[.)](?=\s|$)/.exec(text.slice(index, index + 11))
      if (marker === null) break
      markers++
      index += marker[0].length - 1
    } else break
    index++
  }
  // Without a marker, indentation continues containers that an earlier line has opened, or is code.
  return {
    markers,
    nesting: markers === 0 ? 0 : markers + Math.max(0, Math.floor((columns - markers) / 2)),
  }
}

/** The marker of the outermost container that a line lies in; `current` if it only continues it. */
function outerContainer(text: string, start: number, end: number, current: string): string {
  const line = text.slice(start, Math.min(end, start + 64))
  if (/^(?: {2}|\t)/.test(line) && current !== '') return current
  const [, marker = ''] = /^\s*(>|[-+*](?=\s)|\d{1,9}[.)](?=\s)|\[\^)/.exec(line) ?? []
  return marker.replace(/^\d+/, '')
}

function isSpace(character: string | undefined): boolean {
  return character === undefined || ' \t\r\n'.includes(character)
}

function isBlank(text: string, start: number, end: number): boolean {
  for (let index = start; index < end; index++) if (!isSpace(text[index])) return false
  return true
}
