import HyperDHT from 'hyperdht'
import Hyperswarm, { type Connection, type PeerDiscoverySession } from 'hyperswarm'
import type { KeyPair } from 'hypercore-crypto'
import type { Address } from '../config/config.ts'
import { short, type Logger } from '../logger.ts'
import { staleDials } from './stale-dials.ts'

export interface SwarmOptions {
  /** Who this device is to its peers; unrelated to feed keys. */
  readonly keyPair: KeyPair
  readonly bootstrap: readonly Address[] | undefined
  readonly host: string | undefined
  /** UDP port to bind if it is free; the stack's own when absent. */
  readonly udpPort?: number | undefined
  readonly logger: Logger
  /** Called for each new connection, before anything is sent on it. */
  readonly onConnection: (connection: Connection) => void
}

/** Invalid blocks or requests after which a peer is cut off for the life of this process. */
const STRIKES_TO_BAN = 3

/** How long leaving the network may take before it is forced; unannouncing 1,000 topics takes 28 s. */
const LEAVE_DEADLINE_MS = 2_500

/** How long one topic may take; with no DHT in reach the stack takes 5 s. */
const LEAVE_TOPIC_MS = 1_000

/** How long the DHT may take to store or find a value. */
const MUTABLE_DEADLINE_MS = 10_000

/** How long tearing everything down may take. */
const FORCED_LEAVE_MS = 1_000

/**
 * Peers being dialled at a time. Who was killed or fell asleep stays announced for some 20 minutes, and a dial of it
 * takes 8 s to fail: with the stack's 3 a few of those hide everybody else.
 */
const MAX_DIALLING = 24

/** A peer that was dialled on somebody's word and does not answer by then is given up. */
const DIAL_DEADLINE_MS = 15_000

/** Peers being dialled on somebody's word at a time, over all topics. */
const MAX_DIALS = 64

/** Dials on one peer's word that are under way or came to nothing; nobody is believed beyond that. */
const MAX_OPEN_WORDS = 16

/** A dial that came to nothing is forgiven after this: honest tellers err too, one by one. */
const FORGIVE_MS = 10 * 60_000

/** With so many connections nobody is dialled on somebody's word: enough to be part of a mesh. */
const ENOUGH_CONNECTIONS = 48

/** Ed25519, 32 and 64 bytes. */
export interface MutableKeyPair {
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
}

interface Dial {
  readonly timer: NodeJS.Timeout
  /** Whose word it was, in hex. */
  readonly teller: string
}

/**
 * Discovery and connections: the only user of hyperswarm and hyperdht. Other parts ask it to join
 * topics; it knows nothing of newsletters.
 */
export class Swarm {
  readonly #swarm: Hyperswarm
  readonly #logger: Logger
  readonly #topics = new Map<string, PeerDiscoverySession>()
  readonly #strikes = new Map<string, number>()
  readonly #dials = new Map<string, Dial>()
  /** Teller → dials on its word that did not lead to a connection so far. */
  readonly #openWords = new Map<string, number>()

  constructor(options: SwarmOptions) {
    const { keyPair, bootstrap, host, udpPort, logger } = options
    const dht = new HyperDHT({
      ...(bootstrap === undefined ? {} : { bootstrap }),
      ...(host === undefined ? {} : { host }),
      ...(udpPort === undefined ? {} : { port: udpPort }),
      // No firewall stands between peers of one machine, and punching holes in none mostly fails.
      ...(host?.startsWith('127.') === true ? { firewalled: false } : {}),
    })
    this.#logger = logger
    const onCall = staleDials(dht)
    const firewall = (key: Uint8Array) => {
      onCall(hex(key))
      return false
    }
    this.#swarm = new Hyperswarm({ dht, keyPair, maxParallel: MAX_DIALLING, firewall })
    this.#swarm.on('connection', (connection) => {
      const peer = hex(connection.remotePublicKey)
      // A connection without an error listener would end the process when a peer resets it.
      connection.on('error', (err) =>
        logger.debug({ peer: short(peer), err: err.message }, 'connection lost'),
      )
      connection.on('close', () => logger.debug({ peer: short(peer) }, 'disconnected'))
      logger.debug({ peer: short(peer) }, 'connected')
      this.#keptWord(peer)
      options.onConnection(connection)
    })
  }

  /** Connections now. */
  get size(): number {
    return this.#swarm.connections.size
  }

  get publicKey(): Uint8Array {
    return this.#swarm.keyPair.publicKey
  }

  /** Announces and looks up a topic until `leave`. Does not wait. */
  join(topic: Uint8Array): void {
    if (this.#topics.has(hex(topic))) return
    this.#topics.set(hex(topic), this.#swarm.join(topic, { server: true, client: true }))
  }

  /** Looks the topic up once more, now. */
  refresh(topic: Uint8Array): void {
    this.#topics
      .get(hex(topic))
      ?.refresh({ server: true, client: true })
      .catch((error: unknown) => this.#logger.debug({ err: String(error) }, 'look-up failed'))
  }

  /** Unannounces a topic; if that takes long, it goes on by itself. */
  async leave(topic: Uint8Array): Promise<void> {
    if (!this.#topics.delete(hex(topic))) return
    await withinMs(LEAVE_TOPIC_MS, this.#swarm.leave(topic))
  }

  /**
   * Dials a peer on another one's word; gives up after a while. A liar costs a few dials in all.
   * @param teller public key of who told us, in hex.
   */
  dial(key: Uint8Array, teller: string): void {
    const peer = hex(key)
    const openWords = this.#openWords.get(teller) ?? 0
    if (openWords >= MAX_OPEN_WORDS || this.#dials.size >= MAX_DIALS) return
    if (this.size >= ENOUGH_CONNECTIONS || this.#dials.has(peer)) return
    if (this.#swarm.peers.get(peer)?.banned === true) return
    if (this.#isConnected(key) || Buffer.from(this.publicKey).equals(key)) return
    this.#openWords.set(teller, openWords + 1)
    const timer = setTimeout(() => {
      this.#endDial(peer)
      setTimeout(() => this.#closeWord(teller), FORGIVE_MS).unref()
    }, DIAL_DEADLINE_MS)
    this.#dials.set(peer, { timer, teller })
    this.#swarm.joinPeer(key)
  }

  /**
   * Counts a provable misdeed of a peer; the third ends its connection, and no new one is accepted.
   * @param hangUp also end the connection before that: there is nothing more to wait for from it.
   */
  strike(key: Uint8Array, what: string, { hangUp }: { readonly hangUp: boolean }): void {
    const peer = hex(key)
    const strikes = (this.#strikes.get(peer) ?? 0) + 1
    this.#strikes.set(peer, strikes)
    this.#logger.warn({ peer: short(peer), strikes }, what)
    if (strikes >= STRIKES_TO_BAN) this.ban(key)
    else if (hangUp) this.#hangUp(peer)
  }

  /** Ends the connection to a peer; no new one is accepted for the life of this process. */
  ban(key: Uint8Array): void {
    this.#swarm.peers.get(hex(key))?.ban(true)
    this.#hangUp(hex(key))
  }

  /** Ends all connections; those to peers that are still wanted come back within seconds. */
  reconnect(): void {
    for (const connection of this.#swarm.connections) connection.destroy()
  }

  /**
   * Puts a small value into the DHT under a public key. A later one has a higher `seq`.
   * @returns whether nodes took it in time.
   */
  async putMutable(keyPair: MutableKeyPair, value: Uint8Array, seq: number): Promise<boolean> {
    const { dht } = this.#swarm
    // The DHT keeps what it is given until it has sent it, and signs with buffers only.
    const pair = {
      publicKey: Buffer.from(keyPair.publicKey),
      secretKey: Buffer.from(keyPair.secretKey),
    }
    const put = dht.mutablePut(pair, Buffer.from(value), { seq }).then(
      ({ closestNodes }) => closestNodes.length > 0,
      (error: unknown) => {
        this.#logger.debug({ err: String(error) }, 'no node took a value')
        return false
      },
    )
    let isStored = false
    await withinMs(
      MUTABLE_DEADLINE_MS,
      put.then((done) => (isStored = done)),
    )
    return isStored
  }

  /** The newest value under a public key, if one is found in time; it is put again, so that it lasts. */
  async getMutable(publicKey: Uint8Array): Promise<Uint8Array | undefined> {
    const { dht } = this.#swarm
    const key = Buffer.from(publicKey)
    let found: Uint8Array | undefined
    const get = dht.mutableGet(key).then(
      (it) => (found = it?.value),
      (error: unknown) => this.#logger.debug({ err: String(error) }, 'no value found'),
    )
    await withinMs(MUTABLE_DEADLINE_MS, get)
    if (found !== undefined) dht.mutableGet(key, { refresh: () => true }).catch(() => undefined)
    return found
  }

  /** Leaves all topics and the DHT: cleanly if that is quick, else by force. */
  async close(): Promise<void> {
    for (const { timer } of this.#dials.values()) clearTimeout(timer)
    const left = this.#swarm.destroy().catch((error: unknown) => {
      this.#logger.debug({ err: String(error) }, 'leaving the network failed')
    })
    if (await withinMs(LEAVE_DEADLINE_MS, left)) return
    // Not the swarm by force: that waits for an announcement which may never get through.
    await withinMs(FORCED_LEAVE_MS, this.#swarm.dht.destroy({ force: true }))
  }

  #keptWord(peer: string): void {
    const teller = this.#dials.get(peer)?.teller
    if (teller === undefined) return
    this.#closeWord(teller)
    this.#endDial(peer)
  }

  #closeWord(teller: string): void {
    const openWords = (this.#openWords.get(teller) ?? 1) - 1
    if (openWords === 0) this.#openWords.delete(teller)
    else this.#openWords.set(teller, openWords)
  }

  // Once connected, or given up, the peer is an ordinary one: no endless redialling.
  #endDial(peer: string): void {
    clearTimeout(this.#dials.get(peer)?.timer)
    if (this.#dials.delete(peer)) this.#swarm.leavePeer(Buffer.from(peer, 'hex'))
  }

  #hangUp(peer: string): void {
    for (const connection of this.#swarm.connections) {
      if (hex(connection.remotePublicKey) === peer) connection.destroy()
    }
  }

  #isConnected(key: Uint8Array): boolean {
    return [...this.#swarm.connections].some((it) => it.remotePublicKey.equals(key))
  }
}

/** Waits for `work`, but no longer than `timeoutMs`. Gives whether it is done. */
async function withinMs(timeoutMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false)
  })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
