// The same with plain Hypercore: a proof of each block from one store, applied to another one, as
// two peers do without the network between them.
import { join } from 'node:path'
import Corestore from 'corestore'
import { printResult, scriptInput } from '../product.ts'

interface Input {
  readonly dataDir: string
  readonly feedKey: string
  readonly dir: string
  /** Blocks under way together. */
  readonly batch: number
}

const { dataDir, feedKey, dir, batch } = scriptInput() as Input
const stores = [new Corestore(join(dataDir, 'store')), new Corestore(join(dir, 'copy'))] as const
const [from, to] = [stores[0].get({ key: feedKey }), stores[1].get({ key: feedKey })]
await Promise.all([from.ready(), to.ready()])

const start = performance.now()
const { length, manifest } = from
const upgrade = await from.proof({ upgrade: { start: 0, length } })
await to.applyProof({ ...upgrade, manifest })
for (let at = 0; at < length; at += batch) {
  const count = Math.min(batch, length - at)
  await Promise.all(Array.from({ length: count }, (_, i) => copy(at + i)))
}
const ms = performance.now() - start

if (to.contiguousLength !== length) throw new Error('The copy is not whole.')
await Promise.all(stores.map((store) => store.close()))
printResult({ ms, blocks: length })

async function copy(index: number): Promise<void> {
  const proof = await from.proof({ block: { index, nodes: await to.missingNodes(index) } })
  await to.applyProof(proof)
}
