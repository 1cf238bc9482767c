import type { RequestListener, Server } from 'node:http'
import { codeOf, HyperletterError } from '../errors.ts'
import { localInterfaces } from '../peers/lan/multicast.ts'
import { isPrivate } from '../sources/web.ts'
import { bind, closeServer, portOfServer, serverOf } from './http-server.ts'

/** Tried first; any free one if somebody else has it, which then stays the same. */
const DEFAULT_PORT = 4_938

const ANY_HOST = '0.0.0.0'

/** Where devices find the reader. */
export interface DeviceAddress {
  /** IPv4 address to listen at; all of this machine when absent, to its own networks only. */
  readonly host?: string | undefined
  readonly port?: number | undefined
}

/** Listens to other machines. What they may ask for is the guard's to decide. */
export class DeviceServer {
  readonly #server: Server
  readonly #host: string

  private constructor(server: Server, host: string) {
    this.#server = server
    this.#host = host
  }

  /** @param keptPort that devices know already. @throws INVALID_INPUT */
  static async listen(
    listener: RequestListener,
    { host, port }: DeviceAddress,
    keptPort: number | undefined,
  ): Promise<DeviceServer> {
    const server = serverOf(listener)
    const at = host ?? ANY_HOST
    if (host === undefined) {
      // Whoever means to be reached from the Internet says so with an address.
      server.prependListener('connection', (socket) => {
        if (!isPrivate(socket.remoteAddress ?? '')) socket.destroy()
      })
    }
    try {
      const found = await bind(server, port ?? keptPort ?? DEFAULT_PORT, at)
      if (found) return new DeviceServer(server, at)
      if (port !== undefined) throw new Error(`port ${port} is taken`)
      await bind(server, 0, at)
      return new DeviceServer(server, at)
    } catch (cause) {
      const why =
        codeOf(cause) === 'EADDRNOTAVAIL' ? 'this machine has no such address' : String(cause)
      throw new HyperletterError('INVALID_INPUT', `Devices cannot be let in at ${at}: ${why}.`, {
        hint: 'Choose an address of this machine with --web-address, for example 192.168.1.10:4938.',
        cause,
      })
    }
  }

  get port(): number {
    return portOfServer(this.#server)
  }

  /** By the address that it listens at, or else one of this machine in a home network. */
  get origin(): string {
    const all = localInterfaces().map((it) => it.address)
    const home = ['192.168.', '10.', ''].flatMap((start) =>
      all.filter((it) => it.startsWith(start)),
    )
    return `http://${this.#host === ANY_HOST ? (home[0] ?? '127.0.0.1') : this.#host}:${this.port}`
  }

  async close(): Promise<void> {
    await closeServer(this.#server)
  }
}
