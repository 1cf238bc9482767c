import { randomBytes } from 'node:crypto'
import type { DnsPacket } from 'multicast-dns'
import { short, type Logger } from '../../logger.ts'
import { RateLimiter } from '../../rate-limiter.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import {
  announcementIn,
  announcementRecords,
  asksForService,
  farewellRecords,
  MAX_ENTRIES,
  announcementName,
  sharedTopics,
  type LocalAnnouncement,
  type SharedTopic,
} from './announcement.ts'
import { SALT_BYTES } from './blinding.ts'
import { isOnInterface, type NetworkInterface } from './links.ts'
import { Multicast } from './multicast.ts'

export interface LocalDiscoveryOptions {
  /** Who this device is to its peers. */
  readonly publicKey: Uint8Array
  /** UDP port where peers reach it; undefined until it is bound. */
  readonly port: () => number | undefined
  /** TCP port where they reach it too; undefined while there is none. */
  readonly tcpPort: () => number | undefined
  /** Address that is bound; all when absent. */
  readonly host: string | undefined
  readonly logger: Logger
  /** Somebody near says to have a newsletter too; nothing of it is proved. */
  readonly onPeer: (found: FoundPeer) => void
}

export interface FoundPeer {
  /** Discovery key of what we both have. */
  readonly topic: Uint8Array
  readonly publicKey: Buffer
  readonly address: { readonly host: string; readonly port: number }
  /** At the same host; undefined from who does not listen there. */
  readonly tcpPort: number | undefined
}

/** After something changed: multicasts get lost, above all on Wi-Fi. */
const SAY_AFTER_MS = [200, 1_200, 4_000]

/** And again and again, for who missed all that. */
const SAY_EVERY_MS = 60_000

/** An answer waits a little, so that all do not answer at once (RFC 6762, section 6). */
const ANSWER_MS = [20, 120] as const

/** Answers, however many ask. */
const LEAST_BETWEEN_ANSWERS_MS = 1_000

/** After this a device looks like another one to who does not share a newsletter with it. */
const NEW_DISGUISE_MS = 10 * 60_000

/** Packets of one announcement; who has more newsletters tells the others the next time. */
const MAX_PACKETS = 10

/** Announcements of one device that are looked into: each costs a hash for each of our newsletters. */
const HEARD = { perSecond: 4, burst: 40 }

/** Of all devices together, those that were not heard before: whoever lies about its address is many devices. */
const LOOKED_INTO = { perSecond: 5, burst: 100 }

/** Peers at one address that are told of: each costs an attempt to connect. */
const FOUND = { perSecond: 0.2, burst: 8 }

/** Announcements whose meaning is remembered: they are repeated each minute, and each costs many hashes. */
const MAX_REMEMBERED = 256

/** Devices that are told apart; who is forgotten begins anew. */
const MAX_SOURCES = 256

/**
 * Finds peers in the same local network by multicast DNS, without a DHT, and lets them find this device.
 * It only finds: whether a peer is who it says, and may have the newsletter, the connection proves.
 */
export class LocalDiscovery {
  readonly #options: LocalDiscoveryOptions
  readonly #multicast: Multicast
  readonly #topics = new Map<FeedKey, Uint8Array>()
  /** What each device near may still cost us, by its address. */
  readonly #sources = new Map<
    string,
    { readonly heard: RateLimiter; readonly found: RateLimiter }
  >()
  readonly #lookedInto = new RateLimiter(LOOKED_INTO)
  /** Announcement → what we have in common; of the newsletters that there are now. */
  readonly #remembered = new Map<string, readonly SharedTopic[]>()
  #timers: NodeJS.Timeout[] = []
  #answerTimer: NodeJS.Timeout | undefined
  #answeredAt = -Infinity
  #disguise = newDisguise()
  #next = 0

  constructor(options: LocalDiscoveryOptions) {
    this.#options = options
    this.#multicast = new Multicast({
      host: options.host,
      logger: options.logger,
      onQuery: (packet, from) => this.#onQuery(packet, from),
      onResponse: (packet, from) => this.#onResponse(packet, from),
      onEntered: () => this.#changed(),
    })
  }

  /** Tells others near of a newsletter, by its discovery key, and finds those who have it. */
  add(feedKey: FeedKey, topic: Uint8Array): void {
    if (this.#topics.has(feedKey)) return
    this.#topics.set(feedKey, topic)
    this.#remembered.clear()
    this.#changed()
  }

  delete(feedKey: FeedKey): void {
    this.#topics.delete(feedKey)
    this.#remembered.clear()
  }

  /** The networks of this device, as they were found last. */
  get links(): readonly NetworkInterface[] {
    return this.#multicast.links
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    clearTimeout(this.#answerTimer)
    this.#topics.clear()
    await this.#multicast.close(farewellRecords(this.#disguise.name))
  }

  // Newsletters that are added together are told together.
  #changed(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    const speak = () => {
      this.#multicast.ask()
      this.#say()
    }
    // Not asking: all answer, and so many devices would have many times as many answers.
    const again = setInterval(() => this.#say(), SAY_EVERY_MS * (1 + Math.random() / 4))
    this.#timers = [...SAY_AFTER_MS.map((afterMs) => setTimeout(speak, afterMs)), again]
    for (const timer of this.#timers) timer.unref()
  }

  #say(): void {
    const port = this.#options.port()
    const tcpPort = this.#options.tcpPort()
    if (port === undefined || this.#topics.size === 0) return
    const now = performance.now()
    if (now - this.#disguise.madeAt > NEW_DISGUISE_MS) this.#disguise = newDisguise()
    this.#answeredAt = now
    const { publicKey } = this.#options
    const { name, salt } = this.#disguise
    for (const topics of this.#someTopics()) {
      this.#multicast.say((address) =>
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

  #onQuery(packet: DnsPacket, from: string): void {
    if (this.#answerTimer !== undefined || !asksForService(packet)) return
    if (!isOnInterface(from, this.#multicast.links)) return
    const [least, most] = ANSWER_MS
    const waitMs = Math.max(
      least + Math.random() * (most - least),
      this.#answeredAt + LEAST_BETWEEN_ANSWERS_MS - performance.now(),
    )
    this.#answerTimer = setTimeout(() => {
      this.#answerTimer = undefined
      this.#say()
    }, waitMs)
    this.#answerTimer.unref()
  }

  #onResponse(packet: DnsPacket, from: string): void {
    const announcement = announcementIn(packet)
    if (announcement === undefined || announcement.salt.equals(this.#disguise.salt)) return
    if (!isOnInterface(from, this.#multicast.links) || !this.#source(from).heard.take()) return
    this.#meet(announcement, from)
  }

  #meet(announcement: LocalAnnouncement, from: string): void {
    const told = new Set<string>()
    const address = { host: from, port: announcement.port }
    for (const { topic, publicKey, tcpPort } of this.#shared(announcement)) {
      const peer = publicKey.toString('hex')
      if (!told.has(peer) && !this.#source(from).found.take()) return
      if (!told.has(peer)) this.#options.logger.debug({ peer: short(peer) }, 'found near')
      told.add(peer)
      this.#options.onPeer({ topic, publicKey, address, tcpPort })
    }
  }

  #shared(announcement: LocalAnnouncement): readonly SharedTopic[] {
    const name = announcementName(announcement)
    const known = this.#remembered.get(name)
    if (known !== undefined) return known
    if (!this.#lookedInto.take()) return []
    const shared = [...sharedTopics(announcement, this.#topics.values())]
    const [oldest] = this.#remembered.keys()
    if (oldest !== undefined && this.#remembered.size >= MAX_REMEMBERED) {
      this.#remembered.delete(oldest)
    }
    this.#remembered.set(name, shared)
    return shared
  }

  #source(address: string) {
    const known = this.#sources.get(address)
    if (known !== undefined) return known
    const [oldest] = this.#sources.keys()
    if (oldest !== undefined && this.#sources.size >= MAX_SOURCES) this.#sources.delete(oldest)
    const source = { heard: new RateLimiter(HEARD), found: new RateLimiter(FOUND) }
    this.#sources.set(address, source)
    return source
  }
}

// Nothing in it comes from what the device is.
function newDisguise() {
  return {
    name: randomBytes(8).toString('hex'),
    salt: randomBytes(SALT_BYTES),
    madeAt: performance.now(),
  }
}
