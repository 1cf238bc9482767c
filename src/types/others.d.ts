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

declare module 'fs-native-extensions' {
  /** Locks a whole open file for this description of it alone. False where somebody else has a lock. */
  export function tryLock(fd: number): boolean
}

declare module 'hyperbee' {
  import type { EventEmitter } from 'node:events'
  import type Hypercore from 'hypercore'

  export type Encoding = 'binary' | 'utf-8' | 'json'

  export interface Entry<K, V> {
    key: K
    value: V
  }

  export interface Range<K> {
    gte?: K
    lt?: K
  }

  /** Holds the write lock from its first write to `flush` or `close`. */
  export interface Batch<K, V> {
    put(key: K, value: V): Promise<void>
    del(key: K): Promise<void>
    /** One atomic append; the batch cannot be used after it. */
    flush(): Promise<void>
    close(): Promise<void>
  }

  /** K and V must match the encodings: nothing checks them. Their defaults are for 'utf-8' and 'json'. */
  class Hyperbee<K = string, V = unknown> extends EventEmitter {
    constructor(
      core: Hypercore,
      /** Both encodings are 'binary' (Buffers) when left out, hence required here. */
      options: { keyEncoding: Encoding; valueEncoding: Encoding; readonly?: boolean },
    )

    readonly core: Hypercore

    ready(): Promise<void>
    /** Closes `core` too. */
    close(): Promise<void>
    /** On an unwritten core of ours the first put appends a header block. */
    put(key: K, value: V): Promise<void>
    del(key: K): Promise<void>
    batch(): Batch<K, V>
    /** Sees the tree as it is now, not later writes. */
    createReadStream(range?: Range<K>): AsyncIterable<Entry<K, V>>
  }

  export default Hyperbee
}
