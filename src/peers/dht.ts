import HyperDHT from 'hyperdht'
import type { Address, ConnectOptions, Query, QueryOptions } from 'hyperdht'
import type { Connection } from 'hyperswarm'
import type { Config } from '../config/config.ts'
import { defined } from '../defined.ts'
import { codeOf, invalidInput } from '../errors.ts'
import { once } from 'node:events'
import { DialTracker } from './dials.ts'
import { GuardedDht } from './guarded-dht.ts'
import { withinMs } from '../async.ts'
import type { Logger } from '../logger.ts'

export type { ReannouncingDht as Dht }

/**
 * A node of the DHT, which bootstraps at once. A network that is given it closes it; otherwise the caller does, with
 * `destroy`.
 */
export function openDht(
  config: Pick<Config, 'bootstrap' | 'host' | 'udpPort'> & { readonly hideAddress?: boolean },
): ReannouncingDht {
  const { bootstrap, host, udpPort, hideAddress = false } = config
  const own = defined({ bootstrap, host, port: udpPort })
  // It would become a node that others are told of.
  if (hideAddress) return new ReannouncingDht({ ...own, ephemeral: true })
  return new ReannouncingDht({
    ...own,
    // No firewall stands between peers of one machine, and punching holes in none mostly fails.
    ...(host?.startsWith('127.') === true ? { firewalled: false } : {}),
  })
}

export interface BootstrapOptions {
  readonly host: string
  /** 1 to 65535; any free one when absent. */
  readonly port?: number | undefined
  readonly signal: AbortSignal
  readonly onReady: (address: Address) => void
}

/** Plain nodes beside the bootstrap node: announcements need a few nodes to live on. */
const EXTRA_NODES = 3

/**
 * Runs the DHT of a private network (an office, a test) until the signal: a bootstrap node that
 * others name with `--bootstrap`, and a few plain nodes on the same machine.
 * @throws INVALID_INPUT if the port is taken.
 */
export async function runBootstrapNode(options: BootstrapOptions): Promise<void> {
  const { host, port, signal, onReady } = options
  const first = await openBootstrapper(host, port)
  const nodes = [first]
  try {
    const address = { host, port: first.address()?.port ?? first.port }
    for (let i = 0; i < EXTRA_NODES; i++) {
      const node = new GuardedDht({
        bootstrap: [address],
        host,
        port: 0,
        ephemeral: false,
        firewalled: false,
      })
      nodes.push(node)
      await node.fullyBootstrapped()
    }
    onReady(address)
    if (!signal.aborted) await once(signal, 'abort')
  } finally {
    await Promise.all(nodes.map((node) => node.destroy({ force: true })))
  }
}

async function openBootstrapper(host: string, port: number | undefined): Promise<HyperDHT> {
  const node = new GuardedDht({
    bootstrap: [],
    host,
    port: port ?? 0,
    anyPort: port === undefined,
    ephemeral: false,
    firewalled: false,
  })
  try {
    await node.fullyBootstrapped()
    return node
  } catch (error) {
    // It fails with the same error once more.
    await node.destroy({ force: true }).catch(() => undefined)
    if (codeOf(error) !== 'EADDRINUSE') throw error
    throw invalidInput(`Port ${port} of ${host} is taken.`, {
      hint: 'Choose another with --port, or leave it out to take any free one.',
      cause: error,
    })
  }
}

/** Nodes that an announcement is renewed at, of the 20 nearest that it went to at first. */
const NODES_TO_RENEW = 4

/** How often it goes to all of the nearest again, in case that other nodes are nearer by now. */
const FULL_EVERY_MS = 2 * 3_600_000

/** Nodes that are pinged after an outage. */
const NODES_TO_PING = 6

/** With this many nodes known, a query needs no bootstrap node to begin with. */
const ENOUGH_NODES = 20

/** Ed25519; identifies a node or signs a value. */
export interface KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 64 bytes. */
  readonly secretKey: Uint8Array
}

export interface DialPaths {
  readonly dialPeer: (
    key: Uint8Array,
    options: ConnectOptions,
    straight: (options: ConnectOptions) => Connection,
  ) => Connection
  /** Dials a blind relay; one that is not to be used gives a connection that has failed. */
  readonly dialRelay: (
    key: Uint8Array,
    straight: (options: ConnectOptions) => Connection,
  ) => Connection
}

type Resolve = (this: HyperDHT) => AsyncIterable<Address>

/**
 * A DHT node that renews announcements at a few nodes only, the nearest ones, which every look-up of the topic
 * asks in any case. Nodes forget an announcement after 20 minutes and the swarm renews it
 * every 10 to 12, so with a thousand topics this is most of an idle daemon's traffic.
 */
export class ReannouncingDht extends GuardedDht {
  /** Topic in hex → when it was last announced to all of the nearest nodes. */
  readonly #fullAt = new Map<string, number>()
  /** Of this node. */
  readonly dials = new DialTracker()
  /** All peers are dialed straight where it is absent. */
  paths: DialPaths | undefined
  #isLost = false

  override announce(
    topic: Uint8Array,
    keyPair: KeyPair,
    relayAddresses?: readonly Address[],
    options: QueryOptions = {},
  ): Query {
    const name = Buffer.from(topic).toString('hex')
    const known = options.closestNodes ?? []
    const fullAt = this.#fullAt.get(name) ?? -Infinity
    const isDue = Date.now() - fullAt > FULL_EVERY_MS
    if (isDue || options.clear === true || known.length < NODES_TO_RENEW) {
      this.#fullAt.set(name, Date.now())
      return super.announce(topic, keyPair, relayAddresses, options)
    }
    const closestNodes = known.slice(0, NODES_TO_RENEW)
    const some = { ...options, closestNodes, onlyClosestNodes: true }
    const query = super.announce(topic, keyPair, relayAddresses, some)
    query.once('close', () => {
      // One of them is gone: the next time looks for others.
      if (query.successes < NODES_TO_RENEW) this.#fullAt.delete(name)
    })
    return query
  }

  override connect(key: Uint8Array, options?: ConnectOptions): Connection {
    const straight = (its: ConnectOptions) => super.connect(key, its)
    // The package itself dials relays without options, also those that a peer names.
    if (options === undefined) return this.paths?.dialRelay(key, straight) ?? straight({})
    const stream = this.paths?.dialPeer(key, options, straight) ?? straight(options)
    // It is not for a peer that must not be dialed now.
    if (!stream.destroying) this.dials.add(key, stream)
    return stream
  }

  override unannounce(topic: Uint8Array, keyPair: KeyPair, options?: QueryOptions): Promise<void> {
    this.#fullAt.delete(Buffer.from(topic).toString('hex'))
    return super.unannounce(topic, keyPair, options)
  }

  /** Pings some nodes; answers count in `answers`. */
  pingSome(): void {
    // Those that are known may be gone for good: bootstrap nodes are asked as well.
    this.#isLost = true
    const ping = (node: Address) => this.ping(node).catch(() => undefined)
    for (const node of this.toArray({ limit: NODES_TO_PING })) void ping(node)
    const askBootstrap = async () => {
      for await (const node of this._resolveBootstrapNodes()) void ping(node)
    }
    askBootstrap().catch(() => undefined)
  }

  /** Requests that were answered so far. */
  get answers(): number {
    return this.stats.requests.responses
  }

  /** After an outage, when there are answers again: lets peers find this node, and begins anew with all topics. */
  reannounce(): void {
    this.#isLost = false
    this.#fullAt.clear()
    this.dials.endAll()
    // What the package does when the addresses of the machine change.
    this.emit('network-change', [])
  }

  // Called by the package at the start, and by each query that begins with fewer than 20 nodes: it would
  // ask all bootstrap nodes whether they are there.
  async *_resolveBootstrapNodes(): AsyncIterable<Address> {
    if (!this.#isLost && this.toArray().length >= ENOUGH_NODES) return
    const { _resolveBootstrapNodes: resolve } = HyperDHT.prototype as unknown as {
      _resolveBootstrapNodes: Resolve
    }
    yield* resolve.call(this)
  }
}

const DEADLINE_MS = 10_000

/** What the DHT holds under a public key; its nodes keep the value of the highest `seq`. */
export interface DhtValue {
  readonly value: Uint8Array
  readonly seq: number
}

/** Small signed values in the DHT. */
export class DhtValues {
  readonly #dht: HyperDHT
  readonly #logger: Logger

  constructor(dht: HyperDHT, logger: Logger) {
    this.#dht = dht
    this.#logger = logger
  }

  /**
   * Puts a value under a public key. A later one has a higher `seq`.
   * @returns whether nodes took it in time.
   */
  async put(keyPair: KeyPair, value: Uint8Array, seq: number): Promise<boolean> {
    // The DHT keeps what it is given until it has sent it, and signs with buffers only.
    const pair = {
      publicKey: Buffer.from(keyPair.publicKey),
      secretKey: Buffer.from(keyPair.secretKey),
    }
    let isStored = false
    const put = this.#dht.mutablePut(pair, Buffer.from(value), { seq }).then(
      ({ closestNodes }) => (isStored = closestNodes.length > 0),
      (error: unknown) => this.#logger.debug({ err: String(error) }, 'no node took a value'),
    )
    await withinMs(DEADLINE_MS, put)
    return isStored
  }

  /** The newest value under a public key, if one is found in time; it is put again, so that it lasts. */
  async get(publicKey: Uint8Array): Promise<DhtValue | undefined> {
    const key = Buffer.from(publicKey)
    let found: DhtValue | undefined
    const get = this.#dht.mutableGet(key).then(
      (it) => (found = it ?? undefined),
      (error: unknown) => this.#logger.debug({ err: String(error) }, 'no value found'),
    )
    await withinMs(DEADLINE_MS, get)
    if (found !== undefined)
      this.#dht.mutableGet(key, { refresh: () => true }).catch(() => undefined)
    return found
  }
}
