import { createHash } from 'node:crypto'
import type { DnsPacket, DnsRecords } from 'multicast-dns'
import { blindTopic, KEY_BYTES, PORT_BYTES, SALT_BYTES, TAG_BYTES } from './blinding.ts'

/** The service of RFC 6763 that is announced and looked for. */
export const SERVICE = '_hyperletter._udp.local'

/** As RFC 6762 advises for what depends on an address. */
const TTL_SECONDS = 120

const ENTRY_BYTES = TAG_BYTES + KEY_BYTES

/** A string of a TXT record has at most 255 bytes. */
const ENTRIES_PER_STRING = 6

/** Newsletters in one announcement: it stays below the 1,472 bytes that one frame of Ethernet carries. */
export const MAX_ENTRIES = 24

/** Nobody of ours sends longer TXT records. */
const MAX_STRINGS = 16

const VERSION = Buffer.from('v=1')
const SALT_NAME = Buffer.from('s=')
const ENTRIES_NAME = Buffer.from('t=')
const PORTS_NAME = Buffer.from('p=')

/** That a device can be reached, and of which newsletters, for who knows them. */
export interface LocalAnnouncement {
  /** UDP port at the address that it came from. */
  readonly port: number
  readonly salt: Buffer
  /** Tag and masked public key of each newsletter, one after the other. */
  readonly entries: Buffer
  /** For each of them the hidden TCP port; nothing from who has no such path. */
  readonly tcpPorts: Buffer
}

export interface AnnouncementOptions {
  /** A name that says nothing, different for each announcement that is repeated. */
  readonly name: string
  /** Where the device is in that network. */
  readonly address: string
  readonly port: number
  /** Where it listens besides; undefined if nowhere. */
  readonly tcpPort: number | undefined
  readonly publicKey: Uint8Array
  readonly salt: Buffer
  /** Discovery keys, at most `MAX_ENTRIES`. */
  readonly topics: readonly Uint8Array[]
}

interface UnknownRecord {
  readonly name: string
  readonly type: string
  readonly data?: unknown
}

/** The DNS-SD records of one announcement. */
export function announcementRecords(options: AnnouncementOptions): DnsRecords {
  const { name, address, port, tcpPort, publicKey, salt, topics } = options
  const instance = `${name}.${SERVICE}`
  const target = `${name}.local`
  const disguises = topics.map((topic) => blindTopic(topic, salt))
  const entries = disguises.map(({ tag, mask }) => Buffer.concat([tag, mask(publicKey)]))
  const tcpPorts = disguises.map(({ hidePort }) => hidePort(tcpPort))
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

/** Takes an announcement back. */
export function farewellRecords(name: string): DnsRecords {
  return { answers: [{ name: SERVICE, type: 'PTR', ttl: 0, data: `${name}.${SERVICE}` }] }
}

/** Whether a query asks for announcements. */
export function asksForService({ questions }: DnsPacket): boolean {
  return questions.some(
    ({ name, type }) => name.toLowerCase() === SERVICE && (type === 'PTR' || type === 'ANY'),
  )
}

/** The announcement in what anybody may have sent; undefined if there is no whole one. */
export function announcementIn({ answers, additionals }: DnsPacket): LocalAnnouncement | undefined {
  let port = 0
  let strings: readonly Buffer[] = []
  for (const { name, type, data } of [...answers, ...additionals] as readonly UnknownRecord[]) {
    if (!name.toLowerCase().endsWith(`.${SERVICE}`)) continue
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
  return { port, salt, entries, tcpPorts: isWhole ? tcpPorts : Buffer.alloc(0) }
}

/** A newsletter that a device near has too, by its discovery key, and who that device says it is. */
export interface SharedTopic {
  readonly topic: Uint8Array
  readonly publicKey: Buffer
  readonly tcpPort: number | undefined
}

/** Tells an announcement from others, but for when and where it came. */
export function announcementName({ salt, entries, tcpPorts }: LocalAnnouncement): string {
  return createHash('sha256').update(salt).update(entries).update(tcpPorts).digest('base64')
}

/** Of the newsletters that we have, those that the device has too, each with its public key. */
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
