import c, { type Encoder } from 'compact-encoding'

/** What an entry that is pushed may take, all its blocks together. Larger ones are asked for. */
export const MAX_PUSHED_BYTES = 64 * 1024
export const MAX_PUSHED_BLOCKS = 64

/** A newsletter has one signer, whose signature takes 68 bytes; logs of several take some more. */
export const MAX_SIGNATURE_BYTES = 512

/** Receivers that are named in a message. */
export const MAX_RECEIVERS = 256

/** The largest message: its parts, and a varint for each block and for what stands before the blocks. */
export const MAX_PUSH_BYTES =
  MAX_PUSHED_BYTES + MAX_SIGNATURE_BYTES + 2 * MAX_RECEIVERS + 9 * (MAX_PUSHED_BLOCKS + 9)

/** Blocks that continue a log, as they are stored and signed. */
export interface Push {
  /** Discovery key of the core. */
  readonly topic: Uint8Array
  /** Length of the log before. */
  readonly from: number
  /** Over the log that ends with the last of the blocks. */
  readonly signature: Uint8Array
  /** Peers that get them, by `nameOf` each. */
  readonly receivers: readonly number[]
  readonly blocks: readonly Uint8Array[]
}

/** A peer in few bits: two of them may have one name, and then one is not pushed to. */
export function nameOf(publicKey: Uint8Array): number {
  return ((publicKey[0] ?? 0) << 8) | (publicKey[1] ?? 0)
}

/**
 * Message: topic (32 bytes), from (varint), signature (varint length, bytes), count of receivers (varint) and 2 bytes
 * for each, count of blocks (varint) and each with its length (varint).
 */
export const pushEncoding: Encoder<Push> = {
  preencode(state, { topic, from, signature, receivers, blocks }) {
    c.fixed32.preencode(state, topic)
    c.uint.preencode(state, from)
    c.buffer.preencode(state, signature)
    c.uint.preencode(state, receivers.length)
    state.end += 2 * receivers.length
    c.uint.preencode(state, blocks.length)
    for (const block of blocks) c.buffer.preencode(state, block)
  },
  encode(state, { topic, from, signature, receivers, blocks }) {
    c.fixed32.encode(state, topic)
    c.uint.encode(state, from)
    c.buffer.encode(state, signature)
    c.uint.encode(state, receivers.length)
    for (const name of receivers) c.uint16.encode(state, name)
    c.uint.encode(state, blocks.length)
    for (const block of blocks) c.buffer.encode(state, block)
  },
  decode(state) {
    const topic = c.fixed32.decode(state)
    const from = c.uint.decode(state)
    const signature = bytes(c.buffer.decode(state), MAX_SIGNATURE_BYTES)
    const receivers = list(c.uint.decode(state), MAX_RECEIVERS, () => c.uint16.decode(state))
    let left = MAX_PUSHED_BYTES
    const blocks = list(c.uint.decode(state), MAX_PUSHED_BLOCKS, () => {
      const block = bytes(c.buffer.decode(state), left)
      left -= block.byteLength
      return block
    })
    if (blocks.length === 0) throw new Error('An empty push')
    return { topic, from, signature, receivers, blocks }
  },
}

// Nothing at all arrives as null.
function bytes(value: Uint8Array | null, most: number): Uint8Array {
  if ((value?.byteLength ?? 0) > most) throw new Error('A part of a push is too large')
  return value ?? new Uint8Array()
}

function list<T>(count: number, most: number, one: () => T): T[] {
  if (count > most) throw new Error('A push has too many parts')
  return Array.from({ length: count }, one)
}
