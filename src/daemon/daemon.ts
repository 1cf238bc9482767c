import { once, type EventEmitter } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { REPUBLISHED_FILE, SCHEDULED_FOLDER, type Config } from '../config/config.ts'
import { diskCapOf } from '../config/keep.ts'
import { LiveConfig, type Reloaded } from '../config/live.ts'
import { Engine } from '../engine/engine.ts'
import { hasCode, HyperletterError } from '../errors.ts'
import { HYPERCORE_VERSION, KNOWN_VERSION, USES_INTERNALS } from '../log/internals/version.ts'
import { createLogger, type Logger } from '../logger.ts'
import { daemonHostOptions, ReaderHost } from '../web/host.ts'
import { SerialQueue } from '../async.ts'
import { dial } from '../api/socket/client.ts'
import { EVENT_SETTINGS, IssueEvents } from '../outlets/issue-events.ts'
import { EngineSupervisor } from './engine-supervisor.ts'
import { GATEWAY_SETTINGS, GatewayHost } from './gateway/gateway-host.ts'
import { Monitoring } from './monitoring/monitoring.ts'
import { Republishing } from './republishing.ts'
import { Scheduling } from './scheduling.ts'
import { OperationsServer } from '../api/socket/server.ts'
import { infoSince, recordAddress } from '../api/socket/protocol.ts'

export interface Ready {
  readonly socket: string
  readonly pid: number
  /** How much of what others wrote is kept; absent without a cap. */
  readonly diskCapBytes?: number
}

export interface DaemonOptions {
  readonly signal: AbortSignal
  /** Called once it listens and takes part in the network. */
  readonly onReady: (info: Ready) => void
  /** How long a command, or a daemon that does not listen yet, may keep the store before `STORE_BUSY`. */
  readonly busyTimeoutMs?: number
  /** Reads the configuration again from wherever it came; without it nothing changes while running. */
  readonly loadConfig?: () => Promise<Config>
  /** Emits `hangup` when the configuration is to be read again. */
  readonly hangUps?: EventEmitter
}

const BUSY_TIMEOUT_MS = 5_000
const BUSY_PAUSE_MS = 100

/** After this the process ends by force; a supervisor would kill it soon after. */
const SHUTDOWN_DEADLINE_MS = 4_700

/**
 * Runs a daemon in this process until the signal, or until somebody asks it over the socket to stop:
 * lock, listen, go online; then the same backwards.
 * @throws DAEMON_ALREADY_RUNNING, STORE_BUSY
 */
export async function runDaemon(config: Config, options: DaemonOptions): Promise<void> {
  const { signal, onReady, busyTimeoutMs = BUSY_TIMEOUT_MS } = options
  const logger = createLogger(config.logLevel, { file: config.logFile })
  if (!USES_INTERNALS) {
    const versions = { hypercore: HYPERCORE_VERSION, known: KNOWN_VERSION }
    logger.warn(versions, 'Hypercore decides by itself what to ask of whom: slower')
  }
  const startedAt = Date.now()
  const stop = new AbortController()
  const live = new LiveConfig(config)
  const gateway = new GatewayHost({ engine: () => engine.engine(), logger })
  const engineOptions = { config, live, logger, gateway: () => gateway.facts() }
  const engine = new EngineSupervisor(await openEngine(), {
    open: () => Engine.open({ ...engineOptions, online: true }),
    dataDir: config.dataDir,
    logger,
  })
  const republishing = new Republishing({
    operations: engine.operations,
    logger,
    hasList: () => existsSync(join(config.dataDir, REPUBLISHED_FILE)),
  })
  const events = new IssueEvents({ operations: engine.operations, logger })
  const scheduling = new Scheduling({
    operations: engine.operations,
    logger,
    announce: (it) => events.announce(it),
    hasQueue: () => existsSync(join(config.dataDir, SCHEDULED_FOLDER)),
  })
  const operations = events.watched(scheduling.woken(republishing.woken(engine.operations)))
  const reader = new ReaderHost({ operations, ...daemonHostOptions(config) })
  const monitoring = new Monitoring({ operations, logger })
  live.follow(['logLevel'], ({ logLevel }) => void (logger.level = logLevel))
  live.follow(EVENT_SETTINGS, (it) => events.apply(it))
  live.follow(['metricsPort'], (it) => monitoring.apply(it))
  live.follow(GATEWAY_SETTINGS, (it) => gateway.apply(it))
  const load = options.loadConfig ?? (() => Promise.resolve(live.value))
  const reloading = new Reloading({ live, load, logger })
  const onHangUp = () => void reloading.reload().catch(() => undefined)
  let deadline: NodeJS.Timeout | undefined
  let forget = () => Promise.resolve()
  try {
    const server = await OperationsServer.listen({
      socketPath: config.socketPath,
      operations: reader.operations,
      openReader: (request) => reader.open(request),
      info: () => infoSince(startedAt),
      onReload: () => reloading.reload(),
      onStop: () => stop.abort(),
      logger,
    })
    try {
      forget = await recordAddress(config)
      // Before it goes online, so that outlets hear of what arrives in the first moment.
      await Promise.all([events.apply(config), monitoring.apply(config)])
      await engine.goOnline()
      await gateway.apply(config)
      republishing.start()
      scheduling.start()
      // Messages lead to it, too.
      const isMailed = config.mailDir !== undefined || config.mailServer !== undefined
      reader
        .resume(isMailed || undefined)
        .catch((err: unknown) => logger.error({ err }, 'the web reader'))
      options.hangUps?.on('hangup', onHangUp)
      const capBytes = diskCapOf(config)
      onReady({
        socket: config.socketPath,
        pid: process.pid,
        ...(capBytes === Infinity ? {} : { diskCapBytes: capBytes }),
      })
      const ended = AbortSignal.any([signal, stop.signal])
      if (!ended.aborted) await once(ended, 'abort')
      logger.info({}, 'stopping')
    } finally {
      options.hangUps?.off('hangup', onHangUp)
      deadline = forceExitAfter(SHUTDOWN_DEADLINE_MS)
      const parts = [gateway, reader, events, monitoring, republishing, scheduling]
      await Promise.all(parts.map((it) => it.close()))
      await server.close()
    }
  } finally {
    // Before the store is free: that is when a daemon has ended.
    await forget()
    await engine.close()
    clearTimeout(deadline)
  }

  async function openEngine(): Promise<Engine> {
    const busyUntil = Date.now() + busyTimeoutMs
    // A start that had to wait may have to wait again: it must not query the DHT each time.
    for (let online = true; ; online = false) {
      try {
        return await Engine.open({ ...engineOptions, online })
      } catch (error) {
        if (!hasCode(error, 'STORE_BUSY')) throw error
        const running = await dial(config.socketPath, config.dataDir)
        if (running !== undefined) {
          const message = `A daemon already runs, with process id ${running.pid}.`
          throw new HyperletterError('DAEMON_ALREADY_RUNNING', message)
        }
        if (Date.now() > busyUntil) throw error
      }
      if (signal.aborted) throw new HyperletterError('ABORTED', 'Interrupted.')
      await pause(BUSY_PAUSE_MS)
    }
  }
}

function forceExitAfter(deadlineMs: number): NodeJS.Timeout {
  return setTimeout(() => process.exit(1), deadlineMs).unref()
}

export interface ReloadingOptions {
  readonly live: LiveConfig
  /** Reads the configuration again, from wherever it came. */
  readonly load: () => Promise<Config>
  readonly logger: Logger
}

/** Reads the configuration again while the daemon runs; a wrong one leaves the old one in force. */
export class Reloading {
  readonly #options: ReloadingOptions
  readonly #queue = new SerialQueue()
  #reported = ''

  constructor(options: ReloadingOptions) {
    this.#options = options
  }

  /** One after the other, however fast they are asked for. @throws INVALID_INPUT with the line that is wrong */
  reload(): Promise<Reloaded> {
    return this.#queue.run(() => this.#reload())
  }

  async #reload(): Promise<Reloaded> {
    const { live, load, logger } = this.#options
    let done: Reloaded
    try {
      done = await live.replace(await load())
    } catch (cause) {
      const error = HyperletterError.from(cause)
      const { code, message } = error
      logger.error({ code }, `the configuration was not read again: ${message}`)
      throw error
    }
    logger.info({ settings: done.applied }, 'the configuration was read again')
    this.#reportOnce(done.restart)
    return done
  }

  // A setting that needs a restart is logged once, however often the file is read.
  #reportOnce(restart: Reloaded['restart']): void {
    const names = restart.join(', ')
    if (names !== '' && names !== this.#reported) {
      this.#options.logger.warn({ settings: restart }, `changes with the next start: ${names}`)
    }
    this.#reported = names
  }
}
