import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { makeDirectory } from '../atomic-file.ts'
import type { Config } from '../config/config.ts'
import { diskCapOf } from '../config/keep.ts'
import type { Reloaded } from '../config/live.ts'
import { handOn, type Settings } from '../config/settings.ts'
import { defined } from '../defined.ts'
import { hasCode, HyperletterError, attempt } from '../errors.ts'
import { dial, requestReload, requestStop } from '../api/socket/client.ts'
import type { CallOptions } from '../api/contract/contract.ts'
import { readRecord, type DaemonInfo } from '../api/socket/protocol.ts'
import { withStoreLock } from '../log/store/lock.ts'
import { daemonCommand, daemonEnvironment } from './service/definitions.ts'

export interface DaemonStatus extends Partial<Omit<DaemonInfo, 'protocol'>> {
  readonly running: boolean
  readonly socket: string
  /** When it has just been started: how much of what others wrote it keeps; absent without a cap. */
  readonly diskCapBytes?: number
}

export interface StartOptions extends CallOptions {
  /**
   * What the command line gave, to hand on; the daemon reads variables and file by itself, and again
   * when it reloads. Absent: what it takes to be in the same network as `config`.
   */
  readonly given?: Settings
}

const START_DEADLINE_MS = 15_000
const STOP_DEADLINE_MS = 12_000
const LOOK_EVERY_MS = 30

/** The state of the daemon of this data directory. @throws DAEMON_NOT_ANSWERING */
export async function daemonStatus({ socketPath, dataDir }: Config): Promise<DaemonStatus> {
  const info = await dial(socketPath, dataDir)
  if (info === undefined) return { running: false, socket: socketPath }
  const { pid, version, uptimeSeconds, temporary } = info
  return {
    running: true,
    pid,
    version,
    socket: socketPath,
    uptimeSeconds,
    ...defined({ temporary }),
  }
}

/**
 * Starts a daemon in the background; it outlives this process. Returns when it answers.
 * @throws DAEMON_ALREADY_RUNNING, STORE_BUSY, TIMEOUT
 */
export async function startDaemon(
  config: Config,
  { signal, given = networkOf(config) }: StartOptions = {},
): Promise<DaemonStatus> {
  const before = await daemonStatus(config)
  if (before.running) throw alreadyRunning(before)
  await makeDirectory(config.dataDir)
  const capBytes = diskCapOf(config)
  const log = await open(config.logFile, 'a', 0o600)
  const logStart = (await log.stat()).size
  const { flags, variables } = handOn({ ...given, dataDir: config.dataDir })
  const [program = '', ...args] = daemonCommand('run', ['--json', ...flags])
  const child = spawn(program, args, {
    detached: true,
    env: { ...daemonEnvironment(), ...process.env, ...variables },
    stdio: ['ignore', 'ignore', log.fd],
    windowsHide: true,
  })
  // Both at once: the event does not wait for the file to be closed.
  await Promise.all([once(child, 'spawn'), log.close()])
  try {
    const status = await answering(config, child, logStart, signal)
    child.unref()
    return capBytes === Infinity ? status : { ...status, diskCapBytes: capBytes }
  } catch (error) {
    child.kill()
    throw error
  }
}

/**
 * Ends the daemon and returns when it is gone. Its process id means nothing where it runs in another container, so that is
 * judged by its socket and the lock of the store.
 * @throws DAEMON_NOT_RUNNING, DAEMON_NOT_ANSWERING, TIMEOUT
 */
export async function stopDaemon(
  config: Config,
  { signal }: CallOptions = {},
): Promise<DaemonStatus> {
  const before = await daemonStatus(config)
  if (before.pid === undefined) {
    throw new HyperletterError('DAEMON_NOT_RUNNING', 'No daemon runs for this data directory.')
  }
  await requestStop(config.socketPath)
  const deadline = Date.now() + STOP_DEADLINE_MS
  while (!(await hasEnded(config, before.pid))) {
    assertGoesOn(signal)
    if (Date.now() > deadline) {
      throw new HyperletterError('TIMEOUT', `The daemon (process ${before.pid}) does not end.`)
    }
    await setTimeout(LOOK_EVERY_MS)
  }
  return { running: false, socket: config.socketPath }
}

/** Has the daemon read its configuration again. @throws DAEMON_NOT_RUNNING, INVALID_INPUT with the line */
export function reloadDaemon({ socketPath }: Config): Promise<Reloaded> {
  return requestReload(socketPath)
}

async function answering(
  config: Config,
  child: ChildProcess,
  logStart: number,
  signal: AbortSignal | undefined,
): Promise<DaemonStatus> {
  const deadline = Date.now() + START_DEADLINE_MS
  for (;;) {
    assertGoesOn(signal)
    if (child.exitCode !== null || child.signalCode !== null)
      throw await whyItEnded(config, logStart)
    const status = await daemonStatus(config).catch((error: unknown): DaemonStatus => {
      // It may have much to do before it can.
      if (!hasCode(error, 'DAEMON_NOT_ANSWERING')) throw error
      return { running: false, socket: config.socketPath }
    })
    if (status.pid === child.pid) return status
    // Another one was started at the same moment and got the store.
    if (status.running) throw alreadyRunning(status)
    if (Date.now() > deadline) {
      throw new HyperletterError('TIMEOUT', 'The daemon did not answer in time.', {
        hint: `See ${config.logFile}.`,
      })
    }
    await setTimeout(LOOK_EVERY_MS)
  }
}

function alreadyRunning({ pid, temporary }: DaemonStatus): HyperletterError {
  if (temporary === true) {
    const message = `A command that runs already, with process id ${pid}, stands in for a daemon until it ends.`
    return new HyperletterError('DAEMON_ALREADY_RUNNING', message, {
      hint: 'End it, such as `open` or `watch` in another window, and start the daemon then.',
    })
  }
  const message = `A daemon already runs, with process id ${pid}.`
  return new HyperletterError('DAEMON_ALREADY_RUNNING', message)
}

// The child printed its error as JSON, the way every command does with --json.
async function whyItEnded(config: Config, logStart: number): Promise<HyperletterError> {
  const log = (await readFile(config.logFile)).subarray(logStart).toString('utf8')
  for (const line of log.trim().split('\n').toReversed()) {
    const { error } = attempt(() => JSON.parse(line) as { error?: unknown }) ?? {}
    if (error !== undefined) return HyperletterError.fromJSON(error)
  }
  return new HyperletterError('INTERNAL', 'The daemon ended at once.', {
    hint: `See ${config.logFile}.`,
  })
}

function networkOf({ bootstrap, host }: Config): Settings {
  const addresses = bootstrap?.map((it) => `${it.host}:${it.port}`).join(',')
  return { bootstrap: addresses, host }
}

function assertGoesOn(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new HyperletterError('ABORTED', 'Interrupted.')
}

async function hasEnded(config: Config, pid: number): Promise<boolean> {
  try {
    if ((await daemonStatus(config)).pid === pid) return false
    const record = await readRecord(config.dataDir)
    // Somebody else has the data by now.
    if (record !== undefined && record.pid !== pid) return true
    await withStoreLock(config.storeDir, () => Promise.resolve())
    return true
  } catch (error) {
    if (hasCode(error, 'DAEMON_NOT_ANSWERING', 'STORE_BUSY')) return false
    throw error
  }
}
