import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { hex } from '../../hex.ts'
import { short, type Logger } from '../../logger.ts'
import { RateLimiter } from '../../rate-limiter.ts'
import {
  announcementDigest,
  announcementRecords,
  announcementsIn,
  asksForService,
  goodbyeRecords,
  goodbyesIn,
  MAX_ENTRIES,
  SALT_BYTES,
  sharedTopics,
  type DnsPacket,
  type LocalAnnouncement,
  type SharedTopic,
} from './announcement.ts'
import { Multicast, type NetworkInterface } from './multicast.ts'

export interface LocalDiscoveryOptions {
  readonly publicKey: Uint8Array
  /** UDP port where peers reach it; undefined until it is bound. */
  readonly port: () => number | undefined
  /** TCP port where they reach it too; undefined while there is none. */
  readonly tcpPort: () => number | undefined
  /** Address that is bound; all when absent. */
  readonly host: string | undefined
  readonly logger: Logger
  /** A device nearby claims to have a topic too; nothing of it is proved. */
  readonly onPeer: (found: FoundPeer) => void
  /** A device nearby, by its public key in hex, says that it leaves. */
  readonly onGoodbye: (peer: string) => void
}

export interface FoundPeer {
  /** What both devices have. */
  readonly topic: Uint8Array
  readonly publicKey: Buffer
  readonly address: { readonly host: string; readonly port: number }
  /** At the same host; undefined from a device that does not listen. */
  readonly tcpPort: number | undefined
}

/** After a change: multicasts get lost, above all on Wi-Fi. */
const ANNOUNCE_AFTER_MS = [200, 1_200, 4_000]

/** And regularly, for devices that missed those. */
const ANNOUNCE_EVERY_MS = 60_000

/** An answer waits a little, so that all do not answer at once (RFC 6762, section 6). */
const ANSWER_MS = [20, 120] as const

/** Answers, however many ask. */
const LEAST_BETWEEN_ANSWERS_MS = 1_000

/** After this a device looks like another one to those that share no topic with it. */
const NEW_IDENTITY_MS = 10 * 60_000

/** Packets of one announcement; topics beyond them come with the next one. */
const MAX_PACKETS = 10

/** Announcements of one device that are examined: each costs a hash for each of our topics. */
const ANNOUNCEMENTS = { perSecond: 4, burst: 40 }

/** Of all devices together, those that are new: one that lies about its address is many devices. */
const NEW_ANNOUNCEMENTS = { perSecond: 5, burst: 100 }

/** Peers found at one address: each costs an attempt to connect. */
const PEERS = { perSecond: 0.2, burst: 8 }

/** Announcements whose meaning is remembered: they are repeated each minute, and each costs many hashes. */
const MAX_REMEMBERED = 256

/** Devices with limits of their own; one that is forgotten begins anew. */
const MAX_SOURCES = 256

/**
 * Finds peers in the same local network by multicast DNS, without a DHT, and lets them find this device.
 * Whether a peer is who it claims to be, and may have a topic, the connection proves.
 */
export class LocalDiscovery {
  readonly #options: LocalDiscoveryOptions
  readonly #multicast: Multicast
  /** By topic in hex. */
  readonly #topics = new Map<string, Uint8Array>()
  /** What each device nearby may still cost us, by its address. */
  readonly #sources = new LRUCache<
    string,
    { readonly announcements: RateLimiter; readonly peers: RateLimiter }
  >({ max: MAX_SOURCES })
  readonly #newAnnouncements = new RateLimiter(NEW_ANNOUNCEMENTS)
  /** By digest of an announcement: the topics in common, of those that there are now. */
  readonly #remembered = new LRUCache<
    string,
    { readonly instance: string; readonly shared: readonly SharedTopic[] }
  >({ max: MAX_REMEMBERED })
  #timers: NodeJS.Timeout[] = []
  #answerTimer: NodeJS.Timeout | undefined
  #answeredAt = -Infinity
  #identity = newIdentity()
  #next = 0

  constructor(options: LocalDiscoveryOptions) {
    this.#options = options
    this.#multicast = new Multicast({
      host: options.host,
      logger: options.logger,
      onQuery: (packet) => this.#onQuery(packet),
      onResponse: (packet, from) => this.#onResponse(packet, from),
      onJoined: () => this.#changed(),
    })
  }

  /** Announces a topic, and finds devices nearby that have it. */
  add(topic: Uint8Array): void {
    if (this.#topics.has(hex(topic))) return
    this.#topics.set(hex(topic), topic)
    this.#remembered.clear()
    this.#changed()
  }

  delete(topic: Uint8Array): void {
    this.#topics.delete(hex(topic))
    this.#remembered.clear()
  }

  /** The networks of this device, as they were found last. */
  get interfaces(): readonly NetworkInterface[] {
    return this.#multicast.interfaces
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    clearTimeout(this.#answerTimer)
    this.#topics.clear()
    await this.#multicast.close(goodbyeRecords(this.#identity.name))
  }

  // Topics that are added together are announced together.
  #changed(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    const speak = () => {
      this.#multicast.query()
      this.#announce()
    }
    // Without a query: all devices answer one.
    const again = setInterval(() => this.#announce(), ANNOUNCE_EVERY_MS * (1 + Math.random() / 4))
    this.#timers = [...ANNOUNCE_AFTER_MS.map((afterMs) => setTimeout(speak, afterMs)), again]
    for (const timer of this.#timers) timer.unref()
  }

  #announce(): void {
    const port = this.#options.port()
    const tcpPort = this.#options.tcpPort()
    if (port === undefined || this.#topics.size === 0) return
    const now = performance.now()
    if (now - this.#identity.madeAt > NEW_IDENTITY_MS) this.#identity = newIdentity()
    this.#answeredAt = now
    const { publicKey } = this.#options
    const { name, salt } = this.#identity
    for (const topics of this.#someTopics()) {
      this.#multicast.respond((address) =>
        announcementRecords({ name, address, port, tcpPort, publicKey, salt, topics }),
      )
    }
  }

  // All of them, or as many as one announcement may have, going on where the last one ended.
  #someTopics(): Uint8Array[][] {
    const all = [...this.#topics.values()]
    const begin = this.#next % all.length
    const turned = [...all.slice(begin), ...all.slice(0, begin)].slice(0, MAX_ENTRIES * MAX_PACKETS)
    this.#next = begin + turned.length
    const packets: Uint8Array[][] = []
    for (let i = 0; i < turned.length; i += MAX_ENTRIES)
      packets.push(turned.slice(i, i + MAX_ENTRIES))
    return packets
  }

  #onQuery(packet: DnsPacket): void {
    if (this.#answerTimer !== undefined || !asksForService(packet)) return
    const [least, most] = ANSWER_MS
    const waitMs = Math.max(
      least + Math.random() * (most - least),
      this.#answeredAt + LEAST_BETWEEN_ANSWERS_MS - performance.now(),
    )
    this.#answerTimer = setTimeout(() => {
      this.#answerTimer = undefined
      this.#announce()
    }, waitMs).unref()
  }

  #onResponse(packet: DnsPacket, from: string): void {
    for (const instance of goodbyesIn(packet)) this.#onGoodbye(instance, from)
    for (const announcement of announcementsIn(packet)) {
      if (announcement.salt.equals(this.#identity.salt)) continue
      if (this.#source(from).announcements.take()) this.#onAnnouncement(announcement, from)
    }
  }

  #onAnnouncement(announcement: LocalAnnouncement, from: string): void {
    const found = new Set<string>()
    const address = { host: from, port: announcement.port }
    for (const { topic, publicKey, tcpPort } of this.#shared(announcement)) {
      const peer = hex(publicKey)
      if (!found.has(peer) && !this.#source(from).peers.take()) return
      if (!found.has(peer)) this.#options.logger.debug({ peer: short(peer) }, 'found nearby')
      found.add(peer)
      this.#options.onPeer({ topic, publicKey, address, tcpPort })
    }
  }

  // It is examined anew if it comes back.
  #onGoodbye(instance: string, from: string): void {
    if (!this.#source(from).announcements.take()) return
    for (const [digest, remembered] of this.#remembered.entries()) {
      if (remembered.instance !== instance) continue
      this.#remembered.delete(digest)
      const peers = new Set(remembered.shared.map(({ publicKey }) => hex(publicKey)))
      for (const peer of peers) this.#options.onGoodbye(peer)
    }
  }

  #shared(announcement: LocalAnnouncement): readonly SharedTopic[] {
    const digest = announcementDigest(announcement)
    const known = this.#remembered.get(digest)
    if (known !== undefined) return known.shared
    if (!this.#newAnnouncements.take()) return []
    const shared = [...sharedTopics(announcement, this.#topics.values())]
    this.#remembered.set(digest, { instance: announcement.instance, shared })
    return shared
  }

  #source(address: string) {
    const known = this.#sources.get(address)
    if (known !== undefined) return known
    const source = { announcements: new RateLimiter(ANNOUNCEMENTS), peers: new RateLimiter(PEERS) }
    this.#sources.set(address, source)
    return source
  }
}

// Nothing in it derives from the device.
function newIdentity() {
  return {
    name: randomBytes(8).toString('hex'),
    salt: randomBytes(SALT_BYTES),
    madeAt: performance.now(),
  }
}
