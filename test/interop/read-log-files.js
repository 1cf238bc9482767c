// Reads the log files in a folder knowing docs/log-files.md only, and prints what they are: every byte of them verified.
//   node read-log-files.js <folder>
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { verify, hashes } from '@noble/ed25519'
import { blake2b } from '@noble/hashes/blake2.js'
import { sha512 } from '@noble/hashes/sha2.js'

hashes.sha512 = sha512
const [folder] = process.argv.slice(2)
const file = (path) => new Uint8Array(readFileSync(`${folder}/${path}`))
const hash = (...parts) => blake2b(Buffer.concat(parts.map((it) => Buffer.from(it))), { dkLen: 32 })
const text = (it) => new TextEncoder().encode(it)
const uint64 = (it) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(it))
  return bytes
}
const assert = (is, what) => {
  if (!is) throw new Error(what)
}
const same = (a, b) => Buffer.compare(a, b) === 0
const namespace = (n) => hash(hash(text('hypercore')), [n])

// Head
const head = file('head')
let at = 0
const take = (size) => head.subarray(at, (at += size))
const number = (bytes) => Number(Buffer.from(bytes).readBigUInt64LE())
assert(same(take(15), text('hyperletter-log')) && take(1)[0] === 1, 'mark')
const [feedKey, publicKey] = [take(32), take(32)]
const length = number(take(8))
const signature = take(64)
const holes = Array.from({ length: Buffer.from(take(4)).readUInt32LE() }, () => [
  number(take(8)),
  number(take(8)),
])
const node = () => ({ hash: take(32), size: number(take(8)) })
const full = Math.floor(length / 256)
const tiles = Array.from({ length: full }, node)
const rest = Array.from({ length: length % 256 }, node)
assert(at === head.byteLength, 'size of the head')
assert(same(feedKey, hash(namespace(3), [1, 0, 0, 1, 1, 0], namespace(4), publicKey)), 'feed key')

// Tree
const parent = (a, b) => ({
  size: a.size + b.size,
  hash: hash([1], uint64(a.size + b.size), a.hash, b.hash),
})
const over = (nodes) =>
  nodes.length === 1
    ? nodes[0]
    : over(nodes.flatMap((it, i) => (i % 2 === 0 ? [parent(it, nodes[i + 1])] : [])))
const roots = []
// The largest powers of two first, over tiles and then over what is left.
const rootsOf = (nodes, blocks, first) => {
  for (let from = 0; from < nodes.length;) {
    const count = 2 ** Math.floor(Math.log2(nodes.length - from))
    const start = first + from * blocks
    const index = 2 * start + count * blocks - 1
    roots.push({ ...over(nodes.slice(from, from + count)), index })
    from += count
  }
}
rootsOf(tiles, 256, 0)
rootsOf(rest, 1, full * 256)
const treeHash = hash([2], ...roots.flatMap((it) => [it.hash, uint64(it.index), uint64(it.size)]))
const signable = Buffer.concat([namespace(0), feedKey, treeHash, uint64(length), uint64(0)])
assert(verify(signature, signable, publicKey, { zip215: false }), 'signature')

// Tiles, packs and records
const blocks = []
const records = []
const isHole = (index) => holes.some(([start, end]) => start <= index && index < end)
for (let first = 0; first < length; first += 256) {
  const tile = first / 256
  const bytes = tile < full ? file(`tree/${tile}`) : undefined
  const leaves = bytes
    ? Array.from({ length: 256 }, (_, i) => ({
        hash: bytes.subarray(40 * i, 40 * i + 32),
        size: number(bytes.subarray(40 * i + 32, 40 * i + 40)),
      }))
    : rest
  if (bytes) assert(same(over(leaves).hash, tiles[tile].hash), `tree/${tile}`)
  for (let start = 0; start < leaves.length;) {
    let [end, size] = [start, 0]
    while (end < leaves.length && (end === start || size + leaves[end].size <= 2 ** 20))
      size += leaves[end++].size
    readPack(first + start, leaves.slice(start, end))
    start = end
  }
  const count = leaves.length
  const unpacked = gunzipSync(file(`records/${tile}${count < 256 ? `-${count}` : ''}`))
  for (let from = 0; from < unpacked.byteLength;) {
    const index = first + unpacked.readUInt16LE(from)
    const size = unpacked.readUInt32LE(from + 2)
    assert(same(unpacked.subarray(from + 6, from + 6 + size), blocks[index]), `record ${index}`)
    records.push(index)
    from += 6 + size
  }
}

function readPack(first, leaves) {
  const end = first + leaves.length
  const inside = holes
    .filter((it) => it[0] < end && it[1] > first)
    .map((it) => `${Math.max(first, it[0])}-${Math.min(end, it[1])}`)
  const tag = Buffer.from(hash(text(inside.join(',')))).toString('hex', 0, 8)
  const path = `blocks/${first}-${leaves.length}${inside.length > 0 ? `-${tag}` : ''}`
  const bytes = Buffer.from(file(path))
  let from = 0
  for (const [i, leaf] of leaves.entries()) {
    const mark = bytes.readUInt32LE(from)
    if (isHole(first + i)) {
      const expected = Buffer.concat([uint64(leaf.size), leaf.hash])
      assert(mark === 0xffffffff && same(bytes.subarray(from + 4, from + 44), expected), path)
      from += 44
    } else {
      const block = bytes.subarray(from + 4, from + 4 + mark)
      assert(mark === leaf.size && same(hash([0], uint64(mark), block), leaf.hash), path)
      blocks[first + i] = block
      from += 4 + mark
    }
  }
  assert(from === bytes.byteLength, path)
}

const newest = blocks.at(-1)
console.log(
  JSON.stringify({
    feedKey: Buffer.from(feedKey).toString('hex'),
    length,
    holes,
    treeHash: Buffer.from(treeHash).toString('hex'),
    records: records.length,
    newest: newest[0] === 0x7b ? JSON.parse(newest.toString()).title : undefined,
  }),
)
