import { attempt } from '../../errors.ts'
import { merged, without, type BlockRange } from '../block-ranges.ts'
import type { Frame } from '../bundle/read.ts'
import { BlockTree } from '../bundle/tree.ts'
import { assertHeld, damaged, partsOf, readBlock, readLeaf, signedLog } from '../bundle/write.ts'
import { collect, concat, equal } from '../bytes.ts'
import { gzip, type Compress } from '../content/content-codec.ts'
import { portable, type Crypto } from '../crypto.ts'
import type { BlockSource, StoredLog } from '../log.ts'
import { claimsToBeRecord } from '../records/record.ts'
import { encodeHead, type LogHead } from './head.ts'
import {
  blocksOf,
  decodeLeaves,
  encodeLeaves,
  HEAD_PATH,
  isIn,
  lastTile,
  packBytes,
  packsOf,
  recordsPath,
  TILE_BLOCKS,
  TILE_BYTES,
  TILE_LEVEL,
  tilePath,
  type Leaf,
  type Pack,
  encodeRecords,
} from './layout.ts'

export interface LogFile {
  /** Below the folder of the log. */
  readonly path: string
  /** Whether a file of this name always has this content. */
  readonly isImmutable: boolean
  /** Where it is known before the content is made. */
  readonly sizeBytes?: number
  readonly bytes: () => Promise<Uint8Array>
  /** The bytes from `from` to `to`, piece by piece, of a file whose size is known. */
  readonly pieces?: (from: number, to: number) => AsyncIterable<Uint8Array>
}

export interface WriteLogOptions {
  /** Blocks that are not carried, such as the contents of issues that were retracted. */
  readonly holes?: readonly BlockRange[]
  /** Where blocks can be read as records; absent where there is no key: then there are no files of records. */
  readonly records?: BlockSource | undefined
  readonly crypto?: Crypto
  /** A faster gzip than the platform's stream. */
  readonly compress?: Compress
  /** A file of an earlier time, if there is one: of tiles, which then need not be read from the log. */
  readonly existing?: (path: string) => Promise<Uint8Array | undefined>
}

export interface WrittenLog {
  readonly head: LogHead
  /** In the order in which they have to appear: what the head needs, then the head. */
  readonly files: readonly LogFile[]
  /** The hash of the tree over the first blocks. */
  readonly treeHash: (length: number) => Uint8Array
  /** Paths of the files that belong to an older head of the same log. */
  readonly filesOf: (head: Pick<LogHead, 'length' | 'holes'>) => string[]
}

/**
 * The files of a log, the same for the same log and holes whoever makes them. Contents are made when they are asked
 * for, so that one who has most of the files reads only what is new. Every block is hashed on the way.
 * @throws NOT_AVAILABLE if blocks are not on this machine; INVALID_RECORD if the log is damaged; TOO_LARGE.
 */
export async function logFilesOf(
  log: StoredLog,
  options: WriteLogOptions = {},
): Promise<WrittenLog> {
  const { crypto = portable } = options
  const { header, treeHash } = await signedLog(log, new BlockTree(crypto), crypto)
  const { length } = header
  const holes = merged(options.holes ?? [])
    .map(({ start, end }) => ({ start: Math.max(1, start), end: Math.min(end, length) }))
    .filter(({ start, end }) => start < end)
  await assertHeld(log, without([{ start: 0, end: length }], holes))
  const tree = await treeOver(log, length, treeHash, options)
  const leavesOf = (tile: number, until = length) =>
    nodes(tree, 0, tile * TILE_BLOCKS, blocksOf(tile, until))
  const fullTiles = Math.floor(length / TILE_BLOCKS)
  const head: LogHead = {
    ...header,
    holes,
    tiles: nodes(tree, TILE_LEVEL, 0, fullTiles),
    leaves: nodes(tree, 0, fullTiles * TILE_BLOCKS, length % TILE_BLOCKS),
  }
  const packsUntil = (tile: number, older: Pick<LogHead, 'length' | 'holes'>) =>
    packsOf(
      tile,
      leavesOf(tile, older.length).map(({ size }) => size),
      older.holes,
    )

  const files: LogFile[] = []
  for (let tile = 0; tile <= lastTile(length); tile++) {
    if (tile < fullTiles) files.push(fileOf(tilePath(tile), TILE_BYTES, () => leavesOf(tile)))
    for (const pack of packsUntil(tile, head)) {
      const sizeBytes = packBytes(pack)
      const pieces = (from: number, to: number) => packPieces(log, pack, head, tree, { from, to })
      const bytes = () => collect(pieces(0, sizeBytes))
      files.push({ path: pack.path, isImmutable: true, sizeBytes, bytes, pieces })
    }
    const { records, compress = gzip } = options
    if (records === undefined) continue
    const bytes = async () => plainGzip(await compress(await recordsOf(log, records, tile, head)))
    files.push({ path: recordsPath(tile, length), isImmutable: true, bytes })
  }
  const headBytes = encodeHead(head)
  files.push({ path: HEAD_PATH, isImmutable: false, bytes: () => Promise.resolve(headBytes) })

  const filesOf = (older: Pick<LogHead, 'length' | 'holes'>) =>
    Array.from({ length: lastTile(older.length) + 1 }, (_, tile) => [
      tilePath(tile),
      recordsPath(tile, older.length),
      ...packsUntil(tile, older).map(({ path }) => path),
    ]).flat()
  return { head, files, treeHash: (until) => tree.hash(until), filesOf }
}

function fileOf(path: string, sizeBytes: number, leaves: () => Leaf[]): LogFile {
  const bytes = () => Promise.resolve(encodeLeaves(leaves()))
  return { path, isImmutable: true, sizeBytes, bytes }
}

function nodes(tree: BlockTree, level: number, start: number, count: number): Leaf[] {
  return Array.from({ length: count }, (_, i) => {
    const node = tree.node(level, start + i)
    if (node === undefined) throw damaged()
    return node
  })
}

// The tree of the log, by tiles that were written before where they are right, and else by its own leaves.
async function treeOver(
  log: StoredLog,
  length: number,
  treeHash: Uint8Array,
  options: WriteLogOptions,
): Promise<BlockTree> {
  const { crypto, existing } = options
  for (const find of existing === undefined ? [undefined] : [existing, undefined]) {
    const tree = new BlockTree(crypto)
    for (let tile = 0; tile <= lastTile(length); tile++) {
      const count = blocksOf(tile, length)
      const bytes = count === TILE_BLOCKS ? await find?.(tilePath(tile)) : undefined
      const leaves = leavesIn(bytes) ?? (await leavesFrom(log, tile * TILE_BLOCKS, count))
      for (const { hash, size } of leaves) tree.add(hash, size)
    }
    if (equal(tree.hash(), treeHash)) return tree
  }
  throw damaged()
}

function leavesIn(bytes: Uint8Array | undefined): Leaf[] | undefined {
  return attempt(() => (bytes?.byteLength === TILE_BYTES ? decodeLeaves(bytes) : undefined))
}

async function leavesFrom(log: StoredLog, start: number, count: number): Promise<Leaf[]> {
  const frames = Array.from({ length: count }, (_, i) => readLeaf(log, start + i))
  return (await Promise.all(frames)).map(({ hash, sizeBytes }) => ({ hash, size: sizeBytes }))
}

/** Small frames are handed out together. */
const PIECE_BYTES = 64 * 1024

// Reads nothing but the blocks that are asked for.
async function* packPieces(
  log: StoredLog,
  { start, end, offsets }: Pack,
  { holes }: LogHead,
  tree: BlockTree,
  { from, to }: { readonly from: number; readonly to: number },
): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  for (let index = start; index < end; index++) {
    const [first = 0, last = 0] = offsets.slice(index - start, index - start + 2)
    if (last <= from || first >= to) continue
    const frame = concat(partsOf(await frameOf(log, index, holes, tree)))
    const part = frame.subarray(Math.max(0, from - first), Math.min(last, to) - first)
    pending.push(part)
    pendingBytes += part.byteLength
    if (pendingBytes < PIECE_BYTES) continue
    yield concat(pending)
    pending = []
    pendingBytes = 0
  }
  if (pendingBytes > 0) yield concat(pending)
}

async function frameOf(
  log: StoredLog,
  index: number,
  holes: readonly BlockRange[],
  tree: BlockTree,
): Promise<Frame> {
  const leaf = tree.leaf(index)
  if (leaf === undefined) throw damaged()
  if (isIn(holes, index)) return { hash: leaf.hash, sizeBytes: leaf.size }
  const frame = await readBlock(log, index)
  if (!equal(tree.leafHash(frame.block), leaf.hash)) throw damaged()
  return frame
}

// Without what differs between the machines that made it: time, level and system (RFC 1952).
function plainGzip(zipped: Uint8Array): Uint8Array {
  const plain = zipped.slice()
  plain.set([0, 0, 0, 0, 0, 255], 4)
  return plain
}

async function recordsOf(
  log: StoredLog,
  records: BlockSource,
  tile: number,
  { length, holes }: LogHead,
): Promise<Uint8Array> {
  const found = new Map<number, Uint8Array>()
  for (let place = 0; place < blocksOf(tile, length); place++) {
    const index = tile * TILE_BLOCKS + place
    if (isIn(holes, index)) continue
    const block = await records.read(index, { wait: false })
    if (!claimsToBeRecord(block)) continue
    found.set(place, (await readBlock(log, index)).block)
  }
  return encodeRecords(found)
}
