import type { Operations } from '../api/contract/contract.ts'
import type { ReaderServer } from './server.ts'
import { portOf, wasOpened } from './state.ts'

export interface ReaderHostOptions {
  readonly operations: Operations
  readonly dataDir: string
  /** Names that a browser may use for it besides those of this machine. */
  readonly hosts?: readonly string[] | undefined
}

/** A place for the web reader, which is loaded and served only once somebody wants it. */
export class ReaderHost {
  readonly #options: ReaderHostOptions
  #serving: Promise<ReaderServer> | undefined
  #isClosed = false

  constructor(options: ReaderHostOptions) {
    this.#options = options
  }

  /**
   * An address that lets one browser in.
   * @param request Another port than the one it is served on moves it there.
   */
  async open(request: {
    readonly port?: number | undefined
    readonly path?: string | undefined
  }): Promise<string> {
    const { port, path } = request
    const before = await this.#serving?.catch(() => undefined)
    if (before !== undefined && port !== undefined && portOf(before.origin) !== port) {
      await before.close()
      this.#serving = undefined
    }
    const server = await this.#serve(port)
    return server.enter(path)
  }

  /** Serves at once what feed readers of this machine know already, if the reader was ever opened. */
  async resume(): Promise<void> {
    if (wasOpened(this.#options.dataDir)) await this.#serve(undefined)
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
    if (this.#isClosed) await server.close()
    return server
  }
}
