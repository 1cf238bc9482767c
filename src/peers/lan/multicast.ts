import { createSocket, type Socket } from 'node:dgram'
import { BlockList } from 'node:net'
import { networkInterfaces } from 'node:os'
import type multicastDns from 'multicast-dns'
import { codeOf } from '../../errors.ts'
import type { Logger } from '../../logger.ts'
import { RateLimiter } from '../../rate-limiter.ts'
import { SERVICE, type DnsPacket, type DnsRecords } from './announcement.ts'

export interface MulticastOptions {
  /** Only the network of this address; all when absent. */
  readonly host?: string | undefined
  readonly logger: Logger
  readonly onQuery: (packet: DnsPacket) => void
  readonly onResponse: (packet: DnsPacket, from: string) => void
  /** This device has joined a network that it was not in before. */
  readonly onJoined: () => void
}

/** Networks come and go without an event. */
const CHECK_EVERY_MS = 5_000

/** How long sending a goodbye may take. */
const GOODBYE_MS = 200

/** Packets of the service that are parsed, of all devices together. */
const PACKETS = { perSecond: 100, burst: 200 }

type OpenSocket = typeof multicastDns

/** Multicast DNS in every network of this device, by a socket each: one socket sends to one network only. */
export class Multicast {
  readonly #options: MulticastOptions
  readonly #sockets = new Map<string, multicastDns.MulticastDNS>()
  readonly #logged = new Set<string>()
  readonly #packets = new RateLimiter(PACKETS)
  #timer: NodeJS.Timeout | undefined
  #interfaces: readonly NetworkInterface[] = []
  #isClosed = false

  constructor(options: MulticastOptions) {
    this.#options = options
    // Loaded only where it is used: it takes as long as a short command.
    import('multicast-dns').then(
      ({ default: open }) => this.#open(open),
      (error: unknown) => options.logger.error({ err: error }, 'local discovery'),
    )
  }

  get interfaces(): readonly NetworkInterface[] {
    return this.#interfaces
  }

  /** Asks for announcements. */
  query(): void {
    for (const socket of this.#sockets.values()) {
      socket.query({ questions: [{ name: SERVICE, type: 'PTR' }] }, this.#sent)
    }
  }

  /** Sends to each network what `recordsFor` gives for the address there. */
  respond(recordsFor: (address: string) => DnsRecords): void {
    for (const [address, socket] of this.#sockets) socket.respond(recordsFor(address), this.#sent)
  }

  async close(goodbye: DnsRecords): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    const sockets = [...this.#sockets.values()]
    this.#sockets.clear()
    await Promise.all(sockets.map((socket) => leave(socket, goodbye)))
  }

  #open(open: OpenSocket): void {
    if (this.#isClosed) return
    this.#timer = setInterval(() => this.#update(open), CHECK_EVERY_MS).unref()
    this.#update(open)
  }

  #update(open: OpenSocket): void {
    this.#interfaces = localInterfaces(this.#options.host)
    const addresses = new Set(this.#interfaces.map((it) => it.address))
    for (const [address, socket] of this.#sockets) {
      if (addresses.has(address)) continue
      this.#sockets.delete(address)
      socket.destroy()
    }
    for (const address of addresses) if (!this.#sockets.has(address)) this.#join(address, open)
  }

  #join(address: string, open: OpenSocket): void {
    const { onQuery, onResponse, onJoined } = this.#options
    const udp = createSocket({ type: 'udp4', reuseAddr: true })
    const socket = open({ interface: address, bind: '0.0.0.0', socket: udp })
    this.#guard(udp)
    this.#sockets.set(address, socket)
    socket.on('query', onQuery)
    socket.on('response', (packet, from) => onResponse(packet, from.address))
    socket.on('warning', (error) => this.#logOnce(error))
    socket.on('error', (error) => this.#logOnce(error))
    socket.on('ready', () => {
      if (this.#sockets.get(address) === socket) onJoined()
    })
  }

  // The package parses whatever arrives, from wherever, in the order of its listeners.
  #guard(udp: Socket): void {
    const readers = udp.listeners('message')
    udp.removeAllListeners('message')
    udp.on('message', (packet, from) => {
      if (!isWorthParsing(packet) || !isOnInterface(from.address, this.#interfaces)) return
      if (this.#packets.take()) for (const read of readers) read.call(udp, packet, from)
    })
  }

  readonly #sent = (error?: Error | null): void => {
    if (error) this.#logOnce(error)
  }

  // A network without multicast fails for ever, and anybody may send garbage: each is logged once.
  #logOnce(error: Error): void {
    const what = codeOf(error) ?? 'packet'
    if (this.#logged.has(what)) return
    this.#logged.add(what)
    this.#options.logger.debug({ err: error.message }, 'local discovery')
  }
}

/** What one frame of Ethernet carries: no announcement is longer. */
const MAX_PACKET_BYTES = 1_472

/** Of all sections together. Names may point to each other, so that each of few bytes may take long to parse. */
const MAX_RECORDS = 64

/** Where the counts of the four sections are, and the end of the header (RFC 1035, section 4.1.1). */
const COUNTS_AT = [4, 6, 8, 10]
const HEADER_BYTES = 12

const [LABEL = ''] = SERVICE.split('.')

/** Whether a packet that anybody may have sent names the service, and takes little to parse. */
export function isWorthParsing(packet: Buffer): boolean {
  if (packet.byteLength < HEADER_BYTES || packet.byteLength > MAX_PACKET_BYTES) return false
  const records = COUNTS_AT.reduce((sum, at) => sum + packet.readUInt16BE(at), 0)
  return records <= MAX_RECORDS && packet.toString('latin1').toLowerCase().includes(LABEL)
}

function leave(socket: multicastDns.MulticastDNS, goodbye: DnsRecords): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, GOODBYE_MS)
    function end() {
      clearTimeout(timer)
      socket.destroy(resolve)
    }
    socket.respond(goodbye, end)
  })
}

export interface NetworkInterface {
  readonly address: string
  /** Address and length of the prefix, as in 192.168.1.7/24. */
  readonly cidr: string
}

/** More are rather bridges of containers than networks with people. */
const MAX_INTERFACES = 16

/**
 * The networks of this device where others may be, IPv4 only, as the DHT is.
 * @param host the address that is bound to; any when absent.
 */
export function localInterfaces(host?: string): readonly NetworkInterface[] {
  const isAny = host === undefined || host === '0.0.0.0'
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .flatMap(({ family, internal, address, cidr }) =>
      family === 'IPv4' && !internal && cidr !== null && (isAny || address === host)
        ? [{ address, cidr }]
        : [],
    )
    .slice(0, MAX_INTERFACES)
}

/** Whether an address is in one of these networks: nothing from farther away counts (RFC 6762, section 11). */
export function isOnInterface(address: string, interfaces: readonly NetworkInterface[]): boolean {
  const near = new BlockList()
  for (const { cidr } of interfaces) {
    const [net = '', prefix] = cidr.split('/')
    near.addSubnet(net, Number(prefix), 'ipv4')
  }
  return near.check(address, 'ipv4')
}
