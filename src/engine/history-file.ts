import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import * as z from 'zod'
import { SerialQueue } from '../async.ts'
import { readChecked, replaceChecked } from '../atomic-file.ts'
import type { History, HistoryMemory } from '../format/history/history.ts'
import { only } from '../format/block-ranges.ts'
import {
  INVALID,
  LISTING_LIMITS,
  SUPERSEDED,
  UNKNOWN,
  type KnownPart,
  type KnownPartStore,
  type KnownRecord,
} from '../format/history/known-record.ts'
import type { Log } from '../format/log.ts'
import { hex } from '../hex.ts'

/** Raised when what is remembered of a record changes. A file of another version is made anew. */
const VERSION = 3

/** What listings of all logs hold in memory together: the largest that one may have, and half as much for others. */
const LISTINGS_BYTES = 1.5 * LISTING_LIMITS.bytes

/** Bounds what listings hold in memory: the one that was not asked for longest goes first. */
export function listingMemory(maxBytes = LISTINGS_BYTES): HistoryMemory {
  const turns = new SerialQueue()
  const kept = new LRUCache<Pick<History, 'release'>, number>({
    maxSize: maxBytes,
    sizeCalculation: (bytes) => bytes + 1,
    dispose: (_bytes, history, reason) => {
      if (reason === 'evict') history.release()
    },
  })
  return {
    inTurn: (read) => turns.run(read),
    set: (history, bytes) => kept.set(history, bytes),
    delete: (history) => kept.delete(history),
  }
}

/** What is written, and read, in one turn of the event loop. */
const LINES_AT_ONCE = 1_000
const BYTES_AT_ONCE = 256 * 1_024

/** Placeholder of a record that is not kept in memory: its position in this list. */
const MARKS = [INVALID, UNKNOWN, SUPERSEDED] as const

const header = z.strictObject({
  version: z.literal(VERSION),
  length: z.int().positive(),
  treeHash: z.string(),
  isCut: z.boolean(),
})

type Line = [index: number, bytes: number, record: unknown]

/**
 * The known part of one log, in a file for this user alone that says first what it belongs to: a line of JSON for
 * each record. A cache: what does not belong to the log as it is, or is damaged, is not used.
 */
export class HistoryFile implements KnownPartStore {
  readonly #path: string
  readonly #log: Log

  constructor(path: string, log: Log) {
    this.#path = path
    this.#log = log
  }

  async load(): Promise<KnownPart | undefined> {
    const { facts, body } = await readChecked(this.#path)
    const { length, treeHash, isCut } = header.parse(facts)
    if ((await this.#treeHash(length)) !== treeHash) return undefined
    return { length, isCut, records: await parseLines(body) }
  }

  async save({ length, records, isCut }: KnownPart): Promise<void> {
    const treeHash = await this.#treeHash(length)
    if (treeHash === undefined) return
    const parts: Uint8Array[] = []
    for (let i = 0; i < records.length; i += LINES_AT_ONCE) {
      const lines = records.slice(i, i + LINES_AT_ONCE).map(formatLine)
      parts.push(Buffer.from(lines.join('')))
      await setImmediate()
    }
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
    await replaceChecked(this.#path, { version: VERSION, length, treeHash, isCut }, parts)
  }

  // Without asking peers: that takes the last block.
  async #treeHash(length: number): Promise<string | undefined> {
    const isHere = length <= this.#log.length && (await this.#log.has(only(length - 1)))
    return isHere ? hex(await this.#log.treeHash(length)) : undefined
  }
}

function formatLine({ index, bytes, record }: KnownRecord): string {
  const line: Line = [
    index,
    bytes,
    typeof record === 'object' ? record : MARKS.findIndex((it) => it === record),
  ]
  return `${JSON.stringify(line)}\n`
}

async function parseLines(bytes: Buffer): Promise<KnownRecord[]> {
  const records: KnownRecord[] = []
  for (let start = 0; start < bytes.length;) {
    // Many lines as one array take half the time that they take one by one.
    const end = bytes.indexOf('\n', Math.min(start + BYTES_AT_ONCE, bytes.length - 1))
    const lines = bytes.toString('utf8', start, end).replaceAll('\n', ',')
    for (const [index, size, record] of JSON.parse(`[${lines}]`) as Line[]) {
      const kept = typeof record === 'number' ? MARKS[record] : record
      records.push({ index, bytes: size, record: kept as KnownRecord['record'] })
    }
    start = end + 1
    await setImmediate()
  }
  return records
}
