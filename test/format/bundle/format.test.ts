import { readFileSync } from 'node:fs'
import { blake2b } from '@noble/hashes/blake2.js'
import { describe, expect, it } from 'vitest'
import { deriveKeys, type NewsletterKeys } from '../../../src/format/keys/recovery.ts'
import { feedKeyOf, keyBytes } from '../../../src/format/keys/feed-key.ts'
import { Contents } from '../../../src/format/content/content-codec.ts'
import { loadBundle } from '../../../src/format/bundle/verify.ts'
import { newestEdition } from '../../../src/format/history/corrections.ts'
import { History } from '../../../src/format/history/history.ts'
import { bundleOf, piecesOf, verify } from '../../helpers/bundles.ts'
import { openStore } from '../../helpers/stores.ts'

interface Stored {
  readonly blocks: readonly string[]
  readonly signature: string
}

const root = new URL('../../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const log = JSON.parse(read('fixtures/records/log.json')) as {
  readonly phrase: string
  readonly public: Stored
  readonly private: Stored
}
const documented = read('docs/format.md').replaceAll(/\s/g, '')

// What follows is written from docs/format.md alone.
const uint32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer)
const uint64 = (value: number) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer)

async function documentedBundles({ blocks, signature }: Stored) {
  const { feedKey, signing } = await keys()
  const head = (carried: number) => [
    Buffer.from('hyperletter-bundle'),
    Buffer.of(1),
    keyBytes(feedKey),
    signing.publicKey,
    uint64(blocks.length),
    uint64(carried),
    Buffer.from(signature, 'hex').subarray(2, 66),
  ]
  const whole = blocks.map((hex) => Buffer.from(hex, 'hex'))
  const frames = whole.map((it) => Buffer.concat([uint32(it.length), it]))
  const [first, body, last] = frames as [Buffer, Buffer, Buffer]
  const size = uint64(body.length - 4)
  const hash = blake2b(Buffer.concat([Buffer.of(0), size, body.subarray(4)]), { dkLen: 32 })
  const leaf = Buffer.concat([uint32(2 ** 32 - 1), size, hash])
  return {
    all: Buffer.concat([...head(3), first, body, last]),
    withoutBody: Buffer.concat([...head(2), first, leaf, last]),
  }
}

async function keys() {
  const derived = await deriveKeys(log.phrase)
  const core = (await openStore()).get({ keyPair: keyPairOf(derived) })
  await core.ready()
  return { ...derived, feedKey: feedKeyOf(core.key ?? Buffer.alloc(32)) }
}

function keyPairOf({ signing }: NewsletterKeys) {
  return {
    publicKey: Buffer.from(signing.publicKey),
    secretKey: Buffer.from(signing.secretKey),
  }
}

/** The worked example, as the stack stores it. */
async function openExample(isPrivate: boolean) {
  const derived = await deriveKeys(log.phrase)
  const encryption = { key: derived.encryptionKey }
  const options = isPrivate ? { encryption } : {}
  const core = (await openStore()).get({ keyPair: keyPairOf(derived), ...options })
  const [first, body, last] = log.public.blocks.map((hex) => Buffer.from(hex, 'hex'))
  if (first === undefined || body === undefined || last === undefined) throw new Error('3 blocks')
  await core.append([first])
  await core.append([body, last])
  return core
}

describe('the format of a bundle', () => {
  it.each([
    ['public', false],
    ['private', true],
  ] as const)('is what docs/format.md says, for a %s newsletter', async (name, isPrivate) => {
    const { all, withoutBody } = await documentedBundles(log[name])
    const core = await openExample(isPrivate)
    expect((await bundleOf(core)).equals(all)).toBe(true)
    const ranges = [
      { start: 0, end: 1 },
      { start: 2, end: 3 },
    ]
    expect((await bundleOf(core, ranges)).equals(withoutBody)).toBe(true)
    for (const bundle of [all, withoutBody]) expect((await verify(bundle)).tree.length).toBe(3)
  })

  it('is shown there', async () => {
    const { all, withoutBody } = await documentedBundles(log.public)
    expect(documented).toContain(all.subarray(0, 163).toString('hex'))
    for (const bundle of [all, withoutBody]) {
      const hash = blake2b(bundle, { dkLen: 32 })
      expect(documented).toContain(`|${bundle.length}|\`${Buffer.from(hash).toString('hex')}\``)
    }
  })
})

describe('the golden bundle', () => {
  const golden = new Uint8Array(readFileSync(new URL('fixtures/bundles/tide-tables.bundle', root)))

  it('is verified by every later version', async () => {
    const { header, tree } = await verify(golden)
    expect(header).toMatchObject({
      feedKey: 'ffdud8qp1ns37se7gg88hjp39kuw7mzqeqxmga5t81py1caxp3io',
      length: 12,
      blocks: 12,
    })
    expect(Buffer.from(tree.hash()).toString('hex')).toBe(
      '15ce10d43aeb735ed0cd9b15f35b7fb9c3f6de7d86f2538bd2096fcf2d1c8ea6',
    )
  })

  it('is a log to read issues from', async () => {
    const loaded = await loadBundle(piecesOf(golden))
    const { issues, missing } = await new History(loaded).list()
    expect(missing).toBe(0)
    expect(issues.map((it) => newestEdition(it).record.title)).toEqual([
      'The night the lamp went out',
      'Draft',
      'The clock in the harbour',
    ])
    const [newest] = issues
    if (newest === undefined) throw new Error('No issue.')
    expect(await new Contents(loaded).body(newest)).toContain('lamp')
  })

  it('is read without what it does not carry', async () => {
    const { withoutBody } = await documentedBundles(log.public)
    const loaded = await loadBundle(piecesOf(withoutBody))
    const [issue] = (await new History(loaded).list()).issues
    if (issue === undefined) throw new Error('No issue.')
    await expect(new Contents(loaded).body(issue)).rejects.toMatchObject({ code: 'NOT_AVAILABLE' })
  })
})
