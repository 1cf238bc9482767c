import c, { type Encoder } from 'compact-encoding'
import { MAX_LOG_BLOCKS } from '../../format/block-ranges.ts'
import { MAX_BLOCK_BYTES } from '../../format/bundle/format.ts'
import type { PlacedNode } from '../../format/log.ts'
import type { HeadBlocks } from '../../log/internals/log-heads.ts'
import { bytesUpTo, listOf, oneOf, struct, type UnknownKind } from '../../peers/peer-protocol.ts'
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

/** Blocks in a row that are asked for. */
export interface AskedRun {
  readonly start: number
  readonly blocks: number
  /** The number of a node over all of them, whose hash the asker knows. */
  readonly anchor: number
}

/** The runs have the numbers from `id` on. */
export interface Ask {
  readonly kind: 'ask'
  /** Discovery key of a core that both sides replicate. */
  readonly topic: Uint8Array
  readonly id: number
  readonly runs: readonly AskedRun[]
}

/** The next blocks of a run. */
export interface Give {
  readonly kind: 'give'
  readonly id: number
  /** With the first blocks of a run: the nodes between it and its anchor, as `besideOf` orders them. */
  readonly beside: readonly PlacedNode[]
  /** As they are stored; at least one. */
  readonly blocks: readonly Uint8Array[]
}

/** A run is not given: it is not here, or larger than `MAX_RUN_BYTES`. */
export interface Lack {
  readonly kind: 'lack'
  readonly id: number
  readonly why: number
}

export const NOT_HERE = 0
export const TOO_LARGE = 1

/** A run is no longer wanted. */
export interface Cancel {
  readonly kind: 'cancel'
  readonly id: number
}

/** Blocks of a log that arrive are to be announced by `have`, under this number. */
export interface Hear {
  readonly kind: 'hear'
  /** Discovery key of a core that both sides replicate. */
  readonly topic: Uint8Array
  readonly number: number
}

/** Blocks that are here. */
export interface Have {
  readonly kind: 'have'
  /** That the receiver gave the log. */
  readonly number: number
  /** Ascending; at least one, and the last one less than 8 × `MAX_BITMAP_BYTES` behind the first. */
  readonly blocks: readonly number[]
}

/** The sender has nothing of a core, and asks for its head, which may come before either side knows that both have it. */
export interface Begin {
  readonly kind: 'begin'
  /** Discovery key of the core. */
  readonly topic: Uint8Array
  readonly id: number
}

/** What a copy begins with. Who has less than that, or another log, need not answer. */
export interface HeadMessage extends HeadBlocks {
  readonly kind: 'head'
  readonly id: number
}

export type RangeMessage =
  Ask | Give | Lack | Cancel | Hear | Have | Begin | HeadMessage | UnknownKind

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

const run: Encoder<AskedRun> = {
  ...struct<AskedRun>({ start: c.uint, blocks: c.uint, anchor: c.uint }),
  decode(state) {
    const asked = {
      start: c.uint.decode(state),
      blocks: c.uint.decode(state),
      anchor: c.uint.decode(state),
    }
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

const nodes = listOf(struct<PlacedNode>({ size: c.uint, hash: c.fixed32 }), MAX_BESIDE)

/** Message: its kind (varint), and what that kind has. */
export const rangeEncoding = oneOf<RangeMessage>([
  [
    'ask',
    struct<Omit<Ask, 'kind'>>({ topic: c.fixed32, id: c.uint, runs: listOf(run, MAX_ASKED_RUNS) }),
  ],
  [
    'give',
    struct<Omit<Give, 'kind'>>({
      id: c.uint,
      beside: nodes,
      blocks,
    }),
  ],
  ['lack', struct<Omit<Lack, 'kind'>>({ id: c.uint, why: c.uint })],
  ['cancel', struct<Omit<Cancel, 'kind'>>({ id: c.uint })],
  ['hear', struct<Omit<Hear, 'kind'>>({ topic: c.fixed32, number: c.uint })],
  ['have', struct<Omit<Have, 'kind'>>({ number: c.uint, blocks: bitmap })],
  ['begin', struct<Omit<Begin, 'kind'>>({ topic: c.fixed32, id: c.uint })],
  [
    'head',
    struct<Omit<HeadMessage, 'kind'>>({
      id: c.uint,
      publicKey: c.fixed32,
      signature: bytesUpTo(MAX_SIGNATURE_BYTES),
      start: blockNumber,
      roots: nodes,
      first: bytesUpTo(MAX_GIVEN_BYTES),
      beside: nodes,
      blocks,
    }),
  ],
])
