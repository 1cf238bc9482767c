import type { Operations } from '../api/contract/contract.ts'
import type { Config } from '../config/config.ts'
import { HyperletterError, invalidInput } from '../errors.ts'
import type { DeviceAddress } from './http-server.ts'
import type { PreviewRequest } from './previews.ts'
import type { ReaderServer, ReaderServerOptions } from './server.ts'
import { portOf, wasOpened } from './state.ts'

export interface ReaderHostOptions extends Omit<ReaderServerOptions, 'port'> {
  /** Where devices that were added find it. */
  readonly deviceAddress?: DeviceAddress | undefined
}

/** The part of the configuration that says where it is served, and under which names. */
export function hostOptions({ dataDir, readerHosts, webAddress, host }: Config) {
  return { dataDir, hosts: readerHosts, deviceAddress: webAddress ?? { host } }
}

/** Offered in the browser unless the setting `hold` says otherwise. */
const HOLD_SECONDS = 60

/** The same for a daemon, which publishes what waits for its time. */
export function daemonHostOptions(config: Config) {
  return { ...hostOptions(config), holdSeconds: config.hold || HOLD_SECONDS }
}

/** A place for the web reader, which is loaded and served only once somebody wants it. */
export class ReaderHost {
  readonly #options: ReaderHostOptions
  #serving: Promise<ReaderServer> | undefined
  #isClosed = false
  /** Why no device is let in though there are some. */
  #problem: HyperletterError | undefined
  /** Operations that open the reader to the network with the first device, and close it with the last. */
  readonly operations: Operations

  constructor(options: ReaderHostOptions) {
    this.#options = options
    const { operations } = options
    const follow = async <T>(result: T): Promise<T> => {
      const server = await this.#serving?.catch(() => undefined)
      if (server !== undefined) await this.#followDevices(server)
      return result
    }
    this.operations = {
      ...operations,
      addDevice: (...call) => operations.addDevice(...call).then(follow),
      removeDevice: (...call) => operations.removeDevice(...call).then(follow),
    }
  }

  /**
   * An address that lets one browser in.
   * @param request Another port than the one it is served on moves it there. With the token of a device, the
   *   address is for that, on another machine.
   * @throws INVALID_INPUT if the port is taken, or devices cannot be let in where the settings say
   */
  async open(request: {
    readonly port?: number | undefined
    readonly path?: string | undefined
    readonly device?: string | undefined
    readonly preview?: PreviewRequest | undefined
  }): Promise<string> {
    const { port, path, device, preview } = request
    const before = await this.#serving?.catch(() => undefined)
    if (before !== undefined && port !== undefined && portOf(before.origin) !== port) {
      await before.close()
      this.#serving = undefined
    }
    const server = await this.#serve(port)
    if (preview !== undefined) return server.preview(preview)
    if (device === undefined) return server.enter(path)
    const { deviceOrigin } = server
    if (deviceOrigin !== undefined) return `${deviceOrigin}/enter?device=${device}`
    throw this.#problem ?? invalidInput('No device was added.')
  }

  /** Serves at once what feed readers of this machine know already, if the reader was ever opened. */
  async resume(isWanted = wasOpened(this.#options.dataDir)): Promise<void> {
    if (isWanted) await this.#serve(undefined)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const server = await this.#serving?.catch(() => undefined)
    await server?.close()
  }

  async #serve(port: number | undefined): Promise<ReaderServer> {
    this.#serving ??= this.#start(port)
    try {
      return await this.#serving
    } catch (error) {
      this.#serving = undefined
      throw error
    }
  }

  async #start(port: number | undefined): Promise<ReaderServer> {
    const { ReaderServer: Server } = await import('./server.ts')
    const server = await Server.listen({ ...this.#options, port })
    await this.#followDevices(server)
    if (this.#isClosed) await server.close()
    return server
  }

  // What devices cannot reach, this machine still can.
  async #followDevices(server: ReaderServer): Promise<void> {
    const { operations, deviceAddress = {} } = this.#options
    this.#problem = undefined
    try {
      if ((await operations.listDevices({})).length === 0) await server.closeToDevices()
      else await server.openToDevices(deviceAddress)
    } catch (error) {
      this.#problem = HyperletterError.from(error)
    }
  }
}
