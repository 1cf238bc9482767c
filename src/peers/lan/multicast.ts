import type multicastDns from 'multicast-dns'
import type { DnsPacket, DnsRecords, MulticastDns } from 'multicast-dns'
import { codeOf } from '../../errors.ts'
import type { Logger } from '../../logger.ts'
import { SERVICE } from './announcement.ts'
import { localInterfaces, type NetworkInterface } from './links.ts'

export interface MulticastOptions {
  /** Only the network of this address; all when absent. */
  readonly host?: string | undefined
  readonly logger: Logger
  readonly onQuery: (packet: DnsPacket, from: string) => void
  readonly onResponse: (packet: DnsPacket, from: string) => void
  /** This device is in a network that it was not in before. */
  readonly onEntered: () => void
}

/** Networks come and go; no event tells of it. */
const LOOK_EVERY_MS = 5_000

/** Saying goodbye must not keep anybody. */
const FAREWELL_MS = 200

type OpenSocket = typeof multicastDns

/** Multicast DNS in every network of this device, by a socket each: one socket sends to one network only. */
export class Multicast {
  readonly #options: MulticastOptions
  readonly #sockets = new Map<string, MulticastDns>()
  readonly #complaints = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #links: readonly NetworkInterface[] = []
  #isClosed = false

  constructor(options: MulticastOptions) {
    this.#options = options
    // Loaded only by who uses it: it takes as long as a short command.
    import('multicast-dns').then(
      ({ default: open }) => this.#open(open),
      (error: unknown) => options.logger.error({ err: error }, 'local discovery'),
    )
  }

  get links(): readonly NetworkInterface[] {
    return this.#links
  }

  /** Asks who is there. */
  ask(): void {
    for (const socket of this.#sockets.values()) {
      socket.query({ questions: [{ name: SERVICE, type: 'PTR' }] }, this.#sent)
    }
  }

  /** Says in each network what `recordsFor` gives for the address there. */
  say(recordsFor: (address: string) => DnsRecords): void {
    for (const [address, socket] of this.#sockets) socket.respond(recordsFor(address), this.#sent)
  }

  async close(farewell: DnsRecords): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    const sockets = [...this.#sockets.values()]
    this.#sockets.clear()
    await Promise.all(sockets.map((socket) => leave(socket, farewell)))
  }

  #open(open: OpenSocket): void {
    if (this.#isClosed) return
    this.#timer = setInterval(() => this.#look(open), LOOK_EVERY_MS)
    this.#timer.unref()
    this.#look(open)
  }

  #look(open: OpenSocket): void {
    this.#links = localInterfaces(this.#options.host)
    const addresses = new Set(this.#links.map((it) => it.address))
    for (const [address, socket] of this.#sockets) {
      if (addresses.has(address)) continue
      this.#sockets.delete(address)
      socket.destroy()
    }
    for (const address of addresses) if (!this.#sockets.has(address)) this.#enter(address, open)
  }

  #enter(address: string, open: OpenSocket): void {
    const { onQuery, onResponse, onEntered } = this.#options
    const socket = open({ interface: address, bind: '0.0.0.0' })
    this.#sockets.set(address, socket)
    socket.on('query', (packet, from) => onQuery(packet, from.address))
    socket.on('response', (packet, from) => onResponse(packet, from.address))
    socket.on('warning', (error) => this.#complain(error))
    socket.on('error', (error) => this.#complain(error))
    socket.on('ready', () => {
      if (this.#sockets.get(address) === socket) onEntered()
    })
  }

  readonly #sent = (error?: Error | null): void => {
    if (error) this.#complain(error)
  }

  // A network without multicast fails for ever, and anybody may send garbage: each is told once.
  #complain(error: Error): void {
    const what = codeOf(error) ?? 'packet'
    if (this.#complaints.has(what)) return
    this.#complaints.add(what)
    this.#options.logger.debug({ err: error.message }, 'local discovery')
  }
}

function leave(socket: MulticastDns, farewell: DnsRecords): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, FAREWELL_MS)
    function end() {
      clearTimeout(timer)
      socket.destroy(resolve)
    }
    socket.respond(farewell, end)
  })
}
