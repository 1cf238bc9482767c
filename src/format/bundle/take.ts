import { codeOf, HyperletterError } from '../../errors.ts'
import { only } from '../block-ranges.ts'
import type { StoredLog } from '../log.ts'
import { equal } from '../bytes.ts'
import { invalid, wrapSignature } from './format.ts'
import type { VerifiedBundle } from './verify.ts'
import { openBundle, type Frame } from './read.ts'

/** Blocks and leaves that are stored in one write, a power of two; fewer if they are large. */
const STORED_AT_ONCE = 128
const STORED_BYTES_AT_ONCE = 2 * 1024 * 1024

/** How often an upgrade is tried anew because the log grew meanwhile from elsewhere. */
const MAX_ATTEMPTS = 10

/**
 * Stores what a verified bundle has and the core lacks, with its proofs, as if a peer had
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
  let pending: Frame[] = []
  let pendingBytes = 0
  // One part is read while the one before is stored.
  let storing = Promise.resolve(0)
  const storeNext = async (): Promise<number> => {
    const added = await storing
    const [start, part] = [index - pending.length, pending]
    storing = store(log, bundle, start, part)
    // Awaited later; until then a failure must not count as unhandled.
    storing.catch(() => undefined)
    pending = []
    pendingBytes = 0
    return added
  }
  let added = 0
  try {
    for await (const frame of frames) {
      pending.push(frame)
      pendingBytes += frame.block?.byteLength ?? 0
      index++
      if (index % STORED_AT_ONCE === 0 || pendingBytes >= STORED_BYTES_AT_ONCE) {
        added += await storeNext()
        yield index
      }
    }
    added += await storeNext()
  } finally {
    await storing.catch(() => undefined)
  }
  return added + (await storing)
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
    const longer = { start, length, nodes, signature, publicKey }
    const applied = await fitting(() => log.extend(longer))
    if (!applied && attempt >= MAX_ATTEMPTS) throw conflict()
  }
}

/** @returns how many blocks were missing here and are stored now. */
async function store(
  log: StoredLog,
  { tree }: VerifiedBundle,
  start: number,
  frames: readonly Frame[],
): Promise<number> {
  const lacking = await Promise.all(
    frames.map(async ({ block }, i) => {
      const index = start + i
      if (block !== undefined) return !(await log.has(only(index)))
      // Kept so that the same bundle can be written again from what is here. One comes with the one beside it.
      return index % 2 === 0 && (await log.leaf(index)) === undefined
    }),
  )
  const [first, last] = [lacking.indexOf(true), lacking.lastIndexOf(true)]
  if (first === -1) return 0
  const items = frames.slice(first, last + 1).flatMap(({ block }, i) => {
    const isNew = lacking[first + i] === true
    return (isNew ? block : undefined) ?? tree.leaf(start + first + i) ?? []
  })
  const nodeAt = (number: number) => tree.nodeAt(number)
  try {
    return await fitting(() => log.store({ start: start + first, items, nodeAt }))
  } catch (error) {
    const isChanged = items.some((it, i) => {
      const leaf = it instanceof Uint8Array ? tree.leaf(start + first + i) : undefined
      return leaf !== undefined && !equal(tree.leafHash(it as Uint8Array), leaf.hash)
    })
    if (isChanged) throw invalid('The file changed while it was read.', error)
    throw error
  }
}

/** Does it with the log that is here, which what is sound may not fit. @throws FEED_CONFLICT */
async function fitting<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (NOT_FITTING.has(codeOf(error) ?? '')) throw conflict(error)
    throw error
  }
}

const NOT_FITTING = new Set(['INVALID_SIGNATURE', 'INVALID_CHECKSUM', 'INVALID_OPERATION'])

function conflict(cause?: unknown): HyperletterError {
  const message = 'The bundle has another history than the log that is held here, which is kept.'
  return new HyperletterError('FEED_CONFLICT', message, { cause })
}
