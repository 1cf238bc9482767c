import { hex } from '../../../hex.ts'

/** What a batch does with one key, or with all from a key on to before another. */
export type DatabaseChange =
  | { readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly key: Uint8Array; readonly value?: undefined }
  | { readonly start: Uint8Array; readonly end: Uint8Array }

export interface DatabaseEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Keys from one on to before another; nothing stands for no limit. */
export interface KeyRange {
  readonly gte?: Uint8Array | undefined
  readonly lt?: Uint8Array | undefined
  readonly reverse?: boolean
}

/** Values from this size on stay in the database: blocks. The others are read when it opens, and kept in memory. */
const LARGE_BYTES = 1024

const SMALL = 'small'
const LARGE = 'large'

type Entries = Map<string, { readonly key: Uint8Array; readonly value?: Uint8Array }>

interface Waiting {
  readonly changes: readonly DatabaseChange[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Keys and values in IndexedDB, with batches of writes that are stored whole or not at all. Once one could not be
 * stored, no other is until it is opened anew: what is in memory must not be ahead of what is stored.
 */
export class Database {
  readonly #db: IDBDatabase
  /** By key in hexadecimal digits. Without a value: it is large, and in the database. */
  readonly #entries: Entries
  /** Keys whose values are large in what was handed to the database so far, stored or on its way. */
  readonly #large: Set<string>
  #queue: Waiting[] = []
  #isWriting = false
  #failure: Error | undefined
  #idle: Promise<void> = Promise.resolve()

  private constructor(db: IDBDatabase, entries: Entries) {
    this.#db = db
    this.#entries = entries
    this.#large = new Set([...entries].filter(([, it]) => it.value === undefined).map(([id]) => id))
    // Somebody deletes it, or the browser closes it.
    db.addEventListener('versionchange', () => this.#fail(new Error('RocksDB session is closed')))
    db.addEventListener('close', () => this.#fail(new Error('RocksDB session is closed')))
  }

  /** Makes it where there is none. @throws DOMException where the browser keeps nothing. */
  static async open(name: string): Promise<Database> {
    const opening = indexedDB.open(name, 1)
    opening.addEventListener('upgradeneeded', () => {
      for (const it of [SMALL, LARGE]) opening.result.createObjectStore(it)
    })
    const db = await resultOf(opening)
    const [small, large] = storesOf(db.transaction([SMALL, LARGE]))
    const [keys, values, largeKeys] = await Promise.all([
      resultOf(small.getAllKeys()),
      resultOf(small.getAll() as IDBRequest<Uint8Array[]>),
      resultOf(large.getAllKeys()),
    ])
    const entries: Entries = new Map()
    for (const [i, it] of keys.entries()) {
      const [key, value] = [bytesOf(it), values[i]]
      if (value !== undefined) entries.set(hex(key), { key, value })
    }
    for (const it of largeKeys) {
      const key = bytesOf(it)
      entries.set(hex(key), { key })
    }
    return new Database(db, entries)
  }

  /** Removes it with all that it has; closes it where it is open. */
  static async delete(name: string): Promise<void> {
    await resultOf(indexedDB.deleteDatabase(name))
  }

  /** The values of some keys, in one transaction; null where there is none. */
  async get(keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    const found = keys.map((it) => this.#entries.get(hex(it)))
    if (found.every((it) => it === undefined || it.value !== undefined)) {
      return found.map((it) => it?.value ?? null)
    }
    const large = this.#db.transaction(LARGE).objectStore(LARGE)
    return Promise.all(
      found.map(async (it) => {
        if (it === undefined || it.value !== undefined) return it?.value ?? null
        const reading = large.get(it.key as IDBValidKey) as IDBRequest<Uint8Array | undefined>
        return (await resultOf(reading)) ?? null
      }),
    )
  }

  /** What a range has now, in the order of keys. */
  async range({ gte, lt, reverse = false }: KeyRange): Promise<DatabaseEntry[]> {
    const [from, to] = [gte && hex(gte), lt && hex(lt)]
    const ids = [...this.#entries.keys()].filter(
      (it) => (from === undefined || it >= from) && (to === undefined || it < to),
    )
    ids.sort()
    if (reverse) ids.reverse()
    const keys = ids.flatMap((it) => this.#entries.get(it)?.key ?? [])
    const values = await this.get(keys)
    return keys.flatMap((key, i) => {
      const value = values[i]
      return value ? [{ key, value }] : []
    })
  }

  /** Resolves when all of it is stored. @throws Error with the text that a full disk has for Hypercore */
  write(changes: readonly DatabaseChange[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ changes, resolve, reject })
      if (!this.#isWriting) this.#idle = this.#writeAll()
    })
  }

  async close(): Promise<void> {
    await this.#idle
    this.#db.close()
  }

  // What is asked for while something is being written is written next, together.
  async #writeAll(): Promise<void> {
    this.#isWriting = true
    while (this.#queue.length > 0) {
      const group = this.#queue
      this.#queue = []
      const changes = group.flatMap((it) => it.changes)
      try {
        if (this.#failure !== undefined) throw this.#failure
        await this.#store(changes)
        for (const it of changes) this.#remember(it)
        for (const it of group) it.resolve()
      } catch (cause) {
        this.#fail(cause)
        const error = new Error('Batch was not applied', { cause })
        for (const it of group) it.reject(error)
      }
    }
    this.#isWriting = false
  }

  #store(changes: readonly DatabaseChange[]): Promise<void> {
    const transaction = this.#db.transaction([SMALL, LARGE], 'readwrite', { durability: 'relaxed' })
    const [small, large] = storesOf(transaction)
    for (const change of changes) {
      if ('start' in change) {
        const range = IDBKeyRange.bound(change.start, change.end, false, true)
        for (const it of [small, large]) it.delete(range)
        for (const it of this.#large) if (isWithin(it, change)) this.#large.delete(it)
        continue
      }
      const { key, value } = change
      const [id, at] = [hex(key), new Uint8Array(key)]
      const isLarge = value !== undefined && value.byteLength >= LARGE_BYTES
      if (this.#large.has(id) ? !isLarge : isLarge || value === undefined) {
        ;(this.#large.has(id) ? large : small).delete(at)
      }
      // A copy, or all of the memory that it is a part of would be stored.
      if (value !== undefined) (isLarge ? large : small).put(new Uint8Array(value), at)
      if (isLarge) this.#large.add(id)
      else this.#large.delete(id)
    }
    return new Promise((resolve, reject) => {
      transaction.addEventListener('complete', () => resolve())
      transaction.addEventListener('abort', () =>
        reject(transaction.error ?? new Error('The transaction was ended.')),
      )
    })
  }

  #remember(change: DatabaseChange): void {
    if ('start' in change) {
      for (const it of this.#entries.keys()) if (isWithin(it, change)) this.#entries.delete(it)
      return
    }
    const { key, value } = change
    const id = hex(key)
    if (value === undefined) this.#entries.delete(id)
    else if (value.byteLength >= LARGE_BYTES) this.#entries.set(id, { key: new Uint8Array(key) })
    else this.#entries.set(id, { key: new Uint8Array(key), value: new Uint8Array(value) })
  }

  #fail(cause: unknown): void {
    this.#failure ??= cause instanceof Error ? cause : new Error('It failed.', { cause })
  }
}

function storesOf(transaction: IDBTransaction): [small: IDBObjectStore, large: IDBObjectStore] {
  return [transaction.objectStore(SMALL), transaction.objectStore(LARGE)]
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('It failed.')))
  })
}

function isWithin(
  id: string,
  { start, end }: Extract<DatabaseChange, { start: Uint8Array }>,
): boolean {
  return id >= hex(start) && id < hex(end)
}

function bytesOf(key: IDBValidKey): Uint8Array {
  return new Uint8Array(key as ArrayBuffer)
}
