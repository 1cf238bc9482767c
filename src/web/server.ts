import type { RequestListener, Server } from 'node:http'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { invalidInput } from '../errors.ts'
import type { Operations } from '../api/contract/contract.ts'
import { createReader } from './app.ts'
import { localPath, type Env } from './context.ts'
import {
  DeviceServer,
  type DeviceAddress,
  bind,
  closeServer,
  portOfServer,
  serverOf,
} from './http-server.ts'
import { Previews, type PreviewRequest } from './previews.ts'
import { Uploads } from './uploads.ts'
import {
  DEFAULT_PORT,
  loadState,
  newSecret,
  saveState,
  Secrets,
  wasOpened,
  type ReaderState,
} from './state.ts'

const ADDRESS = '127.0.0.1'

/** What `localhost` is for some programs. */
const OTHER_ADDRESS = '::1'

export interface ReaderServerOptions {
  readonly operations: Operations
  /** Where port and secret are kept. */
  readonly dataDir: string
  /** Instead of the port that is kept. Not free: `INVALID_INPUT`. */
  readonly port?: number | undefined
  /** Names that a browser may use for it besides those of this machine. */
  readonly hosts?: readonly string[] | undefined
  /** How long an issue that is published here can be taken back; absent where nothing publishes it after that. */
  readonly holdSeconds?: number | undefined
}

/** Where drafts lie that browsers sent, below the data folder. */
const UPLOADS_FOLDER = 'uploads'

/** Serves the web reader on this machine's own address, to this machine only; to devices at another. */
export class ReaderServer {
  readonly #server: Server
  readonly #app: Hono<Env>
  readonly #secrets: Secrets
  readonly #previews: Previews
  readonly #end = new AbortController()
  readonly #dataDir: string
  #state: ReaderState
  #other: Server | undefined
  #devices: DeviceServer | undefined

  private constructor(options: ReaderServerOptions, state: ReaderState) {
    const { operations, dataDir, hosts, holdSeconds } = options
    this.#dataDir = dataDir
    this.#state = state
    this.#secrets = new Secrets(state.secret)
    const uploads = new Uploads(join(dataDir, UPLOADS_FOLDER))
    this.#previews = new Previews(operations, uploads)
    this.#app = createReader({
      operations,
      previews: this.#previews,
      hosts,
      holdSeconds,
      secrets: this.#secrets,
      signal: this.#end.signal,
      origin: () => this.origin,
      signOut: async () => {
        const secret = newSecret()
        await this.#keep({ secret })
        this.#secrets.renew(secret)
      },
    })
    this.#server = serverOf(this.#listener())
  }

  /** @throws INVALID_INPUT if the port that was asked for is taken. */
  static async listen(options: ReaderServerOptions): Promise<ReaderServer> {
    const { dataDir, port } = options
    const isNew = !wasOpened(dataDir)
    const state = await loadState(dataDir, DEFAULT_PORT)
    const reader = new ReaderServer(options, state)
    await reader.#previews.uploads.clear()
    const server = reader.#server
    if (!(await bind(server, port ?? state.port, ADDRESS))) {
      if (port !== undefined) {
        throw invalidInput(`Port ${port} is taken.`, {
          hint: 'Choose another one with --port, or leave it out.',
        })
      }
      // Back at the kept port as soon as that is free again: feeds are subscribed to there.
      const { otherPort } = state
      if (otherPort === undefined || !(await bind(server, otherPort, ADDRESS))) {
        await bind(server, 0, ADDRESS)
      }
    }
    const served = portOfServer(server)
    const isKept = isNew || port !== undefined || served === state.port
    await reader.#keep(isKept ? { port: served } : { otherPort: served })
    const other = serverOf(reader.#listener())
    // A machine may be without it, or the port taken there.
    if (await bind(other, served, OTHER_ADDRESS).catch(() => false)) reader.#other = other
    return reader
  }

  get origin(): string {
    return `http://${ADDRESS}:${portOfServer(this.#server)}`
  }

  /** Where devices find it; undefined while it is not open to them. */
  get deviceOrigin(): string | undefined {
    return this.#devices?.origin
  }

  /** An address that lets one browser in, once, and shows `path` to it. */
  enter(path = '/'): string {
    const to = localPath(path)
    const query = new URLSearchParams({
      token: this.#secrets.issue(),
      ...(to === '/' ? {} : { to }),
    })
    return `${this.origin}/enter?${query.toString()}`
  }

  /** As `enter`, to the page of a draft. */
  preview(request: PreviewRequest): string {
    return this.enter(this.#previews.add(request))
  }

  /** Listens to devices, too, if it does not yet. @throws INVALID_INPUT if that address cannot be listened at */
  async openToDevices(address: DeviceAddress): Promise<void> {
    if (this.#devices !== undefined) return
    const { devicePort } = this.#state
    const devices = await DeviceServer.listen(this.#listener(true), address, devicePort)
    this.#devices = devices
    if (devices.port !== devicePort) await this.#keep({ devicePort: devices.port })
  }

  /** Ends every connection of devices. */
  async closeToDevices(): Promise<void> {
    const devices = this.#devices
    this.#devices = undefined
    await devices?.close()
  }

  /** Ends what goes on and closes every connection. */
  async close(): Promise<void> {
    if (this.#end.signal.aborted) return
    this.#end.abort()
    const servers = [this.#server, this.#other].filter((it) => it !== undefined)
    await Promise.all([...servers.map(closeServer), this.closeToDevices()])
  }

  #listener(isRemote = false): RequestListener {
    const respond = getRequestListener(
      (request, env) => this.#app.fetch(request, { ...env, isRemote }),
      { overrideGlobalObjects: false },
    )
    return (request, response) => void respond(request, response)
  }

  async #keep(change: Partial<ReaderState>): Promise<void> {
    this.#state = { ...this.#state, ...change }
    await saveState(this.#dataDir, this.#state)
  }
}
