/**
 * A process that stores runs of a log until it is killed, 16 blocks a run, each in a write of its own.
 * Argument: a directory.
 */
import { join } from 'node:path'
import { argv, stdout } from 'node:process'
import Corestore from 'corestore'
import { BlockTree } from '../../../src/format/bundle/tree.ts'
import { HypercoreLog } from '../../../src/log/hypercore-log.ts'
import { headOf } from '../../../src/log/internals/continuation.ts'
import { nativeCrypto } from '../../../src/log/keys.ts'
import { signingKeys } from '../../helpers/newsletters.ts'

export const KILLED_BLOCKS = 512
export const RUN_BLOCKS = 16

export function killedBlock(index: number): Buffer {
  return Buffer.alloc(10_000 + ((index * 577) % 9_000), `block ${index} `)
}

if (argv[1]?.endsWith('stored-runs-child.ts') === true) await store(argv[2] ?? '')

async function store(directory: string): Promise<void> {
  const blocks = Array.from({ length: KILLED_BLOCKS }, (_, index) => killedBlock(index))
  const tree = new BlockTree(nativeCrypto)
  for (const block of blocks) tree.addFrame({ block })
  const author = new Corestore(join(directory, 'author')).get({ keyPair: signingKeys(3) })
  await author.ready()
  await author.append(blocks)
  const from = await HypercoreLog.open(author)
  const reader = new Corestore(join(directory, 'store')).get({ key: author.key ?? '' })
  const log = await HypercoreLog.open(reader)
  await log.extend({
    start: 0,
    length: tree.length,
    nodes: tree.nodesBetween(0, tree.length),
    signature: headOf(from)?.signature ?? Buffer.alloc(0),
    publicKey: from.publicKey ?? Buffer.alloc(0),
  })
  stdout.write('storing\n')
  const starts = Array.from({ length: KILLED_BLOCKS / RUN_BLOCKS }, (_, i) => i * RUN_BLOCKS)
  const all = starts.map((start) => {
    const items = blocks.slice(start, start + RUN_BLOCKS)
    return log.store({ start, items, nodeAt: (it) => tree.nodeAt(it) })
  })
  await Promise.all(all)
  // The reader that is killed has all the time that it is given.
  setInterval(() => undefined, 1_000)
}
