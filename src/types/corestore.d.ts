declare module 'corestore' {
  import type { EventEmitter } from 'node:events'
  import type Hypercore from 'hypercore'
  import type { ManifestInput, ReplicationStream, SessionOptions } from 'hypercore'
  import type { AnyKeyPair, KeyPair } from 'hypercore-crypto'
  import type { Connection } from 'hyperswarm'

  export interface CorestoreOptions {
    readOnly?: boolean
  }

  /** One of `name`, `key`, `keyPair`, `manifest` or `discoveryKey` is needed. */
  export interface CoreOptions extends SessionOptions {
    name?: string
    /** Bytes, hex or z-base-32. */
    key?: Uint8Array | string
    keyPair?: AnyKeyPair
    manifest?: ManifestInput
    /** False keeps the old blocks when the publisher truncates, and refuses every fork above ours. */
    allowFork?: boolean
  }

  /** The core below the sessions; not a Hypercore. */
  export interface StoredCore {
    readonly discoveryKey: Buffer
  }

  export interface CorestoreStorage {
    /** Ready once this process has the lock of the directory, before the database opens; null where there is none. */
    readonly deviceFile: {
      ready(): Promise<void>
      /** `_fd` is -1 once the database has it. */
      readonly lock: { readonly _fd: number } | null
    } | null
    /** Closes the database and gives the lock back; `Corestore.close` does it last. */
    close(): Promise<void>
    /** The discovery key of a core by its name; null if it was never made. */
    getAlias(alias: { name: string; namespace: Uint8Array }): Promise<Uint8Array | null>
    /** `flush` is what fsyncs appends; nothing else does before `close`. */
    readonly db: {
      flush(): Promise<void>
      /** A property of RocksDB by its name; a number comes as text. */
      getProperty(name: string): Promise<string>
      /** Null for no bound. The numbers are constants of RocksDB. */
      compactRange(
        start: Uint8Array | null,
        end: Uint8Array | null,
        options?: {
          /** 1 also copies the live blocks of files that have dead ones, 2 only removes files that are dead whole. */
          blobGarbageCollectionPolicy?: number
          blobGarbageCollectionAgeCutoff?: number
          bottommostLevelCompaction?: number
        },
      ): Promise<void>
    }
  }

  /** Opens itself; a failure to open is silent until `ready` is awaited. */
  class Corestore extends EventEmitter {
    /** @param storage a directory, or what `Hypercore.defaultStorage` gives. */
    constructor(storage: string | object, options?: CorestoreOptions)

    readonly storage: CorestoreStorage
    /** The namespace of this session, of which names are. */
    readonly ns: Buffer

    ready(): Promise<void>
    /** Closes every core and session too; `get` and `replicate` throw from then on. */
    close(): Promise<void>
    get(options: CoreOptions | Uint8Array | string): Hypercore
    /** Serves every stored core to a peer who knows its key, opening it on demand. */
    replicate(stream: Connection): Connection
    replicate(isInitiator: boolean, options?: { keepAlive?: boolean }): ReplicationStream
    createKeyPair(name: string | Uint8Array, namespace?: Uint8Array): Promise<KeyPair>
    /** Discovery keys of all stored cores. */
    list(namespace?: Uint8Array): AsyncIterable<Buffer>
    /** Called for each core opened later, also by a peer's demand; synchronous, and before the core is ready. */
    watch(onCore: (core: StoredCore) => void): void
  }

  export default Corestore
}
