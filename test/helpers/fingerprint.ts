import type Hypercore from 'hypercore'

/** Everything by which two histories differ: every stored block, the tree and its signature. */
export async function fingerprint(core: Hypercore) {
  const { length } = core
  const indexes = Array.from({ length }, (_, index) => index)
  const blocks = await Promise.all(indexes.map((index) => core.get(index, { raw: true })))
  const proof = await core.proof({ upgrade: { start: 0, length } })
  return {
    length,
    fork: core.fork,
    blocks: blocks.map((it) => it?.toString('hex')),
    treeHash: (await core.treeHash()).toString('hex'),
    signature: proof.upgrade?.signature.toString('hex'),
  }
}
