import { portable, type Crypto } from '../crypto.ts'
import { keyBytes } from '../keys/feed-key.ts'
import { notHere, type BlockSource } from '../log.ts'
import { invalid, signable, type BundleHeader } from './format.ts'
import { openBundle } from './read.ts'
import { BlockTree } from './tree.ts'

/** Runs steps to their end: what they return. */
export async function resultOf<T>(steps: AsyncGenerator<unknown, T>): Promise<T> {
  for (;;) {
    const step = await steps.next()
    if (step.done === true) return step.value
  }
}

/** A bundle of which every byte is known to be what the author signed. */
export interface VerifiedBundle {
  readonly header: BundleHeader
  readonly tree: BlockTree
}

/**
 * Reads a bundle to its end and checks it: the hashes of all blocks lead to the tree that the feed
 * key signed. Nothing is stored; memory holds the tree, not the blocks.
 * @param crypto a faster one, where there is one.
 * @yields how many blocks of the log have been read.
 * @throws INVALID_BUNDLE
 */
export async function* verifyBundle(
  source: AsyncIterable<Uint8Array>,
  crypto: Crypto = portable,
): AsyncGenerator<number, VerifiedBundle> {
  const { header, frames } = await openBundle(source)
  const tree = new BlockTree(crypto)
  let blocks = 0
  for await (const frame of frames) {
    if (frame.block !== undefined) blocks++
    else if (tree.length === 0) throw invalid('It lacks the first block.')
    tree.addFrame(frame)
    yield tree.length
  }
  if (blocks !== header.blocks) throw invalid('It does not carry what it says.')
  const message = signable(keyBytes(header.feedKey), tree.hash(), tree.length)
  if (!crypto.verify(message, header.signature, header.publicKey)) {
    throw invalid('Its blocks are not those that the author signed.')
  }
  return { header, tree }
}

/** A verified bundle in memory, to read issues from. Blocks of a private newsletter are as they are stored. */
export interface LoadedBundle extends BlockSource {
  readonly header: BundleHeader
}

/**
 * Verifies a whole bundle and keeps its blocks. Reading one that it does not carry throws NOT_AVAILABLE.
 * @param crypto a faster one, where there is one.
 * @throws INVALID_BUNDLE
 */
export async function loadBundle(
  source: AsyncIterable<Uint8Array>,
  crypto?: Crypto,
): Promise<LoadedBundle> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(piece)
  const again = async function* () {
    yield* pieces
  }
  const { header } = await resultOf(verifyBundle(again(), crypto))
  const { frames } = await openBundle(again())
  const blocks: (Uint8Array | undefined)[] = []
  for await (const { block } of frames) blocks.push(block)
  return {
    header,
    length: blocks.length,
    read: async (index) => {
      const block = blocks[index]
      if (block === undefined) throw notHere(index)
      return block
    },
  }
}
