import type { Root } from 'mdast'
import { cleanTree } from './clean.ts'
import { affordableLength } from './limits.ts'
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
