import { randomBytes } from 'node:crypto'
import c from 'compact-encoding'
import Corestore from 'corestore'
import type { ReplicationStream } from 'hypercore'
import crypto, { type KeyPair } from 'hypercore-crypto'
import Protomux, { type Message } from 'protomux'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Feed } from '../../../src/format/feed.ts'
import { UNDECIDED } from '../../../src/format/selection.ts'
import { headOf } from '../../../src/log/internals/continuation.ts'
import { USES_INTERNALS } from '../../../src/log/internals/version.ts'
import {
  MAX_PUSHED_BYTES,
  nameOf,
  pushEncoding,
  type Push,
} from '../../../src/replication/push/push-message.ts'
import { PushChannel } from '../../../src/replication/push/pushes.ts'
import { eventually } from '../../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { coreOf, openFeed } from '../../helpers/stores.ts'

interface Node {
  readonly store: Corestore
  readonly feed: Feed
  readonly pushes: PushChannel
  readonly keyPair: KeyPair
  /** Misdeeds that it noticed. */
  readonly misdeeds: string[]
  readonly failures: unknown[]
  readonly suspects: Buffer[]
}

/** Somebody with a log: its author, or a reader of `key`. */
async function node(identity: { name: string } | { keyPair: KeyPair } | { key: string }) {
  const store = new Corestore(await temporaryDirectory())
  const core = store.get({ ...identity, allowFork: false })
  const feed = await openFeed(core)
  const misdeeds: string[] = []
  const failures: unknown[] = []
  const suspects: Buffer[] = []
  const pushes = new PushChannel({
    onMisdeed: (_, what) => misdeeds.push(what),
    onFailure: (_, error) => failures.push(error),
  })
  onTestFinished(async () => {
    await pushes.close()
    await store.close()
  })
  const keyPair = crypto.keyPair()
  return { store, feed, pushes, keyPair, misdeeds, failures, suspects }
}

/** Pushes what is appended here, and takes pushes. */
function take({ pushes, feed, suspects }: Node): void {
  pushes.add(feed, (peer) => suspects.push(Buffer.from(peer)))
}

async function author(): Promise<Node> {
  const made = await node({ name: 'feed' })
  await coreOf(made.feed).append(['profile', 'first body', 'first record'])
  take(made)
  return made
}

/** Holds all that there is, and asks for nothing from then on: what comes was pushed. */
async function reader(of: Node, { asks = false } = {}): Promise<Node> {
  const made = await node({ key: coreOf(of.feed).id ?? '' })
  const core = coreOf(made.feed)
  core.download({ start: 0, end: -1 })
  take(made)
  await connect(of, made)
  await eventually(() => expect(core.contiguousLength).toBe(of.feed.length))
  await known(of, made)
  if (!asks) askNothing(made)
  return made
}

/** Keeps Hypercore from asking anybody. */
function askNothing({ feed }: Node): void {
  const { core } = coreOf(feed) as unknown as {
    core: { replicator: { setPushOnly(isOn: boolean): void } }
  }
  core.replicator.setPushOnly(true)
}

/** Until one knows how far the other is. */
async function known(one: Node, other: Node): Promise<void> {
  await eventually(() => {
    const peer = coreOf(one.feed).peers.find((it) =>
      it.remotePublicKey.equals(other.keyPair.publicKey),
    )
    expect(peer?.remoteLength).toBe(other.feed.length)
  })
}

function stream(of: Pick<Node, 'store' | 'keyPair'>, isInitiator: boolean): ReplicationStream {
  const replicate = of.store.replicate.bind(of.store) as (
    isInitiator: boolean,
    options: object,
  ) => ReplicationStream
  return replicate(isInitiator, { keyPair: of.keyPair })
}

/** Both replicate and push. */
async function connect(one: Node, other: Node): Promise<void> {
  const ours = stream(one, true)
  const theirs = stream(other, false)
  ours.pipe(theirs).pipe(ours)
  await Promise.all([ours.noiseStream.opened, theirs.noiseStream.opened])
  one.pushes.attach(Protomux.from(ours.noiseStream))
  other.pushes.attach(Protomux.from(theirs.noiseStream))
}

/** Somebody with a core of its own choice, of these blocks, who speaks the protocol by hand. */
async function byHand(
  victim: Node,
  identity: Parameters<typeof node>[0],
  blocks: readonly string[] = [],
) {
  const made = await node(identity)
  if (blocks.length > 0) await coreOf(made.feed).append(blocks)
  const ours = stream(made, true)
  const theirs = stream(victim, false)
  ours.on('error', () => undefined)
  theirs.on('error', () => undefined)
  ours.pipe(theirs).pipe(ours)
  await Promise.all([ours.noiseStream.opened, theirs.noiseStream.opened])
  victim.pushes.attach(Protomux.from(theirs.noiseStream))
  const channel = Protomux.from(ours.noiseStream).createChannel({
    protocol: 'hyperletter/push/1',
    messages: [{ encoding: c.raw }],
  })
  channel?.open()
  const message = channel?.messages[0] as Message<Uint8Array>
  const send = (push: Push) => message.send(c.encode(pushEncoding, push))
  await eventually(() => expect(channel?.opened).toBe(true))
  return { ...made, send, raw: (bytes: Uint8Array) => message.send(bytes), stream: theirs }
}

async function pushOf({ feed }: Pick<Node, 'feed'>, from: number): Promise<Push> {
  const blocks = []
  for (let i = from; i < feed.length; i++)
    blocks.push((await coreOf(feed).get(i)) ?? Buffer.alloc(0))
  const signature = headOf(feed.log)?.signature ?? Buffer.alloc(0)
  return {
    topic: coreOf(feed).discoveryKey ?? Buffer.alloc(32),
    from,
    signature,
    receivers: [],
    blocks,
  }
}

describe.runIf(USES_INTERNALS)('a small entry', () => {
  test('is whole with a reader who asks for nothing', async () => {
    const from = await author()
    const to = await reader(from)
    const pushed: number[] = []
    coreOf(to.feed).on('download', (index, _sizeBytes, _peer, request) => {
      if (request === null) pushed.push(index)
    })

    await coreOf(from.feed).append(['second body', 'second record'])

    await eventually(() => expect(coreOf(to.feed).contiguousLength).toBe(5))
    expect(String(await coreOf(to.feed).get(4))).toBe('second record')
    expect(await to.feed.verify({ start: 0, end: 5 })).toBe(true)
    await eventually(() => expect(pushed).toEqual([3, 4]))
    await known(from, to)
  })

  test('and the next ones arrive in order, however fast they follow each other', async () => {
    const from = await author()
    const to = await reader(from)
    for (let i = 0; i < 20; i++) await coreOf(from.feed).append(`record ${i}`)
    await eventually(() => expect(coreOf(to.feed).contiguousLength).toBe(23))
    expect(to.misdeeds).toEqual([])
  })

  test('reaches through a reader who was pushed it a fellow who does not know the author', async () => {
    const from = await author()
    const between = await reader(from)
    const far = await node({ key: coreOf(from.feed).id ?? '' })
    coreOf(far.feed).download({ start: 0, end: -1 })
    take(far)
    await connect(between, far)
    await eventually(() => expect(coreOf(far.feed).contiguousLength).toBe(3))
    await known(between, far)
    askNothing(far)

    await coreOf(from.feed).append('second record')

    await eventually(() => expect(coreOf(far.feed).contiguousLength).toBe(4))
  })

  test('is not passed on to a fellow whom the author pushed it to', async () => {
    const from = await author()
    const [one, other] = [await reader(from), await reader(from)]
    await connect(one, other)
    await known(one, other)
    await known(other, one)
    let uploads = 0
    for (const it of [one, other]) coreOf(it.feed).on('upload', () => uploads++)

    await coreOf(from.feed).append('second record')

    for (const it of [one, other]) await known(from, it)
    await known(one, other)
    await known(other, one)
    expect(uploads).toBe(0)
  })

  test('is taken by a reader who lacks blocks before it, and these come as well', async () => {
    const from = await author()
    const to = await node({ key: coreOf(from.feed).id ?? '' })
    take(to)
    await connect(from, to)
    await eventually(() => expect(to.feed.length).toBe(3))
    await known(from, to)

    await coreOf(from.feed).append(['second body', 'second record'])
    await eventually(async () => expect(await coreOf(to.feed).has(3, 5)).toBe(true))
    expect(await coreOf(to.feed).has(1)).toBe(false)

    await coreOf(to.feed).download({ start: 0, end: 5 }).done()
    expect(coreOf(to.feed).contiguousLength).toBe(5)
    expect(await to.feed.verify({ start: 0, end: 5 })).toBe(true)
  })

  test('is asked for by a reader who has not everything before it, and by one who decides what to keep', async () => {
    const from = await author()
    const chooser = await reader(from, { asks: true })
    chooser.feed.select(UNDECIDED)
    const late = await node({ key: coreOf(from.feed).id ?? '' })
    take(late)
    coreOf(late.feed).download({ start: 0, end: -1 })
    await coreOf(from.feed).append('second record')
    await connect(from, late)
    await coreOf(from.feed).append('third record')

    await eventually(() => expect(coreOf(late.feed).contiguousLength).toBe(5))
    await eventually(() => expect(coreOf(chooser.feed).contiguousLength).toBe(5))
    expect([...late.misdeeds, ...chooser.misdeeds]).toEqual([])
  })
})

test('an entry that is larger than may be pushed is asked for', async () => {
  const from = await author()
  const to = await reader(from, { asks: true })
  let pushed = 0
  coreOf(to.feed).on('download', (_index, _sizeBytes, _peer, request) => {
    if (request === null) pushed++
  })
  await coreOf(from.feed).append([randomBytes(MAX_PUSHED_BYTES), 'second record'])
  await eventually(() => expect(coreOf(to.feed).contiguousLength).toBe(5))
  expect(pushed).toBe(0)
})

describe.runIf(USES_INTERNALS)('who pushes', () => {
  test('blocks that the author did not sign is refused and noted', async () => {
    const from = await author()
    const to = await reader(from)
    const liar = await byHand(to, { key: coreOf(from.feed).id ?? '' })
    await known(to, liar)
    const { signature, topic } = await pushOf(from, 0)

    liar.send({ topic, from: 3, signature, receivers: [], blocks: [Buffer.from('forged')] })
    await eventually(() => expect(to.misdeeds).toEqual(['peer pushed blocks that do not fit']))
    liar.send({
      topic,
      from: 3,
      signature: Buffer.of(9),
      receivers: [],
      blocks: [Buffer.from('x')],
    })
    await eventually(() => expect(to.misdeeds).toHaveLength(2))

    expect(to.feed.length).toBe(3)
    await coreOf(from.feed).append('second record')
    await eventually(() => expect(coreOf(to.feed).contiguousLength).toBe(4))
  })

  test('for a log that it does not replicate here is refused and noted', async () => {
    const from = await author()
    const to = await reader(from)
    await coreOf(from.feed).append('second record')
    await eventually(() => expect(to.feed.length).toBe(4))
    const stranger = await byHand(to, { name: 'something else' })
    stranger.send(await pushOf(from, 3))
    await eventually(() => expect(to.misdeeds).toEqual(['peer pushed what it does not share']))
  })

  test('what is here already changes nothing, and more and more of it is noted', async () => {
    const from = await author()
    const to = await reader(from)
    await coreOf(from.feed).append('second record')
    await eventually(() => expect(to.feed.length).toBe(4))
    const echo = await byHand(to, { key: coreOf(from.feed).id ?? '' })
    await known(to, echo)
    const push = await pushOf(from, 3)

    for (let i = 0; i < 100; i++) echo.send(push)
    for (let i = 0; i < 100; i++) echo.send({ ...push, from: 2, blocks: [Buffer.from('x')] })

    await eventually(() => expect(to.misdeeds.length).toBeGreaterThan(0))
    expect(new Set(to.misdeeds)).toEqual(new Set(['peer floods with pushes']))
    expect(to.feed.length).toBe(4)
    expect(to.failures).toEqual([])
  })

  test.each([
    { what: 'nothing', bytes: () => Buffer.alloc(0) },
    { what: 'random bytes', bytes: () => Buffer.concat([Buffer.alloc(32, 1), randomBytes(200)]) },
    { what: 'more than an entry may take', bytes: () => oversized(MAX_PUSHED_BYTES + 1) },
    { what: 'megabytes', bytes: () => oversized(8 * 1024 * 1024) },
    { what: 'more blocks than it sends', bytes: () => oversized(10).subarray(0, -4) },
    { what: 'no block', bytes: () => c.encode(pushEncoding, { ...EMPTY, blocks: [] }) },
    {
      what: 'a length beyond all numbers',
      bytes: () => Buffer.concat([Buffer.alloc(32), Buffer.alloc(9, 0xff)]),
    },
    {
      what: 'too many receivers',
      bytes: () =>
        c.encode(pushEncoding, { ...EMPTY, receivers: Array.from({ length: 257 }, () => 1) }),
    },
  ])('$what loses its connection', async ({ bytes }) => {
    const from = await author()
    const to = await reader(from)
    const hostile = await byHand(to, { key: coreOf(from.feed).id ?? '' })
    await known(to, hostile)
    hostile.raw(bytes())
    await eventually(() => expect(hostile.stream.noiseStream.destroyed).toBe(true))
    expect(to.feed.length).toBe(3)
  })
})

describe.runIf(USES_INTERNALS)('another history under the same key', () => {
  test('is found out when it is pushed, though what it continues is as long', async () => {
    const keyPair = crypto.keyPair()
    const from = await node({ keyPair })
    await coreOf(from.feed).append(['profile', 'first body', 'first record'])
    take(from)
    const to = await reader(from, { asks: true })
    const conflict = new Promise((resolve) => coreOf(to.feed).on('conflict', resolve))
    const forger = await byHand(to, { keyPair }, ['profile', 'other body', 'other record'])
    await known(to, forger)

    await coreOf(forger.feed).append('second record')
    forger.send(await pushOf(forger, 3))

    expect(await conflict).toBe(3)
    expect(to.misdeeds).toContain('peer pushed blocks that do not fit')
  })

  test('is found out when both have come as far', async () => {
    const keyPair = crypto.keyPair()
    const from = await node({ keyPair })
    await coreOf(from.feed).append(['profile', 'first body', 'first record'])
    take(from)
    const to = await reader(from)
    const conflict = new Promise((resolve) => coreOf(to.feed).on('conflict', resolve))
    const forger = await byHand(to, { keyPair }, ['profile', 'first body', 'other record'])
    await known(to, forger)

    forger.send(await pushOf(forger, 2))

    expect(await conflict).toBe(3)
    expect(to.suspects).toEqual([forger.keyPair.publicKey])
  })
})

test('peers are named by the beginning of their keys', () => {
  expect(nameOf(Buffer.from('ab12ff', 'hex'))).toBe(0xab12)
})

const EMPTY: Push = {
  topic: Buffer.alloc(32),
  from: 3,
  signature: Buffer.alloc(68),
  receivers: [],
  blocks: [Buffer.of(1)],
}

function oversized(sizeBytes: number): Buffer {
  return Buffer.from(c.encode(pushEncoding, { ...EMPTY, blocks: [Buffer.alloc(sizeBytes)] }))
}
