import { randomBytes } from 'node:crypto'
import Corestore from 'corestore'
import crypto from 'hypercore-crypto'
import type { Connection } from 'hyperswarm'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Address } from '../../../src/config/config.ts'
import { createLogger } from '../../../src/logger.ts'
import { guardReplication } from '../../../src/log/internals/wire-guard.ts'
import { openDht } from '../../../src/peers/dht.ts'
import { Dialer, type Listener } from '../../../src/peers/lan/tcp.ts'
import { isOverTcp } from '../../../src/peers/patched-hyperswarm.ts'
import { Swarm } from '../../../src/peers/swarm.ts'
import { listenHere } from '../../helpers/loopback.ts'
import { eventually } from '../../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { privateNetwork } from '../../helpers/testnet.ts'

const host = '127.0.0.1'
const logger = createLogger('silent')
const ignore = () => undefined

/** A swarm on loopback that can be called over TCP, and call. */
async function openPeer(
  bootstrap: readonly Address[],
  keyPair = crypto.keyPair(),
  use: (connection: Connection) => void = (connection) => {
    // Somebody has to read, and to say something.
    connection.resume()
    connection.write(Buffer.from('hello'))
  },
  uploadLimit?: number,
) {
  const seen: Connection[] = []
  const swarm = new Swarm({
    guard: guardReplication,
    keyPair,
    dht: openDht({ bootstrap, host, udpPort: undefined }),
    logger,
    uploadLimit,
    onConnection: (connection) => {
      seen.push(connection)
      use(connection)
    },
  })
  const takeIn = (connection: Connection) => swarm.accept(connection)
  const { listener } = await listenHere({ keyPair, onConnection: takeIn })
  const caller = new Dialer({
    keyPair,
    logger,
    isConnected: (peer) => swarm.isConnectedOverTcp(peer),
    onConnection: takeIn,
  })
  onTestFinished(async () => {
    caller.close()
    await listener.close()
    await swarm.close()
  })
  const { publicKey } = keyPair
  const call = (other: { publicKey: Buffer; listener: Listener }) =>
    caller.dial(other.publicKey, { host, port: other.listener.port ?? 0 }, ignore)
  /** Open connections, by kind. */
  const kinds = () =>
    seen.filter((it) => !it.destroying).map((it) => (isOverTcp(it) ? 'tcp' : 'udx'))
  return { swarm, keyPair, publicKey, listener, call, seen, kinds }
}

async function openStore(): Promise<Corestore> {
  const store = new Corestore(await temporaryDirectory())
  await store.ready()
  onTestFinished(() => store.close())
  return store
}

type TcpPeer = Awaited<ReturnType<typeof openPeer>>

async function two(): Promise<readonly [TcpPeer, TcpPeer]> {
  const bootstrap = await privateNetwork()
  return [await openPeer(bootstrap), await openPeer(bootstrap)]
}

/** Lets two meet in the DHT. */
async function metOverUdx([one, other]: readonly [TcpPeer, TcpPeer]): Promise<void> {
  const topic = randomBytes(32)
  one.swarm.topics.join(topic)
  other.swarm.topics.join(topic)
  await eventually(() => {
    one.swarm.topics.refresh(topic)
    expect([one.kinds(), other.kinds()]).toEqual([['udx'], ['udx']])
  })
}

const openOf = ({ seen }: TcpPeer) => seen.find((it) => !it.destroying)

/** One connection, of which each has an end, over TCP. */
const expectOne = ([one, other]: readonly [TcpPeer, TcpPeer]) =>
  eventually(() => {
    expect([one.kinds(), other.kinds()]).toEqual([['tcp'], ['tcp']])
    expect([one.swarm.size, other.swarm.size]).toEqual([1, 1])
    expect([one, other].map((it) => it.swarm.diagnosis.facts().tcpConnections)).toEqual([1, 1])
    expect(openOf(one)?.handshakeHash).toEqual(openOf(other)?.handshakeHash)
  })

describe('two peers in one room', () => {
  test('connect over TCP', async () => {
    const [one, other] = await two()
    expect(await one.call(other)).toBe(true)
    await expectOne([one, other])
  })

  test('who call each other at the same moment keep one connection, the same', async () => {
    for (let round = 0; round < 5; round++) {
      const [one, other] = await two()
      await Promise.all([one.call(other), other.call(one)])
      await expectOne([one, other])
    }
  })

  test('who met over UDX go over to TCP, and stay there', async () => {
    const pair = await two()
    const [one, other] = pair
    await metOverUdx(pair)
    expect(await one.call(other)).toBe(true)
    await expectOne(pair)
    const met = one.seen.length
    // Neither a look-up nor a dial makes a second one.
    other.swarm.dial(one.publicKey, 'aa'.repeat(32))
    one.swarm.addPeer(randomBytes(32), other.publicKey, { host, port: other.swarm.localPort ?? 1 })
    expect(await other.call(one)).toBe(true)
    await expectOne(pair)
    expect(one.seen).toHaveLength(met)
  })

  test('lose nothing when they go over to TCP in the middle of a transfer', async () => {
    const bootstrap = await privateNetwork()
    const stores = [await openStore(), await openStore()] as const
    const [one, other] = [
      // So slow that it takes two seconds.
      await openPeer(bootstrap, crypto.keyPair(), (it) => void stores[0].replicate(it), 1_600_000),
      await openPeer(bootstrap, crypto.keyPair(), (it) => void stores[1].replicate(it)),
    ] as const
    const core = stores[0].get({ name: 'log' })
    const blocks = Array.from({ length: 200 }, () => randomBytes(16_384))
    await core.append(blocks)
    const copy = stores[1].get(core.id ?? '')
    await copy.ready()
    const download = copy.download({ start: 0, end: blocks.length })
    let call: Promise<boolean> | undefined
    let arrived = 0
    copy.on('download', () => {
      if (++arrived > 10) call ??= one.call(other)
    })
    const topic = randomBytes(32)
    one.swarm.topics.join(topic)
    other.swarm.topics.join(topic)
    await eventually(() => {
      one.swarm.topics.refresh(topic)
      expect(one.swarm.size).toBe(1)
    })

    await download.done()

    expect(one.seen.map(isOverTcp)).toEqual([false, true])
    expect(await call).toBe(true)
    await expectOne([one, other])
    for (const [i, block] of blocks.entries()) {
      expect(block.equals((await copy.get(i, { wait: false })) ?? Buffer.alloc(0))).toBe(true)
    }
  })

  test('meet over UDX again when TCP is gone', async () => {
    const pair = await two()
    const [one, other] = pair
    await one.call(other)
    await expectOne(pair)
    await other.listener.close()
    await eventually(() => expect([one.swarm.size, other.swarm.size]).toEqual([0, 0]))
    await metOverUdx(pair)
  })

  test('one who lost TCP unnoticed is waited for over UDX, and taken over TCP at once', async () => {
    const bootstrap = await privateNetwork()
    const other = await openPeer(bootstrap)
    // The machine was gone from one moment to the next: nothing comes from it, not even an end.
    const gone = await openPeer(bootstrap)
    await gone.call(other)
    await expectOne([gone, other])
    const lost = openOf(gone)
    lost?.setKeepAlive(0)
    lost?.rawStream.pause()

    const back = await openPeer(bootstrap, gone.keyPair)
    const topic = randomBytes(32)
    other.swarm.topics.join(topic)
    back.swarm.topics.join(topic)
    await eventually(() => {
      back.swarm.topics.refresh(topic)
      expect(back.kinds()).toEqual(['udx'])
    })
    expect(other.kinds()).toEqual(['tcp'])
    lost?.destroy()
    await eventually(() => expect(other.kinds()).toEqual(['udx']))
    expect(back.kinds()).toEqual(['udx'])

    await back.call(other)
    await expectOne([back, other])
    const again = await openPeer(bootstrap, gone.keyPair)
    await again.call(other)
    await expectOne([again, other])
  })

  test('one who is banned is turned away', async () => {
    const [one, other] = await two()
    other.swarm.ban(one.publicKey)
    expect(other.swarm.mayDial(one.publicKey)).toBe(false)
    await one.call(other)
    await eventually(() => expect(one.kinds()).toEqual([]))
    expect(other.seen).toEqual([])
    await other.call(one)
    await eventually(() => expect(other.kinds()).toEqual([]))
    expect([one.swarm.size, other.swarm.size]).toEqual([0, 0])
  })

  test('no more are let in than the limit says', async () => {
    const bootstrap = await privateNetwork()
    const one = await openPeer(bootstrap)
    one.swarm.configure({ maxConnections: 1 })
    const others = [await openPeer(bootstrap), await openPeer(bootstrap)] as const
    await others[0].call(one)
    await expectOne([one, others[0]])
    expect(others.map((it) => one.swarm.mayDial(it.publicKey))).toEqual([true, false])
    await others[1].call(one)
    await eventually(() => expect(others[1].kinds()).toEqual([]))
    expect([one.swarm.size, others[0].swarm.size]).toEqual([1, 1])
  })
})
