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

  interface Options {
    /** Knows only the five entities of XML itself. */
    readonly strictEntities?: boolean
    /** False: does not count lines and columns. */
    readonly position?: boolean
  }

  const sax: { parser(strict: boolean, options?: Options): Parser }
  export default sax
}
