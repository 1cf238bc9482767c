import type { Connection } from 'hyperswarm'
import Protomux from 'protomux'
import type { Address } from '../config/config.ts'
import { short, type Logger } from '../logger.ts'
import { Topics } from './topics.ts'
import { type Dht, type KeyPair, DhtValues } from './dht.ts'
import { Diagnosis } from './diagnosis.ts'
import { Bans, PeerBlocklist } from './bans.ts'
import { ConnectionSet, type ConnectionLimits } from './connection-set.ts'
import { IntroducedDials, KnownPeers } from './dials.ts'
import { OutageWatch } from './outage-watch.ts'
import { isOverTcp, PatchedHyperswarm, turnAway } from './patched-hyperswarm.ts'
import { Relaying, type RelaySettings } from './relay/relaying.ts'
import { hex } from '../hex.ts'

/** What is done about a peer by the messages that it sends. */
export interface PeerControls {
  /** It sent what no honest peer sends. `hangUp`: nothing more is read from this connection. */
  readonly onViolation: (what: string, options: { readonly hangUp: boolean }) => void
  /** Nothing is to be read from it for this long, in milliseconds. */
  readonly onExcess: (forMs: number) => void
}

export interface SwarmOptions extends ConnectionLimits, RelaySettings {
  /** Checks what arrives on a connection before anything else reads it. */
  readonly guard: (mux: Protomux, controls: PeerControls) => void
  /** Identifies this device to its peers; unrelated to feed keys. */
  readonly keyPair: KeyPair
  /** Closed with the swarm. */
  readonly dht: Dht
  /** Banned peers; kept in memory when absent. The swarm does not close it. */
  readonly bans?: Bans | undefined
  readonly logger: Logger
  /** Called for each new connection, before anything is sent on it. */
  readonly onConnection: (connection: Connection) => void
  /** Called when the network was away, or is another one, and is there now. */
  readonly onBack?: (() => void) | undefined
}

/**
 * Peers being dialed at a time. A peer that was killed or fell asleep stays announced for some 20 minutes, and a dial
 * of it takes 8 s to fail: with the stack's 3 a few of those hide all others.
 */
const MAX_DIALING = 24

/** With this many connections introduced peers are not dialed: enough to be part of a mesh. */
const ENOUGH_CONNECTIONS = 48

/**
 * Discovery and connections: the only user of hyperswarm. Other parts ask it to join topics; it knows
 * nothing of newsletters.
 */
export class Swarm {
  readonly #swarm: PatchedHyperswarm
  readonly #dht: Dht
  readonly #options: SwarmOptions
  readonly #logger: Logger
  readonly #bans: Bans
  /** Peers that the stack dials by default. */
  readonly #defaultMaxPeers: number
  readonly topics: Topics
  readonly diagnosis: Diagnosis
  readonly relaying: Relaying
  readonly dhtValues: DhtValues
  readonly #dials: IntroducedDials
  readonly #connections = new ConnectionSet()
  readonly #blocklist: PeerBlocklist
  readonly #known: KnownPeers
  readonly #outages: OutageWatch

  constructor(options: SwarmOptions) {
    const { keyPair, dht, logger } = options
    this.#options = options
    this.#logger = logger
    this.#bans = options.bans ?? Bans.inMemory(logger)
    this.#dht = dht
    this.#swarm = new PatchedHyperswarm({
      dht,
      keyPair,
      maxParallel: MAX_DIALING,
      firewall: (key) => {
        const peer = hex(key)
        if (this.#blocklist.has(peer)) return true
        dht.dials.endStale(peer)
        return false
      },
    })
    this.topics = new Topics(this.#swarm, logger, { isHidden: options.hideAddress === true })
    this.diagnosis = new Diagnosis(this.#swarm, dht.dials, this.#bans)
    this.dhtValues = new DhtValues(dht, logger)
    this.#blocklist = new PeerBlocklist(this.#swarm, this.#bans)
    this.relaying = new Relaying({
      ...options,
      swarm: this.#swarm,
      connections: this.#connections,
      onMisdeed: (peer, what) => this.strike(peer, what, { hangUp: false }),
    })
    this.#defaultMaxPeers = this.#swarm.maxPeers
    this.#limit(options)
    this.#swarm.on('connection', (connection) => this.#onConnection(connection))
    this.#dials = new IntroducedDials(this.#swarm)
    this.#known = new KnownPeers(this.#swarm)
    this.#outages = new OutageWatch({ dht, onBack: (why) => this.#onBack(why) })
  }

  get size(): number {
    return this.#connections.size
  }

  get publicKey(): Uint8Array {
    return this.#swarm.keyPair.publicKey
  }

  /** Topics that a connected peer was found by, when it was looked up from here. */
  topicsOf(key: Uint8Array): readonly Uint8Array[] {
    return this.#swarm.peers.get(hex(key))?.topics ?? []
  }

  /** Connects to a peer of a topic that was found without the DHT. Nothing of it is proved yet. */
  addPeer(topic: Uint8Array, publicKey: Uint8Array, address: Address): void {
    // The same that a look-up does, with regard to bans, limits and other paths to the peer. A peer that is
    // asked to relay a handshake to itself answers it; so it is its own relay.
    const key = Buffer.from(publicKey)
    this.#swarm._handlePeer({ publicKey: key, relayAddresses: [address] }, Buffer.from(topic))
  }

  /** Accepts a connection that was made without the DHT, as if the peer had dialed. */
  accept(connection: Connection): void {
    if (!this.#swarm.destroyed && !this.#swarm._handleFirewall(connection.remotePublicKey, null)) {
      this.#swarm._handleServerConnection(connection)
      return
    }
    turnAway(connection)
  }

  /**
   * Accepts a browser tab, whose key is proved. Bans and rates hold for it as for any peer; it does not count as one of
   * the connections, and nobody dials it or hears of it.
   * @param onConnection called before anything is sent on it.
   * @returns whether it is let in; the connection ends if not.
   */
  acceptTab(connection: Connection, onConnection: (connection: Connection) => void): boolean {
    const peer = hex(connection.remotePublicKey)
    const isPeer = this.#connections.has(peer) && !this.#connections.isTab(peer)
    if (this.#swarm.destroyed || this.#blocklist.has(peer) || isPeer) {
      turnAway(connection)
      return false
    }
    // A tab that is back before it was missed.
    this.#connections.hangUp(peer)
    this.#begin(connection, { isTab: true, onConnection, onClose: () => undefined })
    return true
  }

  isTab(key: Uint8Array): boolean {
    return this.#connections.isTab(hex(key))
  }

  /** How long, in milliseconds, to wait before so many bytes are sent to others than peers: the upload limit is for all. */
  reserveUpload(bytes: number): number {
    return this.#connections.reserveUpload(bytes)
  }

  /** Whether bans and the number of connections allow to dial a peer; one that is connected may be dialed. */
  mayDial(key: Uint8Array): boolean {
    const peer = hex(key)
    if (this.#blocklist.has(peer)) return false
    return this.#connections.has(peer) || this.size < this.#swarm.maxPeers
  }

  /** Whether a peer, named by its key in hex, is connected over TCP. */
  isConnectedOverTcp(peer: string): boolean {
    const connection = this.#connections.connectionTo(peer)
    return connection !== undefined && isOverTcp(connection)
  }

  /** UDP port that is bound; undefined before. */
  get localPort(): number | undefined {
    return this.#swarm.dht.localAddress()?.port
  }

  /**
   * Dials a peer that another one introduced; gives up after a while.
   * @param introducer its public key in hex. @param topic of which both are peers.
   */
  dial(key: Uint8Array, introducer: string, topic?: Uint8Array): void {
    const peer = hex(key)
    if (this.size >= Math.min(ENOUGH_CONNECTIONS, this.#connections.maxConnections)) return
    if (this.#blocklist.has(peer) || this.#connections.has(peer)) return
    if (Buffer.from(this.publicKey).equals(key)) return
    if (topic !== undefined) this.relaying.relays.introduced(peer, topic)
    this.#dials.begin(peer, introducer)
  }

  /**
   * Counts a provable misdeed of a peer; the third ends its connection, and no new one is accepted for a while.
   * @param hangUp also end the connection before that: there is nothing more to wait for from it.
   */
  strike(key: Uint8Array, what: string, { hangUp }: { readonly hangUp: boolean }): void {
    const peer = hex(key)
    // What was on its way when it was banned.
    if (this.#bans.isBanned(peer)) return
    const { strikes, bannedUntil } = this.#bans.strike(peer)
    const until = bannedUntil === undefined ? {} : { until: new Date(bannedUntil).toISOString() }
    this.#logger.warn({ peer: short(peer), strikes, ...until }, what)
    if (bannedUntil !== undefined) {
      this.#known.forget(peer)
      this.#blocklist.refuse(peer)
    }
    if (hangUp || bannedUntil !== undefined) this.#connections.hangUp(peer)
  }

  /** Ends the connection to a peer; no new one is accepted for the life of this process. */
  ban(key: Uint8Array): void {
    this.#blocklist.add(hex(key))
    this.#connections.hangUp(hex(key))
  }

  /** Ends all connections; those to peers that are still wanted come back within seconds. */
  reconnect(): void {
    this.#connections.hangUpAll()
  }

  /** Sets limits anew; connections begin again with them, within seconds. */
  configure(limits: ConnectionLimits): void {
    this.#limit(limits)
    this.reconnect()
  }

  /** Leaves all topics and the DHT: cleanly if that is quick, else by force. */
  async close(): Promise<void> {
    this.#dials.close()
    this.#known.close()
    this.#outages.close()
    this.#blocklist.close()
    await this.#swarm.goOffline(this.relaying, this.#logger)
  }

  #limit(limits: ConnectionLimits): void {
    this.#connections.limit(limits)
    this.#swarm.maxPeers = limits.maxConnections ?? this.#defaultMaxPeers
  }

  #onConnection(connection: Connection): void {
    const peer = hex(connection.remotePublicKey)
    // Not by the firewall of the swarm, which would never let this peer in again.
    const isFull = this.size >= this.#connections.maxConnections
    if (isFull && !this.#connections.endUnheard()) return turnAway(connection)
    const { onConnection } = this.#options
    const onClose = () => {
      this.#known.disconnected(peer)
      this.relaying.relays.disconnected(peer)
    }
    this.#begin(connection, { isTab: false, onConnection, onClose })
    this.relaying.attach(connection)
    this.#known.connected(peer)
    this.#dials.connected(peer)
  }

  #begin(
    connection: Connection,
    options: {
      readonly isTab: boolean
      readonly onConnection: (connection: Connection) => void
      readonly onClose: () => void
    },
  ): void {
    const { isTab, onConnection, onClose } = options
    const peer = hex(connection.remotePublicKey)
    const facts = { peer: short(peer), ...(isTab ? { isTab } : {}) }
    // A connection without an error listener would end the process when a peer resets it.
    connection.on('error', (err) => this.#logger.debug({ ...facts, err: err.message }, 'lost'))
    this.#logger.debug(facts, 'connected')
    this.#options.guard(Protomux.from(connection), {
      onViolation: (what, how) => this.strike(connection.remotePublicKey, what, how),
      onExcess: (forMs) => this.#connections.hold(peer, forMs),
    })
    onConnection(connection)
    const onFlood = () => this.strike(connection.remotePublicKey, 'peer floods', { hangUp: true })
    const rate = () => this.relaying.relays.rateOf(connection)
    this.#connections.add(peer, connection, { isTab, onFlood, onClose, rate })
    connection.on('close', () => this.#logger.debug(facts, 'disconnected'))
  }

  // The stack itself notices within some 17 s which connections are dead, and redials only then.
  #onBack(why: string): void {
    this.#logger.info({ why, peers: this.size }, 'the network is back')
    this.#dht.reannounce()
    this.#connections.probeAll()
    this.#known.dialAll()
    this.#options.onBack?.()
  }
}
