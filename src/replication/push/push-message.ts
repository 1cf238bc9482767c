import c, { type Encoder } from 'compact-encoding'
import { bytesUpTo, listOf, struct, type Encoded } from '../../peers/peer-protocol.ts'

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

/** A peer in few bits: two of them may have one name, and then one is not pushed to. */
export function nameOf(publicKey: Uint8Array): number {
  return ((publicKey[0] ?? 0) << 8) | (publicKey[1] ?? 0)
}

const parts = struct({
  /** Discovery key of the core. */
  topic: c.fixed32,
  /** Length of the log before. */
  from: c.uint,
  /** Over the log that ends with the last of the blocks. */
  signature: bytesUpTo(MAX_SIGNATURE_BYTES),
  /** Peers that get them, by `nameOf` each. */
  receivers: listOf(c.uint16, MAX_RECEIVERS),
  blocks: listOf(bytesUpTo(MAX_PUSHED_BYTES), MAX_PUSHED_BLOCKS),
})

/** Blocks that continue a log, as they are stored and signed. */
export type Push = Encoded<typeof parts>

/**
 * Message: topic (32 bytes), from (varint), signature (varint length, bytes), count of receivers (varint) and 2 bytes
 * for each, count of blocks (varint) and each with its length (varint).
 */
export const pushEncoding: Encoder<Push> = {
  ...parts,
  decode(state) {
    const push = parts.decode(state)
    const sizeBytes = push.blocks.reduce((sum, it) => sum + it.byteLength, 0)
    if (push.blocks.length === 0) throw new Error('An empty push')
    if (sizeBytes > MAX_PUSHED_BYTES) throw new Error('A push is too large')
    return push
  },
}
