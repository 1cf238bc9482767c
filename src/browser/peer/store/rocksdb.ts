import { Readable } from 'streamx'
import type { DatabaseChange, Database, KeyRange } from './database.ts'

/*
 * What hypercore-storage uses of the package rocksdb-native, for which this stands in tabs. There are no column
 * families, and no snapshots: what is read is what is stored at that moment. Of a log that only grows, that is enough.
 */

/** Named by hypercore-storage, for options that only a disk has. */
export class ColumnFamily {
  readonly name = 'all'
}

/** One session; all of them have the same database. */
export class RocksDB {
  readonly path = '/'
  readonly opened = true
  readonly _snapshot = null
  readonly _state = { closing: false }
  readonly #database: Database
  readonly #isRoot: boolean
  /** As hypercore-storage looks for: -1 once it is closed. */
  _index = 0

  constructor(database: Database, isRoot = true) {
    this.#database = database
    this.#isRoot = isRoot
  }

  get closed(): boolean {
    return this._index === -1
  }

  ready(): Promise<void> {
    return Promise.resolve()
  }

  columnFamily(): RocksDB {
    return this.session()
  }

  session(): RocksDB {
    return new RocksDB(this.#database, false)
  }

  snapshot(): RocksDB {
    return this.session()
  }

  read(): ReadBatch {
    return new ReadBatch(this.#database)
  }

  write(): WriteBatch {
    return new WriteBatch(this.#database)
  }

  iterator(range: KeyRange): Readable {
    const found = async function* (database: Database) {
      yield* await database.range(range)
    }
    return Readable.from(found(this.#database))
  }

  flush(): Promise<void> {
    return Promise.resolve()
  }

  compactRange(): Promise<void> {
    return Promise.resolve()
  }

  async close(): Promise<void> {
    this._index = -1
    if (this.#isRoot) await this.#database.close()
  }
}

class ReadBatch {
  readonly #database: Database
  #wanted: {
    readonly key: Uint8Array
    readonly resolve: (value: Uint8Array | null) => void
    readonly reject: (error: unknown) => void
  }[] = []

  constructor(database: Database) {
    this.#database = database
  }

  /** Resolves after the next flush. */
  get(key: Uint8Array): Promise<Uint8Array | null> {
    return new Promise((resolve, reject) => this.#wanted.push({ key, resolve, reject }))
  }

  tryFlush(): void {
    void this.flush()
  }

  async flush(): Promise<void> {
    const wanted = this.#wanted
    this.#wanted = []
    try {
      const values = await this.#database.get(wanted.map((it) => it.key))
      for (const [i, { resolve }] of wanted.entries()) resolve(values[i] ?? null)
    } catch (error) {
      for (const { reject } of wanted) reject(error)
    }
  }

  destroy(): void {
    this.#wanted = []
  }
}

class WriteBatch {
  readonly #database: Database
  #changes: DatabaseChange[] = []

  constructor(database: Database) {
    this.#database = database
  }

  tryPut(key: Uint8Array, value: Uint8Array): void {
    this.#changes.push({ key, value })
  }

  tryDelete(key: Uint8Array): void {
    this.#changes.push({ key })
  }

  tryDeleteRange(start: Uint8Array, end: Uint8Array): void {
    this.#changes.push({ start, end })
  }

  flush(): Promise<void> {
    const changes = this.#changes
    this.#changes = []
    return this.#database.write(changes)
  }

  destroy(): void {
    this.#changes = []
  }
}
