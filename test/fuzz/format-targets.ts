import { strict as assert } from 'node:assert'
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { HyperletterError } from '../../src/errors.ts'
import { decodeHeader } from '../../src/format/bundle/format.ts'
import * as format from '../../src/format/index.ts'
import { portable } from '../../src/format/crypto.ts'
import {
  admittedBy,
  decodeEnvelope,
  encodeEnvelope,
  isGenuine,
  isLaterEnvelope,
  isTimely,
  workOf,
} from '../../src/format/letters/envelope.ts'
import { verifyLetter } from '../../src/format/letters/letter.ts'
import { verifyStatement } from '../../src/format/letters/statement.ts'
import {
  decodeSuccession,
  encodeSuccession,
  maskSuccession,
  unmaskSuccession,
} from '../../src/format/records/succession.ts'
import { bytesOf, hostileJson, mutated, refusing, textOf, type Target } from './target.ts'

const FIXTURES = new URL('../../fixtures/', import.meta.url)

/** The files of a folder of fixtures. */
export function filesIn(folder: string): Uint8Array[] {
  return readdirSync(new URL(folder, FIXTURES), { recursive: true, withFileTypes: true })
    .filter((it) => it.isFile())
    .map((it) => readFileSync(`${it.parentPath}/${it.name}`))
}

const FIELDS = ['hyperletter', 'type', 'previous', 'profile', 'number', 'title', 'publishedAt']
  .concat(['body', 'attachments', 'block', 'blocks', 'bytes', 'mediaType', 'encoding', 'name'])
  .concat(['at', 'letters', 'letter', 'from', 'answer', 'answers', 'withdrawn', 'key', 'work'])
  .concat(['createdAt', 'recoveryKey', 'amendedAt', 'retractedAt', 'reason', 'note', 'authors'])
const VALUES = ['newsletter', 'issue', 'amendment', 'retraction', 'gzip', 'text/markdown'].concat([
  'letters',
  'application/vnd.hyperletter.letter',
  '2026-03-01T09:30:00Z',
  'https://a.example',
  '../a.png',
  'y'.repeat(52),
])

const record: Target = {
  name: 'record',
  inputs: fc.oneof(
    mutated([...filesIn('records/valid'), ...filesIn('records/invalid')], [...FIELDS, ...VALUES]),
    hostileJson([...FIELDS, ...VALUES]).map((it) => bytesOf(JSON.stringify(it))),
  ),
  async check(block) {
    format.claimsToBeRecord(block)
    for (const index of [0, 1, 7, 100, 2 ** 24 - 1]) {
      const found = await refusing(['INVALID_RECORD'], () => format.decodeRecord(block, index))
      if (found === undefined || found.type === 'unknown') continue
      // Written by another program, a number may take more digits here.
      const again = await refusing(['TOO_LARGE'], () => format.encodeRecord(found, index))
      if (again === undefined) continue
      assert.deepEqual(format.decodeRecord(again, index), found)
    }
  },
}

/** A log of entries that are mostly right. */
const entry = fc.record({
  type: fc.constantFrom('newsletter', 'issue', 'issue', 'amendment', 'retraction', 'letter'),
  number: fc.nat(5),
  text: fc.string({ unit: 'grapheme', maxLength: 30 }),
  wrong: fc.option(fc.dictionary(fc.constantFrom(...FIELDS), hostileJson(VALUES), { maxKeys: 2 }), {
    freq: 4,
  }),
  isMissing: fc.boolean(),
})

const logs = fc.array(entry, { maxLength: 60 }).map((entries) => {
  const lines: string[] = []
  const records: number[] = []
  let profile: number | undefined
  const at = '2026-03-01T09:30:00Z'
  for (const [i, { type, number, text, wrong, isMissing }] of entries.entries()) {
    const kind = i === 0 ? 'newsletter' : type
    const body = { block: lines.length, blocks: 1, bytes: 0, mediaType: 'text/markdown' }
    if (kind === 'issue' || kind === 'amendment') {
      lines.push(JSON.stringify(text))
      body.bytes = Buffer.byteLength(lines.at(-1) ?? '')
    }
    const fields = {
      ...(kind === 'newsletter' ? { title: 'T', createdAt: at, recoveryKey: 'y'.repeat(52) } : {}),
      ...(kind === 'issue'
        ? { number: i, title: 'T', publishedAt: at, body, attachments: [] }
        : {}),
      ...(kind === 'amendment' ? { number, amendedAt: at, title: 'T', body, attachments: [] } : {}),
      ...(kind === 'retraction' ? { number, retractedAt: at } : {}),
    }
    const pointers = {
      previous: records.slice(0, 32),
      ...(profile === undefined ? {} : { profile }),
    }
    if (kind === 'newsletter') profile = lines.length
    records.unshift(lines.length)
    const json = JSON.stringify({ hyperletter: 1, type: kind, ...pointers, ...fields, ...wrong })
    lines.push(isMissing && i % 5 === 4 ? MISSING : json)
  }
  return bytesOf(lines.join('\n'))
})

/** A line that stands for a block which nobody has. */
const MISSING = '?'

const history: Target = {
  name: 'history',
  inputs: fc.oneof(
    logs,
    logs.chain((it) => mutated([it], [MISSING, '\n', ...FIELDS])),
  ),
  async check(input) {
    const lines = textOf(input).split('\n')
    let reads = 0
    const source: format.BlockSource = {
      length: lines.length,
      read: async (index) => {
        reads++
        const line = lines[index]
        assert(line !== undefined, `Block ${index} is behind the end.`)
        if (line === MISSING) throw new HyperletterError('NOT_AVAILABLE', 'Nobody has it.')
        return bytesOf(line)
      },
    }
    const found = new format.History(source)
    const listing = await found.list()
    const numbers = listing.issues.map((it) => it.record.number)
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].toSorted((a, b) => b - a),
    )
    assert(reads <= 4 * lines.length + 512, `${reads} reads of ${lines.length} blocks`)
    await found.newest()
    await found.profile()
    const contents = new format.Contents(source)
    for (const issue of listing.issues) {
      for (const edition of format.editionsOf(issue)) {
        await refusing(['INVALID_RECORD', 'NOT_AVAILABLE'], () => contents.body(edition))
      }
    }
  },
}

const bundles = filesIn('bundles')

const bundle: Target = {
  name: 'bundle',
  inputs: mutated([...bundles, ...bundles.map((it) => it.subarray(0, 1_000))]),
  async check(input) {
    await refusing(['INVALID_BUNDLE'], () => decodeHeader(input))
    // In pieces whose size the input says.
    const pieces = async function* () {
      const sizeBytes = 1 + (input.at(-1) ?? 0) * 64
      for (let at = 0; at < input.byteLength; at += sizeBytes) {
        yield input.subarray(at, at + sizeBytes)
      }
    }
    const loaded = await refusing(['INVALID_BUNDLE'], () => format.loadBundle(pieces()))
    if (loaded === undefined) return
    // What is taken is what was signed, to the last byte.
    assert(
      bundles.some((it) => Buffer.compare(it, input) === 0),
      'A changed bundle was taken.',
    )
  },
}

const STATEMENT = {
  from: format.feedKeyOf(new Uint8Array(32).fill(1)),
  to: format.feedKeyOf(new Uint8Array(32).fill(2)),
  issuedAt: 1_700_000_000_000,
  signature: new Uint8Array(64).fill(3),
}

const succession: Target = {
  name: 'succession',
  inputs: mutated([
    encodeSuccession(STATEMENT),
    maskSuccession(STATEMENT),
    bytesOf(format.formatSuccession(STATEMENT)),
  ]),
  async check(input) {
    const codes = ['INVALID_STATEMENT'] as const
    const found = await refusing(codes, () => decodeSuccession(input))
    if (found !== undefined) {
      assert(Buffer.from(encodeSuccession(found)).equals(input))
      const again = format.parseSuccession(format.formatSuccession(found))
      assert.deepEqual(encodeSuccession(again), encodeSuccession(found))
      format.isSigned(found, new Uint8Array(32).fill(4))
    }
    const shown = await refusing(codes, () => format.parseSuccession(textOf(input)))
    if (shown !== undefined) assert.equal(format.formatSuccession(shown), textOf(input).trim())
    const masked = await refusing(codes, () => unmaskSuccession(input, STATEMENT.from))
    if (masked !== undefined) assert(Buffer.from(maskSuccession(masked)).equals(input))
  },
}

const LINK = { feedKey: STATEMENT.from, encryptionKey: format.encryptionKeyOf(new Uint8Array(32)) }

const link: Target = {
  name: 'link',
  inputs: mutated([format.formatLink(LINK), LINK.feedKey, 'a'.repeat(64)].map(bytesOf), [
    'hyperletter://',
    'HYPERLETTER:',
    '#',
    '/',
    ' ',
    'javascript:',
    '\u202e',
    'é',
  ]),
  async check(input) {
    const found = await refusing(['INVALID_LINK'], () => format.parseLink(textOf(input)))
    if (found === undefined) return
    assert.deepEqual(format.parseLink(format.formatLink(found)), found)
    assert.match(format.formatLink(found), /^hyperletter:\/\/[a-z0-9]{52}(#[a-z0-9]{52})?$/)
  },
}

const vectors = JSON.parse(
  readFileSync(new URL('records/letters.json', FIXTURES), 'utf8'),
) as Record<'feedKey' | 'signingPublicKey' | 'head' | 'content' | 'receipt' | 'mutes', string> & {
  readonly stamps: Readonly<Record<string, string>>
}
const hexBytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const letterBlock = Buffer.concat([hexBytes(vectors.head), Buffer.from(vectors.content)])
const statements = [vectors.receipt, vectors.mutes].map(hexBytes)

/** Letters on their way and published, and what their author says of them. */
const letter: Target = {
  name: 'letter',
  inputs: mutated([letterBlock, ...Object.values(vectors.stamps).map(hexBytes), ...statements]),
  check(bytes) {
    const feedKey = format.parseFeedKey(vectors.feedKey)
    const envelope = decodeEnvelope(bytes, portable)
    if (envelope !== undefined) {
      assert(!isLaterEnvelope(bytes))
      assert.deepEqual(Buffer.from(envelope.bytes), Buffer.from(bytes))
      const { head, carried, stamp } = envelope
      assert.deepEqual(encodeEnvelope(head.bytes, carried, stamp), envelope.bytes)
      isGenuine(envelope, feedKey, portable)
      isTimely(envelope, head.writtenAt)
      workOf(envelope, portable)
      admittedBy(envelope, portable)
    }
    const found = verifyLetter(bytes, feedKey, portable)
    if (found !== undefined) assert.equal(Buffer.compare(bytes, letterBlock), 0, 'A forged letter.')
    const said = verifyStatement(bytes, feedKey, hexBytes(vectors.signingPublicKey), portable)
    const isKnown = statements.some((it) => Buffer.compare(it, bytes) === 0)
    assert.equal(said !== undefined, isKnown, 'A forged statement.')
  },
}

export const FORMAT_TARGETS: readonly Target[] = [record, history, bundle, succession, link, letter]
