declare module 'markdown-it-footnote' {
  import type { MarkdownIt } from 'markdown-it'

  /** Adds the rules `footnote_def`, `footnote_ref`, `footnote_inline` and `footnote_tail`. */
  export default function footnotes(md: MarkdownIt): void
}
