import type { Root } from 'mdast'
import { cleanTree } from './markdown-clean.ts'
import { affordableLength } from './markdown-limits.ts'
import { treeOf } from './parsing/tree.ts'

export interface ParsedMarkdown {
  /** Only what the renderers know, made safe: see `cleanTree`. */
  readonly root: Root
  /** True if the text, or the rest of it, was too costly to parse and stands there unformatted. */
  readonly degraded: boolean
}

/**
 * Parses CommonMark with GFM tables, strikethrough, task lists, footnotes and autolinks from
 * an untrusted author, in bounded time and depth. What would cost too much, from the first such
 * block on, is kept as one preformatted block of plain text.
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
  if (rest.trim() !== '') root.children.push({ type: 'code', value: rest })
  return cleanTree(root)
}
