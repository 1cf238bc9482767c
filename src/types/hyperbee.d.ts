declare module 'hyperbee' {
  import type { EventEmitter } from 'node:events'
  import type Hypercore from 'hypercore'

  export type Encoding = 'binary' | 'utf-8' | 'ascii' | 'hex' | 'json'

  export interface Entry<K, V> {
    seq: number
    key: K
    value: V
  }

  export interface Range<K> {
    gt?: K
    gte?: K
    lt?: K
    lte?: K
  }

  export interface RangeOptions {
    reverse?: boolean
    limit?: number
    signal?: AbortSignal
  }

  /** Called only when the key exists already; false writes nothing. */
  export interface PutOptions<K, V> {
    cas?: (previous: Entry<K, V>, next: Entry<K, V>) => boolean | Promise<boolean>
  }

  export interface DeleteOptions<K, V> {
    cas?: (previous: Entry<K, V>) => boolean | Promise<boolean>
  }

  /** Holds the write lock from its first write to `flush` or `close`. */
  export interface Batch<K, V> {
    get(key: K): Promise<Entry<K, V> | null>
    put(key: K, value: V, options?: PutOptions<K, V>): Promise<void>
    del(key: K, options?: DeleteOptions<K, V>): Promise<void>
    /** One atomic append; the batch cannot be used after it. */
    flush(): Promise<void>
    close(): Promise<void>
  }

  /** K and V must match the encodings: nothing checks them. Their defaults are for 'utf-8' and 'json'. */
  class Hyperbee<K = string, V = unknown> extends EventEmitter {
    constructor(
      core: Hypercore,
      /** Both encodings are 'binary' (Buffers) when left out, hence required here. */
      options: {
        keyEncoding: Encoding
        valueEncoding: Encoding
        extension?: boolean
        readonly?: boolean
      },
    )

    readonly core: Hypercore
    /** Old name of `core`. */
    readonly feed: Hypercore
    /** At least 1, also when empty. */
    readonly version: number
    readonly writable: boolean
    readonly opened: boolean
    readonly closed: boolean

    ready(): Promise<void>
    /** Closes `core` too. */
    close(): Promise<void>
    /** On an unwritten core of ours the first put appends a header block. */
    put(key: K, value: V, options?: PutOptions<K, V>): Promise<void>
    get(key: K, options?: { wait?: boolean; timeout?: number }): Promise<Entry<K, V> | null>
    del(key: K, options?: DeleteOptions<K, V>): Promise<void>
    batch(options?: { wait?: boolean; timeout?: number }): Batch<K, V>
    /** Sees the tree as it is now, not later writes. */
    createReadStream(range?: Range<K>, options?: RangeOptions): AsyncIterable<Entry<K, V>>
    snapshot(): Hyperbee<K, V>
  }

  export default Hyperbee
}
