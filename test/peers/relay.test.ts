import { randomBytes } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import { Client } from 'blind-relay'
import HyperDHT, { type ConnectOptions } from 'hyperdht'
import type { Connection } from 'hyperswarm'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Address, Config } from '../../src/config/config.ts'
import { bindOperations } from '../../src/api/operations.ts'
import { discoveryKeyOf } from '../../src/log/keys.ts'
import { keyBytes, parseFeedKey } from '../../src/format/keys/feed-key.ts'
import { hex } from '../../src/hex.ts'
import { createLogger } from '../../src/logger.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type * as DhtModule from '../../src/peers/dht.ts'
import { ReannouncingDht } from '../../src/peers/dht.ts'
import { RelayServer, type RelayServerOptions } from '../../src/peers/relay/relay-server.ts'
import { configOf, openEngine } from '../helpers/engines.ts'
import { publish, type Peer } from '../helpers/peers.ts'
import { eventually, standing, subscribe, subscribeSoon } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

/** Machines behind routers that no punch gets through, by their data directories, and where they are. */
const routers = vi.hoisted(() => new Map<string, string>())

/** What arrived at each machine: hosts that packets came from, and the packets of the DHT in hex. */
const arrived = vi.hoisted(() => new Map<string, string[]>())

vi.mock('../../src/peers/dht.ts', async (original) => {
  const actual = await original<typeof DhtModule>()
  const openDht: typeof actual.openDht = (config) => {
    const { dataDir } = config as Config
    const host = routers.get(dataDir)
    if (host === undefined) return record(dataDir, actual.openDht(config))
    const { bootstrap = [], hideAddress = false } = config
    // The test that a node makes of itself would get through, for there is no router on loopback.
    const behind = { quickFirewall: false, ...(hideAddress && { ephemeral: true }) }
    return record(dataDir, new RoutedDht({ bootstrap, host, ...behind }))
  }
  class RoutedDht extends actual.ReannouncingDht {
    override connect(key: Uint8Array, options?: ConnectOptions): Connection {
      const closed = { localConnection: false, holepunch: () => false }
      return super.connect(key, options && { ...options, ...closed })
    }
    override createServer(options = {}, ...rest: never[]) {
      const closed = { holepunch: () => false, shareLocalAddress: false }
      return super.createServer({ ...options, ...closed }, ...rest)
    }
  }
  return { ...actual, openDht }
})

function record<T extends HyperDHT>(dataDir: string, dht: T): T {
  const log: string[] = []
  arrived.set(dataDir, log)
  const { udx } = dht as unknown as { udx: { createSocket: () => EventEmitter } }
  const createSocket = udx.createSocket.bind(udx)
  const near = routers.get(dataDir)
  const isLost = (host: string) =>
    near !== undefined && host !== near && [...routers.values()].includes(host)
  udx.createSocket = () => {
    const socket = createSocket()
    const emit = socket.emit.bind(socket)
    socket.emit = (name: string, ...rest: unknown[]) => {
      if (name !== 'message') return emit(name, ...rest)
      const [bytes, { host }] = rest as [Buffer, Address]
      if (isLost(host)) return true
      log.push(host, hex(bytes))
      return emit(name, ...rest)
    }
    return socket
  }
  const create = dht.createRawStream.bind(dht)
  dht.createRawStream = (options) => {
    const stream = create({
      ...options,
      firewall: (socket, port, host) => {
        if (isLost(host)) return true
        log.push(host)
        return options.firewall(socket, port, host)
      },
    })
    stream.on('connect', () => log.push(stream.remoteHost ?? ''))
    return stream
  }
  return dht
}

interface Device extends Peer {
  /** By which peers know it, in hex. */
  readonly key: string
  /** Devices through whose relays it is connected. */
  readonly through: () => readonly string[]
  readonly arrived: () => readonly string[]
}

async function open(
  bootstrap: readonly Address[],
  settings: Partial<Config> = {},
  host?: string,
): Promise<Device> {
  const dataDir = await temporaryDirectory()
  if (host !== undefined) routers.set(dataDir, host)
  const config = { ...configOf(dataDir, bootstrap), ...settings }
  const engine = await openEngine({ config })
  const { swarm } = await engine.network()
  return {
    engine,
    operations: bindOperations(engine, 'engine'),
    key: hex(swarm.publicKey),
    through: () => swarm.relaying.facts().through,
    arrived: () => arrived.get(dataDir) ?? [],
  }
}

/** One newsletter that the relay follows, too, and one with issues that it does not. */
async function author(bootstrap: readonly Address[], host: string) {
  const device = await open(bootstrap, {}, host)
  const create = (title: string) => device.operations.createNewsletter({ title })
  const shared = await create('Shared')
  const apart = await create('Apart')
  for (const number of [1, 2]) {
    await publish(device.operations, `# Issue ${number}\n\nHigh water.\n`, apart.feedKey)
  }
  await publish(device.operations, '# Hello\n\nLow water.\n', shared.feedKey)
  return { ...device, shared, apart }
}

async function expectIssues(device: Peer, feedKey: string, issues: number, timeoutMs: number) {
  await eventually(async () => {
    const { issues: its, heldBlocks, length } = await standing(device, feedKey)
    expect([its, heldBlocks]).toEqual([issues, length])
  }, timeoutMs)
}

function holds({ engine }: { readonly engine: Engine }, feedKey: string): boolean {
  return engine.library.list().some((it) => it.feedKey === feedKey)
}

test('a reader relays between two whom no punch connects, and holds nothing of it', async () => {
  const bootstrap = await privateNetwork()
  const relay = await open(bootstrap, { relayOffer: true })
  const { shared, apart, ...writer } = await author(bootstrap, '127.0.0.2')
  await subscribe(relay, shared.link)
  const reader = await open(bootstrap, {}, '127.0.0.3')
  await subscribe(reader, shared.link)
  await subscribeSoon(reader, apart.link)
  await expectIssues(reader, apart.feedKey, 2, 5_000)

  expect(reader.through()).toEqual([relay.key])
  expect(writer.through()).toEqual([relay.key])
  expect(holds(relay, apart.feedKey)).toBe(false)
  await eventually(async () => {
    const { relay: given, relayedPeers } = await relay.operations.status({})
    expect(relayedPeers).toBe(0)
    // Both may have dialed at the same moment.
    expect(given).toMatchObject({ offered: true, pairs: 1 })
    expect(given?.bytesToday).toBeGreaterThan(2_000)
  })
  expect((await reader.operations.status({})).relayedPeers).toBe(1)
  const { reasons } = await reader.operations.explainNewsletter({ newsletter: apart.feedKey })
  expect(reasons.map((it) => it.code)).toContain('relayed')
  const { checks } = await reader.operations.diagnose({})
  expect(checks.find((it) => it.name === 'relayed')?.message).toContain(relay.key.slice(0, 8))

  await relay.engine.close()
  await eventually(() => expect(reader.through()).toEqual([]))
})

test('who hides reads through a relay, and nothing of its address reaches the peer', async () => {
  const bootstrap = await privateNetwork()
  const relay = await open(bootstrap, { relayOffer: true })
  const { shared, apart, ...writer } = await author(bootstrap, '127.0.0.2')
  await subscribe(relay, shared.link)
  const hidden = await open(bootstrap, { hideAddress: true, relayUse: [relay.key] }, '127.0.0.77')
  await subscribe(hidden, shared.link)
  await subscribeSoon(hidden, apart.link)
  await expectIssues(hidden, apart.feedKey, 2, 10_000)

  expect(hidden.through()).toEqual([relay.key])
  const address = /127\.0\.0\.77|7f00004d/
  expect(writer.arrived().length).toBeGreaterThan(10)
  expect(writer.arrived().filter((it) => address.test(it))).toEqual([])
  expect(relay.arrived().some((it) => address.test(it))).toBe(true)
  expect(await announcers(bootstrap, apart.feedKey)).not.toContain(hidden.key)
  const { checks } = await hidden.operations.diagnose({})
  expect(checks.find((it) => it.name === 'hidden')?.state).toBe('ok')
})

/** A relay of its own, and what a peer of it does by hand. */
async function openRelay(options: Partial<RelayServerOptions> = {}) {
  const bootstrap = await privateNetwork()
  let nodes = 0
  const members = new Set<string>()
  const misdeeds: string[] = []
  const server = new RelayServer({
    dht: own(new ReannouncingDht({ bootstrap, host: '127.0.0.1', firewalled: false })),
    keyPair: HyperDHT.keyPair(),
    isMember: (key) => members.has(hex(key)),
    uploadLimit: () => undefined,
    onMisdeed: (_, what) => misdeeds.push(what),
    onChange: () => undefined,
    logger: createLogger('silent'),
    ...options,
  })
  onTestFinished(() => server.close())
  await server.listen()
  const key = Buffer.from(server.offer?.key ?? [])
  /** A node that the relay knows, or not. */
  const member = ({ isKnown = true } = {}) => {
    const host = `127.0.0.${10 + nodes++}`
    routers.set(host, host)
    const dht = record(host, node(bootstrap, host))
    if (isKnown) members.add(hex(dht.defaultKeyPair.publicKey))
    return dht
  }
  /** The near end of a connection through the relay, whose far end says everything back. */
  const pair = async (from: HyperDHT, to: HyperDHT): Promise<Connection> => {
    const closed = { holepunch: () => false }
    const echo = to.createServer({ ...closed, shareLocalAddress: false }, (it) => {
      it.on('error', () => undefined).on('data', (data: Uint8Array) => it.write(data))
    })
    const keyPair = HyperDHT.keyPair()
    await echo.listen(keyPair)
    const dial = { ...closed, localConnection: false, relayThrough: key }
    return from.connect(keyPair.publicKey, dial).on('error', () => undefined)
  }
  return { server, members, misdeeds, key, member, pair }
}

/** What a connection sends, and says back, or that it ends before. */
async function echoed(connection: Connection, bytes: number): Promise<number | 'ended'> {
  let received = 0
  return new Promise((resolve) => {
    connection.once('close', () => resolve('ended'))
    connection.on('data', (data: Uint8Array) => {
      received += data.byteLength
      if (received >= bytes) resolve(received)
    })
    for (let left = bytes; left > 0; left -= 50_000) {
      connection.write(Buffer.alloc(Math.min(left, 50_000), 7))
    }
  })
}

test('a relay serves members alone, so many pairs and bytes a day', async () => {
  let now = Date.UTC(2026, 0, 1)
  let uploadLimit: number | undefined
  const relay = await openRelay({
    uploadLimit: () => uploadLimit,
    maxBytesADay: 200_000,
    now: () => now,
  })
  const [one, other, stranger] = [relay.member(), relay.member(), relay.member({ isKnown: false })]
  const [first, strange] = await Promise.all([relay.pair(one, other), relay.pair(one, stranger)])
  let hasStrangerConnected = false
  strange.once('open', () => (hasStrangerConnected = true))
  expect(await echoed(first, 20_000)).toBe(20_000)
  expect(relay.server.facts().pairs).toBe(1)
  // A quarter of the upload limit, shared by the pairs that it is enough for; each has two sides.
  uploadLimit = 400_000
  expect(relay.server.offer?.bytesPerSecond).toBe(Math.floor(400_000 / 4 / 3 / 2))
  uploadLimit = 200_000
  expect(await echoed(await relay.pair(other, one), 10)).toBe('ended')
  expect(relay.server.facts().pairs).toBe(1)

  uploadLimit = undefined
  void echoed(first, 120_000)
  await eventually(() => {
    relay.server.count()
    expect(relay.server.offer).toBeUndefined()
  })
  expect(relay.server.facts().bytesToday).toBeGreaterThan(200_000)
  await eventually(() => expect(relay.server.facts().pairs).toBe(0))
  now += 86_400_000
  relay.server.count()
  expect(relay.server.offer).toBeDefined()
  expect(await echoed(await relay.pair(one, other), 10)).toBe(10)

  relay.members.clear()
  relay.server.count()
  now += 31_000
  relay.server.count()
  await eventually(() => expect(relay.server.facts().pairs).toBe(0))
  expect(hasStrangerConnected).toBe(false)
  strange.destroy()
  expect(relay.misdeeds).toEqual([])
})

test('a relay has 16 pairs at a time, and cuts off who sends more than its share', async () => {
  let uploadLimit: number | undefined
  const relay = await openRelay({ uploadLimit: () => uploadLimit })
  const pairsOf = (count: number, from = relay.member(), to = relay.member()) =>
    Promise.all(Array.from({ length: count }, () => relay.pair(from, to)))
  const [from, to] = [relay.member(), relay.member()]
  const [busy, ...others] = [...(await pairsOf(8, from, to)), ...(await pairsOf(8))]
  const all = [busy, ...others].flatMap((it) => it ?? [])
  expect(await Promise.all(all.map((it) => echoed(it, 10)))).toEqual(all.map(() => 10))
  expect(relay.server.facts().pairs).toBe(16)
  const late = await pairsOf(1)
  expect(await Promise.all(late.map((it) => echoed(it, 10)))).toEqual(['ended'])

  uploadLimit = 400_000
  if (busy) void echoed(busy, 8_000_000)
  await eventually(() => {
    relay.server.count()
    expect(relay.server.facts().pairs).toBe(15)
  })
  relay.server.count()
  // It owes what it sent, and nobody else does.
  expect(await Promise.all(others.map((it) => echoed(it, 10)))).toEqual(others.map(() => 10))
  uploadLimit = undefined
  const isServed = (it: HyperDHT) => relay.server.mayUse(it.defaultKeyPair.publicKey)
  expect(new Set([from, to].map(isServed))).toEqual(new Set([false, true]))
  expect(await Promise.all((await pairsOf(1)).map((it) => echoed(it, 10)))).toEqual([10])
  expect(relay.misdeeds).toEqual([])
})

test('a peer that floods a relay with tokens is hung up on', async () => {
  const relay = await openRelay()
  const dht = relay.member()
  const connection = dht.connect(relay.key).on('error', () => undefined)
  const client = Client.from(connection, { id: connection.publicKey })
  client.on('error', () => undefined)
  for (let i = 0; i < 1_000; i++) {
    const stream = dht.createRawStream({ firewall: () => true })
    onTestFinished(() => void stream.destroy())
    client
      .pair(true, randomBytes(32), stream)
      .on('error', () => undefined)
      .on('data', () => undefined)
  }
  await new Promise((resolve) => connection.once('close', resolve))
  expect(relay.misdeeds).toEqual(['peer asked a relay for several pairs at once'])
})

/** Public keys in hex of the devices that announce a newsletter. */
async function announcers(bootstrap: readonly Address[], feedKey: string): Promise<string[]> {
  const dht = node(bootstrap)
  const found: string[] = []
  const query = dht.lookup(discoveryKeyOf(keyBytes(parseFeedKey(feedKey))))
  query.on('data', ({ peers }) => found.push(...peers.map((it) => hex(it.publicKey))))
  await query.finished()
  return found
}

function node(bootstrap: readonly Address[], host = '127.0.0.1'): HyperDHT {
  return own(new HyperDHT({ bootstrap, host, quickFirewall: false }))
}

function own<T extends HyperDHT>(dht: T): T {
  onTestFinished(() => dht.destroy({ force: true }))
  return dht
}
