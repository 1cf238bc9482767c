import c, { type Encoder } from 'compact-encoding'
import { MAX_LOG_BLOCKS } from '../../format/block-ranges.ts'
import { MAX_BLOCK_BYTES } from '../../format/bundle/format.ts'
import {
  bytesUpTo,
  listOf,
  oneOf,
  struct,
  type Encoded,
  type OfKind,
} from '../../peers/peer-protocol.ts'
import { MAX_SIGNATURE_BYTES } from '../push/push-message.ts'

/** Runs in one request. */
export const MAX_ASKED_RUNS = 32

/** Blocks of a run. */
export const MAX_RUN_BLOCKS = 4_096

/** Bytes of a run of several blocks. */
export const MAX_RUN_BYTES = 2 * 1024 * 1024

/** Bytes of the blocks of one message, unless it is one larger block. */
export const MAX_GIVEN_BYTES = 64 * 1024

/** Nodes beside a run: twice the height of the highest tree there can be. */
export const MAX_BESIDE = 64

/** Bytes of the bits of one announcement. */
export const MAX_BITMAP_BYTES = 512

/** The largest message: a block, the nodes beside it, and what else stands before it. */
export const MAX_RANGE_BYTES = MAX_BLOCK_BYTES + 41 * MAX_BESIDE + 64

export const NOT_HERE = 0
export const TOO_LARGE = 1

const blocks: Encoder<readonly Uint8Array[]> = {
  preencode(state, them) {
    c.uint.preencode(state, them.length)
    for (const { byteLength } of them) {
      c.uint.preencode(state, byteLength)
      state.end += byteLength
    }
  },
  encode(state, them) {
    c.uint.encode(state, them.length)
    for (const { byteLength } of them) c.uint.encode(state, byteLength)
    for (const it of them) c.raw.encode(state, it)
  },
  decode(state) {
    const sizes = listOf(c.uint, MAX_RUN_BLOCKS).decode(state)
    const bytes = sizes.reduce((sum, it) => sum + it, 0)
    const isTooMuch = sizes.length > 1 && bytes > MAX_GIVEN_BYTES
    if (sizes.length === 0 || isTooMuch || bytes > state.end - state.start) {
      throw new Error('A message has not the blocks that it says')
    }
    return sizes.map((it) => {
      const start = state.start
      state.start += it
      return c.raw.decode({ ...state, start, end: state.start })
    })
  },
}

const anyRun = struct({ start: c.uint, blocks: c.uint, anchor: c.uint })

/** Blocks in a row that are asked for. `anchor`: number of a node over all of them, whose hash the asker knows. */
export type AskedRun = Encoded<typeof anyRun>

const run: Encoder<AskedRun> = {
  ...anyRun,
  decode(state) {
    const asked = anyRun.decode(state)
    const isPossible =
      asked.blocks >= 1 &&
      asked.blocks <= MAX_RUN_BLOCKS &&
      asked.start + asked.blocks <= MAX_LOG_BLOCKS &&
      asked.anchor < 2 * MAX_LOG_BLOCKS
    if (!isPossible) throw new Error('A run cannot exist')
    return asked
  },
}

const blockNumber: Encoder<number> = {
  ...c.uint,
  decode(state) {
    const index = c.uint.decode(state)
    if (index >= MAX_LOG_BLOCKS) throw new Error('A block cannot exist')
    return index
  },
}

const NOTHING = 'An announcement is of nothing that can exist'

/** The first one (varint), then bits, one for each block from there on, the lowest of a byte first. */
const bitmap: Encoder<readonly number[]> = {
  preencode(state, [first = 0, ...others]) {
    c.uint.preencode(state, first)
    c.uint8array.preencode(state, bitsOf(first, others))
  },
  encode(state, [first = 0, ...others]) {
    c.uint.encode(state, first)
    c.uint8array.encode(state, bitsOf(first, others))
  },
  decode(state) {
    const first = c.uint.decode(state)
    const bits = c.uint8array.decode(state)
    if (bits.byteLength > MAX_BITMAP_BYTES || first >= MAX_LOG_BLOCKS) throw new Error(NOTHING)
    const found: number[] = []
    for (let i = 0; i < 8 * bits.byteLength; i++) {
      if ((((bits[i >>> 3] ?? 0) >>> (i & 7)) & 1) === 1) found.push(first + i)
    }
    if (found.length === 0) throw new Error(NOTHING)
    return found
  },
}

function bitsOf(first: number, others: readonly number[]): Uint8Array {
  const bits = new Uint8Array(((others.at(-1) ?? first) - first + 8) >>> 3)
  for (const index of [first, ...others]) {
    const at = index - first
    bits[at >>> 3] = (bits[at >>> 3] ?? 0) | (1 << (at & 7))
  }
  return bits
}

const nodes = listOf(struct({ size: c.uint, hash: c.fixed32 }), MAX_BESIDE)

/** Message: its kind (varint), and what that kind has. A `topic` is the discovery key of a core. */
export const rangeEncoding = oneOf({
  /** The runs have the numbers from `id` on. */
  ask: { topic: c.fixed32, id: c.uint, runs: listOf(run, MAX_ASKED_RUNS) },
  /**
   * The next blocks of a run, as they are stored: at least one. With the first ones come the nodes between the run and
   * its anchor, as `besideOf` orders them.
   */
  give: { id: c.uint, beside: nodes, blocks },
  /** A run is not given: it is not here (`NOT_HERE`), or larger than `MAX_RUN_BYTES` (`TOO_LARGE`). */
  lack: { id: c.uint, why: c.uint },
  /** A run is no longer wanted. */
  cancel: { id: c.uint },
  /** Blocks of a log that arrive are to be announced by `have`, under this number. */
  hear: { topic: c.fixed32, number: c.uint },
  /**
   * Blocks that are here, of the log that the receiver gave the number. Ascending; at least one, and the last one less
   * than 8 × `MAX_BITMAP_BYTES` behind the first.
   */
  have: { number: c.uint, blocks: bitmap },
  /** The sender has nothing of a core, and asks for its head, which may come before either knows that both have it. */
  begin: { topic: c.fixed32, id: c.uint },
  /** The answer to `begin`, see `HeadBlocks`. A peer that has less than that, or another log, need not answer. */
  head: {
    id: c.uint,
    publicKey: c.fixed32,
    signature: bytesUpTo(MAX_SIGNATURE_BYTES),
    start: blockNumber,
    roots: nodes,
    first: bytesUpTo(MAX_GIVEN_BYTES),
    beside: nodes,
    blocks,
  },
})

export type RangeMessage = Encoded<typeof rangeEncoding>
export type Ask = OfKind<RangeMessage, 'ask'>
export type Give = OfKind<RangeMessage, 'give'>
export type Lack = OfKind<RangeMessage, 'lack'>
export type Hear = OfKind<RangeMessage, 'hear'>
export type Have = OfKind<RangeMessage, 'have'>
export type Begin = OfKind<RangeMessage, 'begin'>
export type HeadMessage = OfKind<RangeMessage, 'head'>
