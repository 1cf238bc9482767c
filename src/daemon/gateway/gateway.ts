import { readdir, readFile } from 'node:fs/promises'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { browserFile, loadSiteAssets } from '../../api/preserving/website.ts'
import { SerialQueue } from '../../async.ts'
import type { Config } from '../../config/config.ts'
import type { Engine } from '../../engine/engine.ts'
import type { GatewayFacts } from '../../engine/network/gateway-facts.ts'
import { HyperletterError, invalidInput } from '../../errors.ts'
import { keyPairOf } from '../../log/keys.ts'
import type { Logger } from '../../logger.ts'
import { Rooms } from '../../peers/web/rooms.ts'
import { openStun, type StunServer } from '../../peers/web/stun.ts'
import { refuseUpgrade, TabListener } from '../../peers/web/tab-listener.ts'
import type { SiteAssets } from '../../site/static/model.ts'
import { bind, closeServer, portOfServer, serverOf } from '../../web/http-server.ts'
import { Callers, placeOf } from './callers.ts'
import { NewsletterFiles } from './newsletter-files.ts'
import { OpenedNewsletters } from './opened-newsletters.ts'
import { gatewayRoutes } from './routes.ts'
import { fileOf, typeOf, type ServedFile } from './served-file.ts'

export type GatewaySettings = Pick<
  Config,
  | 'gateway'
  | 'gatewayAddress'
  | 'gatewayNewsletters'
  | 'gatewayTabs'
  | 'gatewayProxies'
  | 'gatewayStun'
>

export interface GatewayOptions {
  /** The engine that works now; rejects while there is none. */
  readonly engine: () => Promise<Engine>
  readonly logger: Logger
  /** Delay before an address that cannot be listened at is tried again. */
  readonly retryMs?: number
}

const DEFAULT_PORT = 8_765

const DEFAULT_TABS = 256

/** Sockets of requests, beside those of tabs. */
const MAX_CONNECTIONS = 256

const RETRY_MS = 30_000

const PEER_PATH = '/peer'

/** What works with one engine. */
interface Opened {
  readonly newsletters: OpenedNewsletters
  readonly files: NewsletterFiles
}

/** One opening of the gateway, with the settings that it has. */
interface Running {
  readonly settings: GatewaySettings
  readonly server: Server
  readonly tabs: TabListener
  readonly stun: StunServer | undefined
  readonly callers: Callers
  engine: Engine | undefined
  opened: Promise<Opened> | undefined
}

/**
 * A daemon that lets browsers in, if it is set so: over HTTP the reader and the files of newsletters, over WebSocket their
 * logs, as to any peer. Only newsletters that its owner chose can be reached.
 */
export class Gateway {
  readonly #options: GatewayOptions
  readonly #queue = new SerialQueue()
  #running: Running | undefined
  #address: string | undefined
  #assets: Promise<SiteAssets> | undefined
  #newsletters: OpenedNewsletters | undefined
  #problem: string | undefined
  #timer: NodeJS.Timeout | undefined
  #sentBytes = 0
  #warned = false

  constructor(options: GatewayOptions) {
    this.#options = options
  }

  /** The port that it listens at; undefined while it is closed. */
  get port(): number | undefined {
    return this.#running === undefined ? undefined : portOfServer(this.#running.server)
  }

  /** What there is to say of it; undefined while it is not set. */
  facts(): GatewayFacts | undefined {
    const address = this.#address
    if (address === undefined) return undefined
    const uploadedBytes = this.#sentBytes + (this.#running?.tabs.sentBytes ?? 0)
    const problem = this.#problem ?? (this.#warned ? UNKNOWN_PROXY : undefined)
    return {
      address,
      tabs: this.#running?.tabs.tabs ?? 0,
      uploadedBytes,
      newsletters: this.#newsletters?.keys() ?? [],
      ...(problem !== undefined && { problem }),
    }
  }

  /** Opens it, opens it anew or closes it, as a configuration says. What cannot be opened is logged and tried again. */
  apply(settings: GatewaySettings): Promise<void> {
    return this.#queue.run(async () => {
      await this.#stop()
      if (settings.gateway !== undefined) await this.#start(settings, { isFirst: true })
    })
  }

  async close(): Promise<void> {
    await this.#queue.idle()
    await this.#stop()
  }

  async #start(
    settings: GatewaySettings,
    { isFirst }: { readonly isFirst: boolean },
  ): Promise<void> {
    const { logger, retryMs = RETRY_MS } = this.#options
    const { host, port = DEFAULT_PORT } = settings.gateway ?? { host: '127.0.0.1' }
    this.#address = settings.gatewayAddress ?? `http://${host}:${port}/`
    try {
      await this.#listen(settings, host, port)
      this.#problem = undefined
      logger.info({ address: this.#address }, 'the gateway is open')
    } catch (cause) {
      const error = HyperletterError.from(cause)
      this.#problem = error.message
      if (isFirst) logger.error({ host, port, err: error.message }, 'the gateway cannot be opened')
      this.#timer = setTimeout(() => {
        void this.#queue.run(() => this.#start(settings, { isFirst: false }))
      }, retryMs)
      this.#timer.unref()
    }
  }

  async #listen(settings: GatewaySettings, host: string, port: number): Promise<void> {
    const { logger } = this.#options
    const { gatewayAddress: address, gatewayTabs = DEFAULT_TABS, gatewayProxies } = settings
    const callers = new Callers(gatewayProxies)
    const own = await ownFiles()
    const stun = settings.gatewayStun && (await openStun(settings.gatewayStun))
    const rooms = new Rooms({
      stunPort: stun?.port,
      onMisdeed: (peer, what) => void this.#strike(peer, what),
    })
    const server = serverOf(
      gatewayRoutes({
        address,
        callers,
        own,
        find: async (feedKey) => (await this.#opened()).newsletters.find(feedKey),
        files: async (entry, path) => (await this.#opened()).files.get(entry, path),
        onPiece: (bytes) => this.#onPiece(bytes),
      }),
      {
        maxConnections: MAX_CONNECTIONS + gatewayTabs,
        onUpgrade: (request, socket, head) => this.#upgrade(request, socket, head),
      },
    )
    const tabs = new TabListener({
      keyPair: keyPairOf(),
      maxTabs: gatewayTabs,
      logger,
      onTab: async (connection) => {
        const { newsletters } = await this.#opened()
        const network = await (await this.#options.engine()).network()
        return network.acceptTab(connection, (it) => newsletters.isOpened(it), rooms)
      },
    })
    server.on('request', (request: IncomingMessage) => this.#notice(request))
    try {
      if (!(await bind(server, port, host))) throw invalidInput(`Port ${port} of ${host} is taken.`)
    } catch (error) {
      tabs.close()
      await stun?.close()
      throw error
    }
    if (settings.gatewayAddress === undefined)
      this.#address = `http://${host}:${portOfServer(server)}/`
    this.#running = { settings, server, tabs, stun, callers, engine: undefined, opened: undefined }
    // So that it can be said which newsletters it has before anybody asks for one.
    this.#opened().catch(() => undefined)
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#timer)
    const running = this.#running
    this.#running = undefined
    this.#address = undefined
    this.#problem = undefined
    this.#warned = false
    this.#newsletters = undefined
    if (running === undefined) return
    this.#sentBytes += running.tabs.sentBytes
    running.tabs.close()
    await running.stun?.close()
    await closeServer(running.server)
    await (await running.opened?.catch(() => undefined))?.files.close()
  }

  /** Gives whether a WebSocket was asked for: only then is the connection taken over, if it is but to refuse it. */
  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') return false
    const { settings, callers, tabs } = this.#running ?? {}
    const place = placeOf(request, settings?.gatewayAddress)
    const isHere = request.url?.split('?', 1)[0] === PEER_PATH
    this.#notice(request)
    if (tabs === undefined || callers === undefined) socket.destroy()
    else if (!isHere) refuseUpgrade(socket, '404 Not Found')
    else if (!place.isOurs) refuseUpgrade(socket, '421 Misdirected Request')
    else if (place.isForeign && !place.isPublic) refuseUpgrade(socket, '403 Forbidden')
    else tabs.upgrade(request, socket, head, callers.addressOf(request))
    return true
  }

  // After the disk was full, there is another engine.
  async #opened(): Promise<Opened> {
    const running = this.#running
    const engine = await this.#options.engine()
    if (running === undefined || running !== this.#running)
      throw new HyperletterError('ABORTED', 'The gateway is closed.')
    // Nothing is awaited in between: of two that ask at the same time, the second gets what the first has begun.
    if (running.opened === undefined || running.engine !== engine) {
      running.engine = engine
      running.opened = this.#openWith(engine, running)
    }
    return running.opened
  }

  async #openWith(engine: Engine, { settings, opened }: Running): Promise<Opened> {
    const { gatewayNewsletters = ['own'], gatewayAddress: address } = settings
    // What cannot be closed is of an engine that is gone.
    await opened?.then(({ files }) => files.close()).catch(() => undefined)
    const assets = () => (this.#assets ??= loadSiteAssets())
    const newsletters = new OpenedNewsletters(engine.library, gatewayNewsletters)
    this.#newsletters = newsletters
    return { newsletters, files: new NewsletterFiles(engine, { address, assets }) }
  }

  async #onPiece(bytes: number): Promise<void> {
    this.#sentBytes += bytes
    const engine = await this.#options.engine()
    const network = await engine.networkIfOnline()
    const waitMs = network?.swarm.reserveUpload(bytes) ?? 0
    if (waitMs > 0) await pause(waitMs)
  }

  async #strike(peer: Uint8Array, what: string): Promise<void> {
    // While there is no engine, nobody is let in either.
    const engine = await this.#options.engine().catch(() => undefined)
    const network = await engine?.networkIfOnline()
    network?.swarm.strike(peer, what, { hangUp: false })
  }

  #notice(request: IncomingMessage): void {
    if (this.#warned || this.#running?.callers.isUnknownProxy(request) !== true) return
    this.#warned = true
    this.#options.logger.warn({ from: request.socket.remoteAddress }, UNKNOWN_PROXY)
  }
}

const UNKNOWN_PROXY =
  'a server passes requests on that gatewayProxies does not name: all its visitors count as one'

/** What was built for browsers, by path; the reader is at the root. */
async function ownFiles(): Promise<Map<string, ServedFile>> {
  const folder = browserFile('')
  const files = new Map<string, ServedFile>()
  for (const { name } of (await readdir(folder, { withFileTypes: true })).filter((it) =>
    it.isFile(),
  )) {
    const bytes = await readFile(browserFile(name))
    const more = {
      ...(name.endsWith('.html') && { policy: "frame-ancestors 'none'" }),
      // Pieces of the page have a hash of their content in their names.
      isImmutable: /-[A-Z0-9]{8}\.js$/.test(name),
    }
    const zipped = { ...fileOf(gzipSync(bytes, { level: 9 }), typeOf(name)), ...more }
    files.set(`/${name}`, { ...fileOf(bytes, typeOf(name)), ...more, zipped })
  }
  const home = files.get('/index.html') ?? files.get('/reader.html')
  if (home !== undefined) files.set('/', home)
  files.set('/robots.txt', fileOf(Buffer.from('User-agent: *\nAllow: /\n'), typeOf('robots.txt')))
  return files
}
