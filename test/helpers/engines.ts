import type { DomainSources } from '../../src/engine/domain-names.ts'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { socketPath, type Address, type Config } from '../../src/config/config.ts'
import { defined } from '../../src/defined.ts'
import { Engine } from '../../src/engine/engine.ts'
import type { GatewayFacts } from '../../src/engine/network/gateway-facts.ts'
import type { MirrorTimes } from '../../src/engine/mirrors/need.ts'
import { createLogger } from '../../src/logger.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** Peers on loopback are found in less. */
const CATCH_UP_MS = 3_000

export interface OpenEngineOptions {
  /** Absolute; a temporary directory of the running test when absent. */
  readonly dataDir?: string
  /** Nodes of a private DHT; when absent the engine must stay offline. */
  readonly bootstrap?: readonly Address[]
  /** Instead of the two above. */
  readonly config?: Config
  /** How long an author that may be behind waits for peers. */
  readonly catchUpMs?: number
  readonly mirrorTimes?: Partial<MirrorTimes>
  readonly domainSources?: DomainSources
  readonly online?: boolean
  readonly gateway?: () => GatewayFacts
}

/** What is off, or the stack's own choice, unless somebody sets it. */
export const UNSET = {
  udpPort: undefined,
  diskCap: Infinity,
  uploadLimit: undefined,
  downloadLimit: undefined,
  maxConnections: undefined,
  allowPeers: undefined,
  localDiscovery: false,
  relayOffer: false,
  relayUse: undefined,
  hideAddress: false,
  pause: false,
  mirrors: 'on',
  readerHosts: undefined,
  webAddress: undefined,
  gateway: undefined,
  gatewayAddress: undefined,
  gatewayNewsletters: undefined,
  gatewayTabs: undefined,
  gatewayProxies: undefined,
  gatewayStun: undefined,
  metricsPort: undefined,
  onIssue: undefined,
  webhook: undefined,
  webhookSecret: undefined,
  notify: false,
  hold: undefined,
  mailTo: undefined,
  mailDir: undefined,
  mailServer: undefined,
  mailDigest: 'off',
  plain: false,
  // Most tests are about issues that nobody has read.
  unread: 'all',
} as const

/** Where the ports of engines are drawn from: below those that systems give out by themselves. */
const FIRST_PORT = 20_000
const PORTS = 12_000

/** The configuration of a data directory as `loadConfig` makes it, with a silent log and on loopback only. */
export function configOf(dataDir: string, bootstrap: readonly Address[] = []): Config {
  return Object.freeze({
    dataDir,
    storeDir: join(dataDir, 'store'),
    journalDir: join(dataDir, 'journal'),
    keysDir: join(dataDir, 'keys'),
    lettersDir: join(dataDir, 'letters'),
    publishedDir: join(dataDir, 'published'),
    logFile: join(dataDir, 'daemon.log'),
    socketPath: socketPath(dataDir),
    // An empty list, not nothing: nothing would mean the public nodes.
    bootstrap,
    host: '127.0.0.1',
    logLevel: 'silent',
    ...UNSET,
    // An engine that inherits the port of a closed one is called by those who knew that.
    udpPort: FIRST_PORT + Math.floor(Math.random() * PORTS),
  })
}

/** An engine that closes when the running test ends, if it has not before. */
export async function openEngine(options: OpenEngineOptions = {}): Promise<Engine> {
  const config =
    options.config ?? configOf(options.dataDir ?? (await temporaryDirectory()), options.bootstrap)
  const { catchUpMs = CATCH_UP_MS, online = false, mirrorTimes, domainSources, gateway } = options
  const engine = await Engine.open({
    config,
    logger: createLogger(config.logLevel),
    catchUpMs,
    mirrorTimes,
    domainSources,
    online,
    ...defined({ gateway }),
  })
  onTestFinished(() => engine.close())
  return engine
}
