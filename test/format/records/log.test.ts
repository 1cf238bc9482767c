import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { blake2b } from '@noble/hashes/blake2.js'
import Corestore from 'corestore'
import crypto from 'hypercore-crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { decodeRecord } from '../../../src/format/records/record.ts'
import { deriveKeys, type NewsletterKeys } from '../../../src/format/keys/recovery.ts'

const folder = new URL('../../../fixtures/records/', import.meta.url)
const read = (file: string) => readFileSync(new URL(file, folder))
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

const stored = z.strictObject({
  length: z.literal(3),
  fork: z.literal(0),
  /** As they lie on disk and travel, in hex. */
  blocks: z.array(z.string()).length(3),
  /** After the first entry. */
  treeHash1: z.string(),
  signature1: z.string(),
  /** After both. */
  treeHash: z.string(),
  signature: z.string(),
})
const log = z
  .strictObject({
    phrase: z.string(),
    files: z.array(z.string()),
    public: stored,
    private: stored,
  })
  .parse(JSON.parse(read('log.json').toString()))

// What follows is written from docs/format.md alone, with BLAKE2b as the only help.
const hash = (...parts: (Uint8Array | number)[]) =>
  blake2b(Buffer.concat(parts.map((it) => (typeof it === 'number' ? Buffer.from([it]) : it))), {
    dkLen: 32,
  })
const uint64 = (value: number) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
const namespace = (position: number) => hash(hash(Buffer.from('hypercore')), position)
const manifestOf = (publicKey: Uint8Array) =>
  Buffer.concat([Buffer.from([1, 0, 0, 1, 1, 0]), namespace(4), publicKey])
const coreKeyOf = (publicKey: Uint8Array) => hash(namespace(3), manifestOf(publicKey))

/** Tree hash over two entries of one and of three blocks. */
function treeHashOf(blocks: Uint8Array[]): Uint8Array {
  const [a, b, c] = blocks.map((it) => ({
    hash: hash(0, uint64(it.length), it),
    size: it.length,
  }))
  if (a === undefined) throw new Error('A log has a block.')
  if (b === undefined || c === undefined) return hash(2, a.hash, uint64(0), uint64(a.size))
  const left = { hash: hash(1, uint64(a.size + b.size), a.hash, b.hash), size: a.size + b.size }
  return hash(2, left.hash, uint64(1), uint64(left.size), c.hash, uint64(4), uint64(c.size))
}

const folders: string[] = []
afterEach(() => {
  for (const it of folders.splice(0)) rmSync(it, { recursive: true, force: true })
})

/** What the stack really stores for the two entries of the worked example. */
async function publish(keys: NewsletterKeys, isPrivate: boolean) {
  const storeFolder = mkdtempSync(join(tmpdir(), 'hyperletter-log-'))
  folders.push(storeFolder)
  const store = new Corestore(storeFolder)
  try {
    const keyPair = {
      publicKey: Buffer.from(keys.signing.publicKey),
      secretKey: Buffer.from(keys.signing.secretKey),
    }
    const encryption = { key: Buffer.from(keys.encryptionKey) }
    const core = store.get(isPrivate ? { keyPair, encryption } : { keyPair })
    await core.ready()
    const [newsletter, ...issue] = log.files.map(read)
    if (newsletter === undefined) throw new Error('The worked example has no first record.')
    await core.append([newsletter])
    const treeHash1 = hex(await core.treeHash())
    await core.append(issue)
    const blocks = await Promise.all([0, 1, 2].map((i) => core.get(i, { raw: true })))
    const plain = await Promise.all([0, 1, 2].map((i) => core.get(i)))
    return {
      key: hex(core.key ?? Buffer.of()),
      discoveryKey: hex(core.discoveryKey ?? Buffer.of()),
      treeHash1,
      treeHash: hex(await core.treeHash()),
      blocks: blocks.map((it) => hex(it as Uint8Array)),
      plain: plain.map((it) => hex(it as Uint8Array)),
    }
  } finally {
    await store.close()
  }
}

describe('the worked example', () => {
  it('has two entries, whose last blocks are records', () => {
    expect(decodeRecord(read('log/0.json'), 0)).toMatchObject({ type: 'newsletter' })
    expect(decodeRecord(read('log/2.json'), 2)).toMatchObject({
      type: 'issue',
      body: { block: 1, blocks: 1, bytes: read('log/1.md').length },
    })
    expect(log.public.blocks).toEqual(log.files.map((file) => hex(read(file))))
  })

  it.each(['public', 'private'] as const)('is stored as documented when %s', async (kind) => {
    const made = await publish(await deriveKeys(log.phrase), kind === 'private')
    expect(made.blocks).toEqual(log[kind].blocks)
    expect(made.treeHash1).toBe(log[kind].treeHash1)
    expect(made.treeHash).toBe(log[kind].treeHash)
    expect(made.plain).toEqual(log.public.blocks)
  })

  it('has the key that the format describes', async () => {
    const keys = await deriveKeys(log.phrase)
    const made = await publish(keys, false)
    const key = coreKeyOf(keys.signing.publicKey)
    expect(hex(key)).toBe(made.key)
    expect(hex(blake2b(Buffer.from('hypercore'), { dkLen: 32, key }))).toBe(made.discoveryKey)
  })

  it.each(['public', 'private'] as const)(
    'hashes and signs as the format describes when %s',
    async (kind) => {
      const { signing } = await deriveKeys(log.phrase)
      const blocks = log[kind].blocks.map((it) => Buffer.from(it, 'hex'))
      for (const [length, documentedHash, signature] of [
        [1, log[kind].treeHash1, log[kind].signature1],
        [3, log[kind].treeHash, log[kind].signature],
      ] as const) {
        const treeHash = treeHashOf(blocks.slice(0, length))
        expect(hex(treeHash)).toBe(documentedHash)
        const signable = Buffer.concat([
          namespace(0),
          coreKeyOf(signing.publicKey),
          treeHash,
          uint64(length),
          uint64(0),
        ])
        const proof = hex(crypto.sign(signable, signing.secretKey))
        expect(signature).toBe(`0100${proof}0000`)
      }
    },
  )

  it('cannot be read without the key when private', () => {
    for (const [index, block] of log.private.blocks.entries()) {
      expect(() => decodeRecord(Buffer.from(block, 'hex'), index)).toThrow(
        expect.objectContaining({ code: 'INVALID_RECORD' }) as Error,
      )
    }
  })
})

describe('docs/format.md', () => {
  const docs = readFileSync(new URL('../../../docs/format.md', import.meta.url), 'utf8')
  // Phrases and hex are broken into lines there.
  const docsWithoutSpace = docs.replaceAll(/\s/g, '')

  it('shows every byte of the worked example', () => {
    for (const file of log.files) expect(docs).toContain(read(file).toString().trimEnd())
    const shown = [
      ...log.public.blocks,
      log.private.blocks[1] ?? '',
      ...[log.public, log.private].flatMap((it) => [it.treeHash, it.treeHash1]),
      ...[log.public, log.private].flatMap((it) => [it.signature, it.signature1]),
    ]
    for (const value of shown) expect(docsWithoutSpace).toContain(value)
  })

  it('shows the vectors of the recovery phrase', () => {
    const vectors = z
      .array(z.record(z.string(), z.string()))
      .parse(JSON.parse(read('keys.json').toString()))
    for (const { bip39Seed: _, signingSeed: _1, recoverySeed: _2, ...vector } of vectors) {
      for (const value of Object.values(vector)) {
        expect(docsWithoutSpace).toContain(value.replaceAll(' ', ''))
      }
    }
  })

  it('shows the leaf hashes and namespaces that its rules give', () => {
    for (const [i, block] of log.public.blocks.entries()) {
      const bytes = Buffer.from(block, 'hex')
      expect(docs, `leaf ${i}`).toContain(hex(hash(0, uint64(bytes.length), bytes)))
    }
    for (const position of [0, 3, 4, 5]) expect(docs).toContain(hex(namespace(position)))
  })
})
