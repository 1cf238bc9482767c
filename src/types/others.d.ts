declare module 'markdown-it-footnote' {
  import type { MarkdownIt } from 'markdown-it'

  /** Adds the rules `footnote_def`, `footnote_ref`, `footnote_inline` and `footnote_tail`. */
  export default function footnotes(md: MarkdownIt): void
}

declare module 'sax' {
  export interface Tag {
    readonly name: string
    readonly attributes: Readonly<Record<string, string>>
  }

  /**
   * Calls its properties `onopentag`, `ondoctype`, `onsgmldeclaration` and `onerror`. An error does not
   * end the work: whoever hears of it has to throw.
   */
  interface Parser {
    readonly tags: readonly Tag[]
    write(text: string): Parser
    close(): Parser
  }

  interface Options {}

  const sax: { parser(strict: boolean, options?: Options): Parser }
  export default sax
}

declare module 'z32' {
  const z32: {
    encode(data: Uint8Array | string): string
    /** Throws a plain Error on a character outside the alphabet; checks neither length nor spare bits. */
    decode(text: string, out?: Uint8Array): Buffer
  }
  export default z32
}
