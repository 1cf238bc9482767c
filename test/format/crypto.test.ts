import fc from 'fast-check'
import crypto from 'hypercore-crypto'
import { describe, expect, it } from 'vitest'
import { blake2b, isSignatureOf, keyPairOf, sign } from '../../src/format/crypto.ts'
import { keyOf, signable, SIGNER_NAMESPACE } from '../../src/format/bundle/format.ts'
import { BlockTree } from '../../src/format/bundle/tree.ts'

// Hypercore's own functions, on libsodium, are the measure.

const bytes = (options: { minLength?: number; maxLength?: number } = {}) => fc.uint8Array(options)
const seeds = bytes({ minLength: 32, maxLength: 32 })
const plain = (it: Uint8Array) => Uint8Array.from(it)

describe('portable cryptography', () => {
  it('hashes as Hypercore does', () => {
    fc.assert(
      fc.property(fc.array(bytes({ maxLength: 300 })), (parts) => {
        expect(blake2b(parts)).toEqual(plain(crypto.hash(parts)))
      }),
    )
  })

  it('makes the same keys and signatures as Hypercore', () => {
    fc.assert(
      fc.property(seeds, bytes(), (seed, message) => {
        const pair = keyPairOf(seed)
        const theirs = crypto.keyPair(Buffer.from(seed))
        expect(pair.publicKey).toEqual(plain(theirs.publicKey))
        expect(pair.secretKey).toEqual(plain(theirs.secretKey))
        expect(sign(message, pair)).toEqual(plain(crypto.sign(message, theirs.secretKey)))
      }),
      { numRuns: 20 },
    )
  })

  it('takes the signatures that Hypercore takes, and no others', () => {
    const bits = fc.nat({ max: 64 * 8 - 1 })
    fc.assert(
      fc.property(seeds, bytes(), bits, (seed, message, bit) => {
        const { publicKey, secretKey } = crypto.keyPair(Buffer.from(seed))
        const signature = crypto.sign(message, secretKey)
        expect(isSignatureOf(message, signature, publicKey)).toBe(true)
        const flip = (it: Uint8Array) =>
          it.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
        expect(isSignatureOf(message, flip(signature), publicKey)).toBe(false)
        expect(isSignatureOf(Uint8Array.of(...message, 0), signature, publicKey)).toBe(false)
      }),
      { numRuns: 20 },
    )
  })

  it('refuses keys under which anything can pass for signed', () => {
    // The identity, as a key and in the signature: the equation holds for every message.
    const identity = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
    const signature = Uint8Array.from({ length: 64 }, (_, i) => (i === 0 ? 1 : 0))
    expect(crypto.verify(Uint8Array.of(1), signature, identity)).toBe(false)
    expect(isSignatureOf(Uint8Array.of(1), signature, identity)).toBe(false)
  })

  it('takes nothing of a wrong length', () => {
    const { publicKey, secretKey } = keyPairOf(new Uint8Array(32))
    const message = new Uint8Array(3)
    const signature = sign(message, { publicKey, secretKey })
    expect(isSignatureOf(message, signature.subarray(1), publicKey)).toBe(false)
    expect(isSignatureOf(message, signature, publicKey.subarray(1))).toBe(false)
  })

  it('builds the tree of Hypercore, whoever hashes', () => {
    const blocks = Array.from({ length: 21 }, (_, i) => new Uint8Array(i * 7).fill(i))
    const trees = [new BlockTree(), new BlockTree(crypto)]
    for (const tree of trees) {
      for (const block of blocks) tree.add(tree.leafHash(block), block.byteLength)
    }
    const [portable, native] = trees.map((tree) => tree.nodesBetween(0, 21))
    expect(portable?.map(({ hash, ...it }) => ({ ...it, hash: plain(hash) }))).toEqual(
      native?.map(({ hash, ...it }) => ({ ...it, hash: plain(hash) })),
    )
    const leaf = (i: number) => ({
      index: 2 * i,
      size: blocks[i]?.length ?? 0,
      hash: crypto.data(blocks[i] ?? new Uint8Array()),
    })
    expect(plain(trees[0]?.leafHash(blocks[20] ?? new Uint8Array()) ?? new Uint8Array())).toEqual(
      plain(leaf(20).hash),
    )
    const two = new BlockTree()
    for (const i of [0, 1]) two.add(leaf(i).hash, leaf(i).size)
    const size = leaf(0).size + leaf(1).size
    const root = { index: 1, size, hash: crypto.parent(leaf(0), leaf(1)) }
    expect(two.hash()).toEqual(plain(crypto.tree([root])))
    expect(trees[0]?.hash()).toEqual(plain(crypto.tree(native ?? [])))
  })

  it('knows the namespaces of Hypercore', () => {
    const [tree, , , manifest, signer] = crypto.namespace('hypercore', 5)
    expect(plain(SIGNER_NAMESPACE)).toEqual(plain(signer ?? Buffer.alloc(0)))
    const key = new Uint8Array(32).fill(7)
    expect(signable(key, key, 1).subarray(0, 32)).toEqual(plain(tree ?? Buffer.alloc(0)))
    const head = Uint8Array.of(1, 0, 0, 1, 1, 0)
    const whole = [manifest ?? head, head, signer ?? head, key]
    expect(keyOf(key)).toEqual(plain(crypto.hash(whole)))
  })
})
