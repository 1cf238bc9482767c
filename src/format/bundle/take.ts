import { codeOf, HyperletterError } from '../../errors.ts'
import { only } from '../block-ranges.ts'
import type { SignedPart, StoredLog } from '../log.ts'
import { equal } from '../bytes.ts'
import { invalid, wrapSignature } from './format.ts'
import { openBundle, type Frame } from './read.ts'
import type { VerifiedBundle } from './verify.ts'

/** Blocks that are stored together; fewer if they are large. */
const STORED_AT_ONCE = 64
const STORED_BYTES_AT_ONCE = 4 * 1024 * 1024

/** How often an upgrade is tried anew because the log grew meanwhile from elsewhere. */
const MAX_ATTEMPTS = 10

/**
 * Stores what a verified bundle has and the core lacks, each block with its proof, as if a peer had
 * sent it: a log that holds some blocks already, or more than the bundle has, keeps them all. It may
 * be interrupted and done again.
 * @param source the same bundle once more; a file that changed meanwhile is noticed.
 * @yields how many blocks of the log have been looked at.
 * @returns how many of them were missing here and are stored now.
 * @throws FEED_CONFLICT before anything is stored, if the bundle has another history; INVALID_BUNDLE, DISK_FULL.
 */
export async function* takeBundle(
  log: StoredLog,
  bundle: VerifiedBundle,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<number, number> {
  await extend(log, bundle)
  const { frames } = await openBundle(source)
  let index = 0
  let added = 0
  let batch: Promise<boolean>[] = []
  let batchBytes = 0
  const settle = async () => {
    const results = await Promise.all(batch)
    added += results.filter(Boolean).length
    batch = []
    batchBytes = 0
  }
  try {
    for await (const frame of frames) {
      const storing = store(log, bundle, index, frame)
      // Awaited below; until then a failure must not count as unhandled.
      storing.catch(() => undefined)
      batch.push(storing)
      batchBytes += frame.block?.byteLength ?? 0
      index++
      if (batch.length >= STORED_AT_ONCE || batchBytes >= STORED_BYTES_AT_ONCE) {
        await settle()
        yield index
      }
    }
    await settle()
  } finally {
    await Promise.allSettled(batch)
  }
  return added
}

/**
 * Stores the length of a bundle, where that is longer, and none of its blocks.
 * @throws FEED_CONFLICT if the bundle has another history; DISK_FULL.
 */
export async function extend(log: StoredLog, bundle: VerifiedBundle): Promise<void> {
  await assertSameHistory(log, bundle)
  await upgrade(log, bundle)
}

async function assertSameHistory(log: StoredLog, { tree }: VerifiedBundle): Promise<void> {
  if (log.length === 0) return
  const length = Math.min(log.length, tree.length)
  const held = await log.tree(length).catch(() => undefined)
  // Of a log that was fetched in part, the nodes of a shorter length may be missing; then each block
  // still has to fit the nodes that are here.
  if (held === undefined) return
  if (held.fork !== 0 || !equal(tree.rootsHash(held.roots), tree.hash(length))) throw conflict()
}

async function upgrade(log: StoredLog, { header, tree }: VerifiedBundle): Promise<void> {
  const { publicKey } = header
  const signature = wrapSignature(header.signature)
  for (let attempt = 1; log.length < tree.length; attempt++) {
    const start = log.length
    const length = tree.length - start
    const nodes = tree.nodesBetween(start, tree.length)
    const applied = await apply(log, { start, length, nodes, signature, publicKey })
    if (!applied && attempt >= MAX_ATTEMPTS) throw conflict()
  }
}

/** @returns whether it is a block that was missing here and is stored now. */
async function store(
  log: StoredLog,
  bundle: VerifiedBundle,
  index: number,
  { block }: Frame,
): Promise<boolean> {
  if (block === undefined) {
    await storeLeaf(log, bundle, index)
    return false
  }
  if (await log.has(only(index))) return false
  const nodes = bundle.tree.siblings(index, await log.missingNodes(index))
  // The log here is longer, and what connects the two was never fetched: that block waits for a peer.
  if (nodes === undefined) return false
  try {
    await apply(log, { index, block, nodes })
  } catch (error) {
    const leaf = bundle.tree.leaf(index)
    if (leaf === undefined || equal(bundle.tree.leafHash(block), leaf.hash)) throw error
    throw invalid('The file changed while it was read.', error)
  }
  return true
}

// Kept so that the same bundle can be written again from what is here. A leaf comes with the one beside it.
async function storeLeaf(log: StoredLog, { tree }: VerifiedBundle, index: number): Promise<void> {
  const leaf = index % 2 === 0 ? tree.leaf(index) : undefined
  if (leaf === undefined) return
  const missing = await log.missingNodes(index)
  const nodes = missing === 0 ? undefined : tree.siblings(index, missing)
  if (nodes === undefined) return
  await apply(log, { leaf, nodes })
}

/** @returns false if the log grew meanwhile from elsewhere, so that the proof begins at a wrong length. */
async function apply(log: StoredLog, part: SignedPart): Promise<boolean> {
  try {
    return await log.apply(part)
  } catch (error) {
    // The bundle itself is sound, so what it does not fit is the log that is here.
    if (NOT_FITTING.has(codeOf(error) ?? '')) throw conflict(error)
    throw error
  }
}

const NOT_FITTING = new Set(['INVALID_SIGNATURE', 'INVALID_CHECKSUM', 'INVALID_OPERATION'])

function conflict(cause?: unknown): HyperletterError {
  return new HyperletterError(
    'FEED_CONFLICT',
    'The bundle has another history than the log that is held here, which is kept.',
    cause === undefined ? {} : { cause },
  )
}
