import { randomBytes } from 'node:crypto'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import c from 'compact-encoding'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BOX_BYTES, BOX_LETTERS } from '../../../src/engine/letters/letterbox.ts'
import { Letters } from '../../../src/engine/letters/letters.ts'
import { MOST_WORK_BITS } from '../../../src/engine/letters/sender.ts'
import { LetterExchange } from '../../../src/engine/network/letter-exchange.ts'
import { letterEncoding, type LetterMessage } from '../../../src/engine/network/letter-message.ts'
import type { Feed } from '../../../src/format/feed.ts'
import { encodeZ32, keyBytes, type FeedKey } from '../../../src/format/keys/feed-key.ts'
import { workOf, type Envelope } from '../../../src/format/letters/envelope.ts'
import { encodeStatement, muteOf } from '../../../src/format/letters/statement.ts'
import { senderOf } from '../../../src/format/letters/letter.ts'
import { LETTER_HEAD_BYTES } from '../../../src/format/records/letters.ts'
import type { SigningKeyPair } from '../../../src/format/keys/recovery.ts'
import { discoveryKeyOf, keyPairOf, nativeCrypto } from '../../../src/log/keys.ts'
import { letterKeysOf, signWith } from '../../../src/log/sealing.ts'
import { createLogger } from '../../../src/logger.ts'
import { feedKey, letterOf, signing } from '../../helpers/letters.ts'
import { muxPair } from '../../helpers/mux-pair.ts'
import { eventually } from '../../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const DAY = 86_400_000
const BITS = 4
const TOPIC = Buffer.from(discoveryKeyOf(keyBytes(feedKey)))

interface DeviceOptions {
  readonly dataDir?: string
  readonly isAuthor?: boolean
  /** Senders of whom a letter was published. */
  readonly known?: readonly string[]
  readonly isReady?: boolean
}

/** A newsletter that takes letters, as far as letters ask it. */
function newsletter(
  key: FeedKey,
  { isAuthor = false, known = [] }: DeviceOptions,
  peers: readonly object[],
) {
  const letters = { key: encodeZ32(letterKeysOf(signing).publicKey), work: BITS }
  const list = async () => ({
    profile: { record: { letters } },
    letters: known.map((from) => ({ from })),
    missing: 0,
  })
  const log = { peers, publicKey: signing.publicKey, discoveryKey: discoveryKeyOf(keyBytes(key)) }
  const profile = async () => ({ letters })
  return { feedKey: key, length: 1, writable: isAuthor, log, list, profile } as unknown as Feed
}

const lettersIn = (dataDir: string) =>
  new Letters({
    lettersDir: join(dataDir, 'letters'),
    keysDir: dataDir,
    budgetBytes: () => Infinity,
    keys: { get: async (): Promise<SigningKeyPair> => signing },
    encryptionKeyOf: () => undefined,
    logger: createLogger('silent'),
  })

/** A device that carries letters of a newsletter, or is its author's, and a peer who sends what it likes. */
async function device(options: DeviceOptions = {}) {
  const dataDir = options.dataDir ?? (await temporaryDirectory())
  const letters = lettersIn(dataDir)
  const [mux, other] = await muxPair()
  const misdeeds: string[] = []
  const exchange = new LetterExchange({
    letters,
    logger: createLogger('silent'),
    onMisdeed: (_, what) => misdeeds.push(what),
  })
  onTestFinished(async () => {
    exchange.close()
    await letters.close()
  })
  const feed = newsletter(feedKey, options, [{ publicKey: mux.stream.remotePublicKey }])
  if (options.isReady !== false) exchange.add(feed)
  exchange.attach(mux)
  const got: LetterMessage[] = []
  const channel = other.createChannel({
    protocol: 'hyperletter/letters/1',
    messages: [
      { encoding: c.raw, onmessage: (it: Buffer) => void got.push(c.decode(letterEncoding, it)) },
    ],
  })
  channel?.open()
  await channel?.fullyOpened()
  const sendRaw = (bytes: Uint8Array) => channel?.messages[0]?.send(Buffer.from(bytes))
  const send = (it: LetterMessage) => sendRaw(c.encode(letterEncoding, it))
  const ids = (them: readonly Envelope[]) => them.map((it) => Buffer.from(it.id, 'hex'))
  const offer = (...them: Envelope[]) =>
    send({ kind: 'have', topic: TOPIC, ids: ids(them), favoured: 0 })
  const offerFavoured = (...them: Envelope[]) =>
    send({ kind: 'have', topic: TOPIC, ids: ids(them), favoured: them.length })
  const say = (kind: 'letter' | 'statement', bytes: Uint8Array) =>
    send({ kind, topic: TOPIC, bytes })
  const asked = () => got.flatMap((it) => (it.kind === 'want' ? it.ids.map(hexOf) : []))
  const bring = async (...them: Envelope[]) => {
    offer(...them)
    await eventually(() => expect(asked()).toEqual(expect.arrayContaining(them.map((it) => it.id))))
    for (const it of them) say('letter', it.bytes)
  }
  const refusals = () =>
    got.flatMap((it) => (it.kind === 'refused' ? [[hexOf(it.id), it.bits]] : []))
  const kept = async () => (await letters.desk(feed)).box.all().map((it) => it.id)
  return {
    dataDir,
    letters,
    exchange,
    feed,
    misdeeds,
    got,
    asked,
    refusals,
    send,
    sendRaw,
    offer,
    offerFavoured,
    say,
    bring,
    kept,
  }
}

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const lettersOf = (seed: Uint8Array, count: number) =>
  Array.from({ length: count }, (_, i) => letterOf({ seed, bits: BITS, text: `${i}` }).envelope)
const good = () => letterOf({ bits: BITS }).envelope
/** The letter with its last byte, or the one at `at`, changed. */
function changed(letter: Envelope, at = letter.bytes.length - 1): Uint8Array {
  return letter.bytes.map((it, i) => (i === at ? it ^ 1 : it))
}

describe('a carrier', () => {
  it('takes a letter, says so, keeps it over a restart, and drops it when its author has it', async () => {
    const before = await device()
    const letter = good()
    await before.bring(letter)
    await eventually(() => expect(before.got.filter((it) => it.kind === 'have')).toHaveLength(1))
    await before.letters.close()

    const { got, send, say, kept, misdeeds } = await device({ dataDir: before.dataDir })
    await eventually(() => expect(got).toMatchObject([{ kind: 'have' }]))
    send({ kind: 'want', topic: TOPIC, ids: [Buffer.from(letter.id, 'hex')] })
    await eventually(() => expect(got.at(-1)).toMatchObject({ kind: 'letter' }))
    const names = [letter.id]
    say('statement', encodeStatement(feedKey, { kind: 'receipt', at: 1, names }, signWith(signing)))
    await eventually(async () => expect(await kept()).toEqual([]))
    expect(misdeeds).toEqual([])
  })

  it('asks again for what it heard of before the newsletter was open', async () => {
    const { exchange, feed, offer, asked, send, got } = await device({ isReady: false })
    offer(good())
    // What comes after it was worked off after it.
    const key = encodeZ32(keyPairOf().publicKey) as FeedKey
    const another = newsletter(key, {}, feed.log.peers)
    exchange.add(another)
    send({ kind: 'have', topic: another.log.discoveryKey, ids: [Buffer.alloc(16)], favoured: 0 })
    await eventually(() => expect(asked()).toHaveLength(1))
    exchange.add(feed)
    await eventually(() => expect(got.at(-1)).toMatchObject({ kind: 'ask', topic: TOPIC }))
  })

  it('asks for 16 letters of strangers, and for all of senders who were published', async () => {
    const seeds = Array.from({ length: 20 }, () => randomBytes(32))
    const letters = seeds.map((seed) => letterOf({ seed }).envelope)
    const known = letters.map((it) => senderOf(it.head))
    const strange = await device()
    strange.offer(...letters)
    await eventually(() => expect(strange.asked()).toHaveLength(16))
    for (const it of letters.slice(0, 16)) strange.say('letter', it.bytes)
    const friendly = await device({ known })
    friendly.offer(...letters)
    const brought = new Set<string>()
    await eventually(() => {
      for (const it of letters) {
        if (!friendly.asked().includes(it.id) || brought.has(it.id)) continue
        brought.add(it.id)
        friendly.say('letter', it.bytes)
      }
      expect(brought.size).toBe(20)
    })
    await eventually(async () => expect(await friendly.kept()).toHaveLength(20))
    expect([strange.asked().length, await strange.kept()]).toEqual([16, []])
    expect([...strange.misdeeds, ...friendly.misdeeds]).toEqual([])
  })

  it('asks for what is said to be favoured when a flood took all the rest, and believes 64 lies', async () => {
    const { offer, offerFavoured, asked } = await device()
    const flood = Array.from({ length: 256 }, () => letterOf().envelope)
    offer(...flood)
    await eventually(() => expect(asked()).toHaveLength(16))
    const late = Array.from({ length: 100 }, () => letterOf().envelope)
    offerFavoured(...late)
    await eventually(() => expect(asked()).toHaveLength(16 + 64))
    expect(asked().slice(16)).toEqual(late.slice(0, 64).map((it) => it.id))
  })

  it('takes three letters of a stranger, and the next once its author has one of them', async () => {
    const { bring, say, asked, kept, refusals } = await device()
    const letters = lettersOf(randomBytes(32), 4)
    const [first, , , last] = letters
    await bring(...letters)
    await eventually(() => expect(refusals()).toEqual([[last?.id, 0]]))
    expect(await kept()).toHaveLength(3)
    const names = [first?.id ?? '']
    say('statement', encodeStatement(feedKey, { kind: 'receipt', at: 1, names }, signWith(signing)))
    await eventually(() => expect(asked().filter((it) => it === last?.id)).toHaveLength(2))
    say('letter', last?.bytes ?? new Uint8Array())
    await eventually(async () => expect(await kept()).toContain(last?.id))
  })

  it('says how much work would do where its box is full', async () => {
    const { letters, feed, bring, refusals, kept } = await device()
    for (let i = 0; i < BOX_LETTERS; i++) await letters.carry(feed, good())
    const [cheap, better] = [good(), letterOf({ bits: BITS + 1 }).envelope]
    await bring(cheap)
    await eventually(() => expect(refusals()).toEqual([[cheap.id, BITS + 1]]))
    await bring(better)
    await eventually(async () => expect(await kept()).toContain(better.id))
    const weak = letterOf({ bits: 1 }).envelope
    await bring(weak)
    await eventually(() => expect(refusals().at(-1)).toEqual([weak.id, BITS + 1]))
  })

  const other = encodeZ32(keyPairOf(new Uint8Array(32).fill(3)).publicKey) as FeedKey
  const receipt = encodeStatement(feedKey, { kind: 'receipt', at: 1, names: [] }, signWith(signing))

  it.each([
    ['whose carried bytes are others', () => changed(good()), 'letter'],
    ['whose signature is wrong', () => changed(good(), LETTER_HEAD_BYTES - 1), 'letter'],
    ['to another newsletter', () => letterOf({ to: other, bits: BITS }).envelope.bytes, 'letter'],
    ['that is cut off', () => good().bytes.subarray(0, 200), 'letter'],
    ['that is none', () => randomBytes(400), 'letter'],
    ['with a false receipt', () => changed({ bytes: receipt } as Envelope), 'statement'],
    [
      'with a receipt of a stranger',
      () => encodeStatement(feedKey, { kind: 'receipt', at: 1, names: [] }, signWith(keyPairOf())),
      'statement',
    ],
  ] as const)('strikes a peer that sends a letter %s', async (_, make, kind) => {
    const { offer, asked, say, misdeeds, kept } = await device()
    const bytes = make()
    const id = nativeCrypto.hash([bytes.subarray(0, LETTER_HEAD_BYTES)]).subarray(0, 16)
    const named = Buffer.from(id).toString('hex')
    offer({ id: named } as Envelope)
    await eventually(() => expect(asked()).toEqual([named]))
    say(kind, bytes)
    await eventually(() => expect(misdeeds).toHaveLength(1))
    expect(await kept()).toEqual([])
  })

  it.each([
    ['that it did not ask for', undefined, () => good()],
    ['without a stamp', 'asked', () => letterOf().envelope],
    ['with too little work', 'asked', () => letterOf({ bits: 1 }).envelope],
    ['of a code of somebody else', 'asked', () => letterOf({ code: randomBytes(32) }).envelope],
    ['of long ago', 'asked', () => letterOf({ bits: BITS, at: Date.now() - 15 * DAY }).envelope],
    ['of tomorrow', 'asked', () => letterOf({ bits: BITS, at: Date.now() + DAY }).envelope],
  ] as const)('does not keep a letter %s, which is no misdeed', async (_, how, make) => {
    const { bring, say, misdeeds, kept } = await device()
    const letter = make()
    if (how === 'asked') await bring(letter)
    else say('letter', letter.bytes)
    // What comes after it was worked off after it.
    const after = good()
    await bring(after)
    await eventually(async () => expect(await kept()).toEqual([after.id]))
    expect(misdeeds).toEqual([])
  })

  it('passes over kinds of a later version, and hangs up on what is no message', async () => {
    const { exchange, bring, sendRaw, misdeeds, kept } = await device()
    sendRaw(Buffer.concat([Buffer.from([9]), TOPIC]))
    const letter = good()
    await bring(letter)
    await eventually(async () => expect(await kept()).toEqual([letter.id]))
    expect(misdeeds).toEqual([])
    sendRaw(Buffer.concat([Buffer.from([0]), TOPIC, Buffer.from([253, 255, 255])]))
    await eventually(() => expect(misdeeds).toHaveLength(1))
    exchange.close()
  })

  it('takes no letters of senders whom the author muted', async () => {
    const { letters, feed, say, bring, kept } = await device()
    const letter = good()
    const names = [muteOf(feedKey, senderOf(letter.head), nativeCrypto)]
    const mutes = { kind: 'mutes', at: Date.now(), names } as const
    say('statement', encodeStatement(feedKey, mutes, signWith(signing)))
    await eventually(async () =>
      expect((await letters.desk(feed)).box.statements()).toHaveLength(1),
    )
    await bring(letter)
    const after = good()
    await bring(after)
    await eventually(async () => expect(await kept()).toEqual([after.id]))
  })
})

describe('an author', () => {
  it('gets a letter once, whoever brings it, also signed anew, and says so each time', async () => {
    const seed = randomBytes(32)
    const at = Date.now()
    const [letter, anew] = [at - DAY, at].map(
      (it) => letterOf({ seed, bits: BITS, at: it }).envelope,
    )
    if (letter === undefined || anew === undefined) throw new Error('There are two.')
    const before = await device({ isAuthor: true })
    await before.bring(letter)
    const receipts = (it: { got: LetterMessage[] }) =>
      it.got.filter(({ kind }) => kind === 'statement').length
    await eventually(() => expect(receipts(before)).toBe(1))
    before.offer(letter)
    await eventually(() => expect(receipts(before)).toBe(2))
    // As after a crash: nothing was closed.
    const again = await device({ isAuthor: true, dataDir: before.dataDir })
    await again.bring(anew)
    await eventually(() => expect(receipts(again)).toBe(1))
    const desk = await again.letters.desk(again.feed)
    expect(desk.own.inbox.map((it) => it.letter.id)).toEqual([letter.id])
    await desk.decide([1])
    again.offer(letter, anew)
    await eventually(() => expect(receipts(again)).toBe(2))
    expect(desk.own.inbox).toEqual([])
  })

  it('gets all letters of a published sender that come at once', async () => {
    const seed = randomBytes(32)
    const letters = Array.from({ length: 30 }, (_, i) => letterOf({ seed, text: `${i}` }).envelope)
    const known = letters.slice(0, 1).map((it) => senderOf(it.head))
    const author = await device({ isAuthor: true, known })
    await author.bring(...letters)
    const desk = await author.letters.desk(author.feed)
    await eventually(() => expect(desk.own.inbox).toHaveLength(30))
  })

  it('gets ten letters of a stranger, and more once it has decided on some', async () => {
    const { bring, letters, feed, exchange, asked, refusals, misdeeds } = await device({
      isAuthor: true,
    })
    const written = lettersOf(randomBytes(32), 11)
    const last = written.at(-1)
    await bring(...written)
    const desk = await letters.desk(feed)
    await eventually(() => expect(desk.own.inbox).toHaveLength(10))
    await eventually(() => expect(refusals()).toEqual([[last?.id, 0]]))
    await desk.decide([1])
    exchange.retry(feed)
    await eventually(() => expect(asked().filter((it) => it === last?.id)).toHaveLength(2))
    expect(misdeeds).toEqual([])
  })

  it('is not shown what was sealed to somebody else', async () => {
    const { bring, letters, feed, got } = await device({ isAuthor: true })
    const { envelope } = letterOf({ bits: BITS, sealedTo: keyPairOf() })
    await bring(envelope)
    await eventually(() => expect(got.at(-1)).toMatchObject({ kind: 'statement' }))
    expect((await letters.desk(feed)).own.inbox).toEqual([])
  })
})

describe('a writer', () => {
  it('does more work where a peer asks for it, up to a bound, and knows the receipt of either', async () => {
    const { letters, feed, exchange, got, send, say, misdeeds } = await device()
    const first = await letters.sender.write(feed, { text: 'Hello.' })
    // More than there is, which may be more than was asked for by luck.
    const bits = workOf(first, nativeCrypto) + 2
    const desk = await letters.desk(feed)
    const refuse = (id: string, needed: number) =>
      send({ kind: 'refused', topic: TOPIC, id: Buffer.from(id, 'hex'), bits: needed })
    const take = async (id: string) => {
      const count = got.filter((it) => it.kind === 'letter').length
      send({ kind: 'want', topic: TOPIC, ids: [Buffer.from(id, 'hex')] })
      await eventually(() =>
        expect(got.filter((it) => it.kind === 'letter')).toHaveLength(count + 1),
      )
    }
    exchange.announce(feed, first.id, false)
    // Nobody is told what to do by a peer that has not seen the letter.
    refuse(first.id, bits + 1)
    await take(first.id)
    refuse(first.id, bits)
    await eventually(() => expect(desk.own.sent[0]?.letter.id).not.toBe(first.id))
    const [anew] = desk.own.sent
    if (anew === undefined) throw new Error('The letter is gone.')
    expect(workOf(anew.letter, nativeCrypto)).toBeGreaterThanOrEqual(bits)
    await eventually(() => expect(got.at(-1)).toMatchObject({ kind: 'have' }))
    await take(anew.letter.id)
    refuse(anew.letter.id, MOST_WORK_BITS + 1)
    await eventually(() => expect(desk.refusalOf(anew)).toBe(MOST_WORK_BITS + 1))
    expect(desk.own.sent).toEqual([anew])
    const names = [first.id]
    say('statement', encodeStatement(feedKey, { kind: 'receipt', at: 1, names }, signWith(signing)))
    await eventually(() => expect(desk.own.sent).toMatchObject([{ isReceived: true }]))
    expect(misdeeds).toEqual([])
  })
})

it('all boxes together stay under 32 MiB', async () => {
  const dataDir = await temporaryDirectory()
  const first = lettersIn(dataDir)
  const feed = newsletter(feedKey, {}, [])
  const text = 'é'.repeat(8_000)
  const letter = () => letterOf({ bits: BITS, text }).envelope
  while ((await first.carry(feed, letter())) === 'kept');
  await first.close()

  const keys = Array.from({ length: 20 }, () => encodeZ32(keyPairOf().publicKey) as FeedKey)
  const folder = join(dataDir, 'letters')
  await Promise.all(
    keys.map((it) => copyFile(join(folder, `${feedKey}.json`), join(folder, `${it}.json`))),
  )
  const letters = lettersIn(dataDir)
  let sum = 0
  for (const key of keys) {
    const { bytes } = (await letters.desk(newsletter(key, {}, []))).box
    expect(bytes).toBeLessThanOrEqual(BOX_BYTES)
    sum += bytes
  }
  expect(sum).toBeLessThanOrEqual(32 * 1024 * 1024)
  expect(sum).toBeGreaterThan(31 * 1024 * 1024)
  expect(await letters.carry(feed, letter())).toBe('full')
  await letters.close()
})
