import SecretStream from '@hyperswarm/secret-stream'
import type { ConnectOptions } from 'hyperdht'
import type { Connection } from 'hyperswarm'
import { codeOf } from '../../errors.ts'
import { hex } from '../../hex.ts'
import type { DialPaths, Dht } from '../dht.ts'
import type { PatchedHyperswarm } from '../patched-hyperswarm.ts'
import { dialHidden, type Forward } from './hidden-dial.ts'

/** What a device that relays says of it. */
export interface RelayOffer {
  /** Public key of its blind relay, 32 bytes. */
  readonly key: Uint8Array
  /** What each side of a pair may send; 0 for no limit. */
  readonly bytesPerSecond: number
}

export interface RelayOptions {
  /** Devices, by their public keys in hex, whose relays serve for all newsletters. */
  readonly use: readonly string[]
  /** No peer learns the address of this device, except those of `use`. */
  readonly isHidden: boolean
}

/** No way leads straight to a peer that a dial fails to with one of these. */
const NO_WAY = new Set([
  'HOLEPUNCH_ABORTED',
  'HOLEPUNCH_PROBE_TIMEOUT',
  'HOLEPUNCH_DOUBLE_RANDOMIZED_NATS',
  'CANNOT_HOLEPUNCH',
  'REMOTE_ABORTED',
  'REMOTE_NOT_HOLEPUNCHABLE',
  'REMOTE_NOT_HOLEPUNCHING',
  // Its address was found, and nothing comes from there.
  'ETIMEDOUT',
  // Of this device itself, for a peer that it may dial through a relay only.
  'NO_RELAY',
])

/** For how long a relay that did not lead to a peer is not tried again for that peer. */
const FORGIVE_MS = 10 * 60_000

/** How often a device of the user's own choice is dialed that is not connected; the swarm waits ten minutes. */
const REDIAL_MS = 15_000

/** Peers, and failures of relays, that are remembered. */
const MAX_REMEMBERED = 1_024

/** Connections to relays at a time; each relayed connection has one of its own. */
const MAX_RELAY_DIALS = 32

interface Relay {
  readonly device: string
  readonly key: Uint8Array
  readonly topics: ReadonlySet<string>
  /** The user chose it, for all newsletters. */
  readonly isOwn: boolean
}

interface Told {
  readonly offer: RelayOffer
  /** Topics in hex of the newsletters that the device tells it for. */
  readonly topics: Set<string>
}

/**
 * The relays that this device may use, and how it dials with them: those that connected peers offer for a newsletter of the
 * peer that is dialed, and those of the user's own choice. Peers are named by their public keys in hex.
 */
export class Relays implements DialPaths {
  readonly #swarm: PatchedHyperswarm
  readonly #dht: Dht
  readonly #use: ReadonlySet<string>
  readonly isHidden: boolean
  readonly #timer: NodeJS.Timeout | undefined
  readonly #told = new Map<string, Told>()
  /** Peers that cannot be reached straight, and the topics in hex that they were introduced for. */
  readonly #blocked = new Set<string>()
  readonly #introduced = new Map<string, string>()
  /** Names of a relay, or of a relay and a peer, and until when it is not used. */
  readonly #failed = new Map<string, number>()
  /** Connections to relays, and the devices that run these. */
  readonly #sockets = new Map<Connection, string>()
  /** Passes a handshake to a peer by way of a device that relays. */
  forward: Forward | undefined

  constructor(swarm: PatchedHyperswarm, dht: Dht, { use, isHidden }: RelayOptions) {
    this.#swarm = swarm
    this.#dht = dht
    this.#use = new Set(use)
    this.isHidden = isHidden
    if (use.length === 0) return
    for (const peer of use) swarm.joinPeer(Buffer.from(peer, 'hex'))
    this.#timer = setInterval(() => this.#use.forEach((it) => this.#dialNow(it)), REDIAL_MS).unref()
  }

  /** Whether there is a relay to use now. */
  get isReady(): boolean {
    return [...this.#usable()].length > 0
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** A connected peer offers its relay for a newsletter, or does not any more. */
  told(peer: string, topic: Uint8Array, offer: RelayOffer | undefined): void {
    const name = hex(topic)
    const before = this.#told.get(peer)
    if (offer === undefined) {
      before?.topics.delete(name)
      if (before?.topics.size === 0) this.#told.delete(peer)
      return
    }
    this.#told.set(peer, { offer, topics: (before?.topics ?? new Set()).add(name) })
    for (const it of this.#blocked) this.#redial(it)
  }

  /** A peer is no longer connected; its relay would refuse this device. */
  disconnected(peer: string): void {
    this.#told.delete(peer)
  }

  /** A peer of a topic is going to be dialed that no look-up found. */
  introduced(peer: string, topic: Uint8Array): void {
    if (this.#introduced.size >= MAX_REMEMBERED) this.#introduced.clear()
    this.#introduced.set(peer, hex(topic))
  }

  /** The device through whose relay a connection runs now; undefined where it runs straight. */
  relayOf({ rawStream, remotePublicKey }: Connection): string | undefined {
    const { remoteHost, remotePort } = rawStream
    if (remoteHost == null) return undefined
    for (const [socket, device] of this.#sockets) {
      const { rawStream: to } = socket
      // Null before it is open.
      const isSame = to?.remoteHost === remoteHost && to.remotePort === remotePort
      if (isSame && device !== hex(remotePublicKey)) return device
    }
    return undefined
  }

  /** What this device may send on a connection, in bytes a second; no limit where undefined. */
  rateOf(connection: Connection): number | undefined {
    const device = this.relayOf(connection)
    return (device && this.#told.get(device)?.offer.bytesPerSecond) || undefined
  }

  dialPeer(
    key: Uint8Array,
    options: ConnectOptions,
    straight: (options: ConnectOptions) => Connection,
  ): Connection {
    const peer = hex(key)
    const isStraight = this.#use.has(peer) || (!this.isHidden && !this.#blocked.has(peer))
    const relay = isStraight ? undefined : this.#relayFor(peer)
    const stream =
      this.isHidden && !isStraight
        ? this.#dialHidden(key, options, relay)
        : straight(relay === undefined ? options : { ...options, relayThrough: relay.key })
    this.#watch(peer, stream, relay)
    return stream
  }

  dialRelay(key: Uint8Array, straight: (options: ConnectOptions) => Connection): Connection {
    const name = hex(key)
    const relay = [...this.#usable()].find((it) => hex(it.key) === name)
    if (relay === undefined || this.#sockets.size >= MAX_RELAY_DIALS) {
      return this.#refused(key, 'RELAY_UNKNOWN')
    }
    const socket = straight({ keyPair: this.#swarm.keyPair })
    this.#sockets.set(socket, relay.device)
    let isOpen = false
    socket.once('open', () => (isOpen = true))
    socket.on('error', () => undefined)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      if (!isOpen) this.#note(name)
    })
    return socket
  }

  #dialHidden(key: Uint8Array, options: ConnectOptions, relay: Relay | undefined): Connection {
    const { forward } = this
    if (relay === undefined || forward === undefined) return this.#refused(key, 'NO_RELAY')
    return dialHidden(this.#dht, key, {
      keyPair: options.keyPair,
      relay: relay.key,
      forward: (noise) => forward(relay.device, key, noise),
    })
  }

  /** Relays of connected devices; with a hidden address those of the user's own choice only. */
  *#usable(): Iterable<Relay> {
    for (const [device, { offer, topics }] of this.#told) {
      const isOwn = this.#use.has(device)
      // Whoever names the key of a peer as that of a relay does not make this device dial that peer anew.
      if ((this.isHidden && !isOwn) || this.#swarm.peers.has(hex(offer.key))) continue
      yield { device, key: offer.key, topics, isOwn }
    }
  }

  #relayFor(peer: string): Relay | undefined {
    const found = (this.#swarm.peers.get(peer)?.topics ?? []).map(hex)
    const topics = [...found, this.#introduced.get(peer) ?? '']
    const relays = [...this.#usable()].filter(({ device, key, isOwn, topics: its }) => {
      const name = hex(key)
      if (device === peer || this.#hasFailed(name) || this.#hasFailed(name + peer)) return false
      return isOwn || topics.some((it) => its.has(it))
    })
    return relays[Math.floor(Math.random() * relays.length)]
  }

  /** Notes how a dial ends. */
  #watch(peer: string, stream: Connection, relay: Relay | undefined): void {
    let isOpen = false
    stream.once('open', () => (isOpen = true))
    stream.on('error', (error: Error) => {
      if (isOpen || (relay === undefined && !NO_WAY.has(codeOf(error) ?? ''))) return
      if (relay !== undefined) this.#note(hex(relay.key) + peer)
      if (this.#blocked.size >= MAX_REMEMBERED) this.#blocked.clear()
      this.#blocked.add(peer)
      // When the swarm has seen its end, too.
      setImmediate(() => this.#redial(peer))
    })
  }

  // By itself the swarm waits for seconds, or until the next look-up.
  #redial(peer: string): void {
    if (this.#relayFor(peer) !== undefined) this.#dialNow(peer)
  }

  #dialNow(peer: string): void {
    const info = this.#swarm.peers.get(peer)
    const isThere = this.#swarm._allConnections.get(Buffer.from(peer, 'hex')) !== undefined
    if (info === undefined || isThere) return
    info.attempts = 0
    this.#swarm._requeue([info])
  }

  #refused(key: Uint8Array, code: 'NO_RELAY' | 'RELAY_UNKNOWN'): Connection {
    const options = { keyPair: this.#swarm.keyPair, remotePublicKey: key, autoStart: false }
    const stream = new SecretStream(true, null, options)
    stream.on('error', () => undefined)
    stream.destroy(Object.assign(new Error('No relay leads there.'), { code }))
    return stream
  }

  #note(failure: string): void {
    if (this.#failed.size >= MAX_REMEMBERED) this.#failed.clear()
    this.#failed.set(failure, Date.now() + FORGIVE_MS)
  }

  #hasFailed(failure: string): boolean {
    return (this.#failed.get(failure) ?? 0) > Date.now()
  }
}
