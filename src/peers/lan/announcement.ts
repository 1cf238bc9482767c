import { createHash, createHmac } from 'node:crypto'
import type { Answer, Question } from 'dns-packet'

/** The service of RFC 6763 that is announced and looked for. */
export const SERVICE = '_hyperletter._udp.local'

/** As RFC 6762 advises for what depends on an address. */
const TTL_SECONDS = 120

/** Separates what is derived here from all else that is derived from a discovery key. */
const CONTEXT = 'hyperletter/local/1'

export const SALT_BYTES = 16
const TAG_BYTES = 8
const KEY_BYTES = 32
const PORT_BYTES = 2

/** Stands for no TCP port. */
const NO_PORT = 0

const ENTRY_BYTES = TAG_BYTES + KEY_BYTES

/** A string of a TXT record has at most 255 bytes. */
const ENTRIES_PER_STRING = 6

/** Topics in one announcement: it stays below the 1,472 bytes that one frame of Ethernet carries. */
export const MAX_ENTRIES = 24

/** No implementation sends longer TXT records. */
const MAX_STRINGS = 16

/** Announcements in one packet that are looked at; ours have one. */
const MAX_INSTANCES = 16

const VERSION = Buffer.from('v=1')
const SALT_NAME = Buffer.from('s=')
const ENTRIES_NAME = Buffer.from('t=')
const PORTS_NAME = Buffer.from('p=')

export interface DnsRecords {
  readonly answers: Answer[]
  readonly additionals?: Answer[]
}

/** A packet that was received; its records may be anything. */
export interface DnsPacket {
  readonly questions?: Question[] | undefined
  readonly answers?: Answer[] | undefined
  readonly additionals?: Answer[] | undefined
}

/** That a device can be reached, and which topics it has, for a device that knows them. */
export interface LocalAnnouncement {
  /** Name of the service instance, in lower case. */
  readonly instance: string
  /** UDP port at the address that it came from. */
  readonly port: number
  readonly salt: Buffer
  /** Tag and masked public key of each topic, one after the other. */
  readonly entries: Buffer
  /** For each of them the hidden TCP port; empty from a device that does not listen. */
  readonly tcpPorts: Buffer
}

export interface AnnouncementOptions {
  /** A random name. */
  readonly name: string
  /** Address of the device in that network. */
  readonly address: string
  readonly port: number
  /** Undefined if it does not listen. */
  readonly tcpPort: number | undefined
  readonly publicKey: Uint8Array
  readonly salt: Buffer
  /** Discovery keys, at most `MAX_ENTRIES`. */
  readonly topics: readonly Uint8Array[]
}

interface UnknownRecord {
  readonly name: string
  readonly type: string
  readonly ttl?: number
  readonly data?: unknown
}

export function announcementRecords(options: AnnouncementOptions): DnsRecords {
  const { name, address, port, tcpPort, publicKey, salt, topics } = options
  const instance = `${name}.${SERVICE}`
  const target = `${name}.local`
  const blinded = topics.map((topic) => blindTopic(topic, salt))
  const entries = blinded.map(({ tag, mask }) => Buffer.concat([tag, mask(publicKey)]))
  const tcpPorts = blinded.map(({ hidePort }) => hidePort(tcpPort))
  const txt = [VERSION, Buffer.concat([SALT_NAME, salt])]
  for (let i = 0; i < entries.length; i += ENTRIES_PER_STRING) {
    txt.push(Buffer.concat([ENTRIES_NAME, ...entries.slice(i, i + ENTRIES_PER_STRING)]))
  }
  if (tcpPort !== undefined) txt.push(Buffer.concat([PORTS_NAME, ...tcpPorts]))
  const ttl = TTL_SECONDS
  return {
    answers: [{ name: SERVICE, type: 'PTR', ttl, data: instance }],
    additionals: [
      { name: instance, type: 'SRV', ttl, data: { port, target } },
      { name: instance, type: 'TXT', ttl, data: txt },
      { name: target, type: 'A', ttl, data: address },
    ],
  }
}

/** Withdraws an announcement (RFC 6762, section 10.1). */
export function goodbyeRecords(name: string): DnsRecords {
  return { answers: [{ name: SERVICE, type: 'PTR', ttl: 0, data: `${name}.${SERVICE}` }] }
}

export function asksForService({ questions = [] }: DnsPacket): boolean {
  return questions.some(
    ({ name, type }) =>
      name.toLowerCase() === SERVICE && (type === 'PTR' || (type as string) === 'ANY'),
  )
}

/** The announcements in what anybody may have sent. Records that belong together name the same instance. */
export function announcementsIn({
  answers = [],
  additionals = [],
}: DnsPacket): LocalAnnouncement[] {
  const records = [...answers, ...additionals] as readonly UnknownRecord[]
  const alive = records.filter((it) => it.ttl !== 0)
  return instancesIn(alive).flatMap((instance) => announcementOf(instance, alive) ?? [])
}

/** Instances that a packet withdraws. */
export function goodbyesIn({ answers = [] }: DnsPacket): string[] {
  return instancesIn((answers as readonly UnknownRecord[]).filter((it) => it.ttl === 0))
}

function instancesIn(records: readonly UnknownRecord[]): string[] {
  const names = records.flatMap(({ name, type, data }) =>
    type === 'PTR' && name.toLowerCase() === SERVICE && typeof data === 'string' ? data : [],
  )
  return [...new Set(names.map((it) => it.toLowerCase()))].slice(0, MAX_INSTANCES)
}

function announcementOf(
  instance: string,
  records: readonly UnknownRecord[],
): LocalAnnouncement | undefined {
  let port = 0
  let strings: readonly Buffer[] = []
  for (const { name, type, data } of records) {
    if (name.toLowerCase() !== instance) continue
    if (type === 'SRV') port = Number((data as { port?: unknown } | undefined)?.port)
    if (type === 'TXT' && Array.isArray(data)) strings = data.filter((it) => Buffer.isBuffer(it))
  }
  const [salt] = valuesOf(strings, SALT_NAME)
  const entries = Buffer.concat(valuesOf(strings, ENTRIES_NAME))
  if (!strings.some((it) => it.equals(VERSION)) || strings.length > MAX_STRINGS) return undefined
  if (!(Number.isInteger(port) && port > 0 && port < 65_536)) return undefined
  if (salt?.byteLength !== SALT_BYTES || entries.byteLength % ENTRY_BYTES !== 0) return undefined
  if (entries.byteLength > MAX_ENTRIES * ENTRY_BYTES) return undefined
  const tcpPorts = Buffer.concat(valuesOf(strings, PORTS_NAME))
  const isWhole = tcpPorts.byteLength / PORT_BYTES === entries.byteLength / ENTRY_BYTES
  return { instance, port, salt, entries, tcpPorts: isWhole ? tcpPorts : Buffer.alloc(0) }
}

/** A topic that a device nearby has too, and the public key that it claims. */
export interface SharedTopic {
  readonly topic: Uint8Array
  readonly publicKey: Buffer
  readonly tcpPort: number | undefined
}

export function announcementDigest({ salt, entries, tcpPorts }: LocalAnnouncement): string {
  return createHash('sha256').update(salt).update(entries).update(tcpPorts).digest('base64')
}

/** Those of our topics that the device has too, each with its public key. */
export function* sharedTopics(
  { salt, entries, tcpPorts }: LocalAnnouncement,
  topics: Iterable<Uint8Array>,
): Generator<SharedTopic> {
  const masked = new Map<string, { readonly key: Buffer; readonly port: Buffer }>()
  for (let i = 0; i < entries.byteLength / ENTRY_BYTES; i++) {
    const at = i * ENTRY_BYTES
    const tag = entries.toString('hex', at, at + TAG_BYTES)
    masked.set(tag, {
      key: entries.subarray(at + TAG_BYTES, at + ENTRY_BYTES),
      port: tcpPorts.subarray(i * PORT_BYTES, (i + 1) * PORT_BYTES),
    })
  }
  for (const topic of topics) {
    const { tag, mask, showPort } = blindTopic(topic, salt)
    const found = masked.get(tag.toString('hex'))
    if (found === undefined) continue
    const tcpPort = found.port.byteLength === 0 ? undefined : showPort(found.port)
    yield { topic, publicKey: mask(found.key), tcpPort }
  }
}

function valuesOf(strings: readonly Buffer[], name: Buffer): Buffer[] {
  return strings
    .filter((it) => it.subarray(0, name.byteLength).equals(name))
    .map((it) => it.subarray(name.byteLength))
}

/** What one topic looks like in an announcement with a certain salt. */
export interface BlindedTopic {
  /** Recognized only by a device that knows the topic. */
  readonly tag: Buffer
  /** Takes a public key there and back. */
  readonly mask: (key: Uint8Array) => Buffer
  /** Hides a TCP port, or that there is none. */
  readonly hidePort: (port: number | undefined) => Buffer
  /** The port that `hidePort` hid. */
  readonly showPort: (hidden: Uint8Array) => number | undefined
}

/**
 * Everybody in a café receives announcements. With a salt that changes, a device that does not know a topic learns
 * neither which topics another one has, nor its public key, by which it could be recognized elsewhere. One that knows
 * the topic learns both, as in the DHT.
 */
export function blindTopic(topic: Uint8Array, salt: Uint8Array): BlindedTopic {
  const hash = createHmac('sha512', topic).update(CONTEXT).update(salt).digest()
  const pad = hash.subarray(KEY_BYTES)
  const portPad = hash.subarray(TAG_BYTES, TAG_BYTES + PORT_BYTES)
  return {
    tag: hash.subarray(0, TAG_BYTES),
    mask: (key) => xor(key, pad),
    hidePort: (port = NO_PORT) => xor(Uint8Array.of(port >> 8, port & 255), portPad),
    showPort: (hidden) => xor(hidden, portPad).readUInt16BE() || undefined,
  }
}

function xor(bytes: Uint8Array, pad: Uint8Array): Buffer {
  return Buffer.from(bytes).map((byte, i) => byte ^ (pad[i] ?? 0)) as Buffer
}
