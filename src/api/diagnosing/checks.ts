import { randomUUID } from 'node:crypto'
import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../../config/config.ts'
import type { Engine } from '../../engine/engine.ts'
import { codeOf } from '../../errors.ts'
import { freeBytes } from '../../log/store/disk.ts'
import { formatBytes } from '../../render/plain.ts'
import { orAborted } from '../../async.ts'
import { defined } from '../../defined.ts'
import type { Output } from '../contract/contract.ts'
import type { Network } from '../../engine/network/network.ts'
import type { NetworkFacts } from '../../peers/diagnosis.ts'
import type { RelayingFacts } from '../../peers/relay/relaying.ts'
import { short } from '../../logger.ts'

export type Check = Output<'diagnose'>['checks'][number]

export function ok(name: string, message: string): Check {
  return { name, state: 'ok', message }
}

export function warning(name: string, message: string, next?: string): Check {
  return { name, state: 'warning', message, ...defined({ next }) }
}

export function failed(name: string, message: string, next?: string): Check {
  return { name, state: 'failed', message, ...defined({ next }) }
}

/** The result of a check, or that it could not be made: in time, or at all. */
export async function within(
  name: string,
  timeoutMs: number,
  make: (signal: AbortSignal) => Promise<Check | readonly Check[]>,
): Promise<readonly Check[]> {
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    return [await orAborted(make(signal), signal)].flat()
  } catch (error) {
    if (error === signal.reason) return [warning(name, `No answer within ${timeoutMs / 1_000} s.`)]
    return [failed(name, `This could not be looked at: ${(error as Error).message}`)]
  }
}

/** What the codes of the stack mean for a person. */
const FAILURES: Readonly<Record<string, string>> = {
  PEER_NOT_FOUND: 'gone, or announced only',
  PEER_CONNECTION_FAILED: 'did not answer',
  HOLEPUNCH_ABORTED: 'a router in between let nothing through',
  HOLEPUNCH_PROBE_TIMEOUT: 'a router in between let nothing through',
  CANNOT_HOLEPUNCH: 'a router in between let nothing through',
  REMOTE_NOT_HOLEPUNCHABLE: 'their router lets nothing through',
  REMOTE_NOT_HOLEPUNCHING: 'their router lets nothing through',
  HOLEPUNCH_DOUBLE_RANDOMIZED_NATS: 'both routers change ports',
  REMOTE_ABORTED: 'they ended it',
  RELAY_ABORTED: 'no relay led to them',
  NO_RELAY: 'no relay is connected that may be used',
  HANDSHAKE_INVALID: 'somebody else answered',
  SERVER_INCOMPATIBLE: 'another version of the network',
  SERVER_ERROR: 'they refused',
  ECONNRESET: 'broke off',
  ETIMEDOUT: 'stopped answering',
}

/** Whether the DHT answers. Without it only peers in the same room are found, which may be enough. */
export async function checkDht(network: Network, signal: AbortSignal): Promise<Check> {
  const { asked, answered } = await network.swarm.diagnosis.askNodes(signal)
  const { nodes, connections } = network.swarm.diagnosis.facts()
  if (answered > 0) {
    return ok('DHT', `${answered} of ${asked} nodes answered just now; ${nodes} are known.`)
  }
  const say = connections > 0 ? warning : failed
  return say(
    'DHT',
    asked === 0 ? 'No node of it is known.' : `None of ${asked} nodes answers.`,
    'Check that this machine is online and that its firewall lets UDP out; a private network needs --bootstrap.',
  )
}

export function checkReachability(
  { nat, seenAt, port }: NetworkFacts,
  config: Pick<Config, 'udpPort' | 'host'>,
): Check[] {
  if (config.host?.startsWith('127.') === true) {
    const message = 'Only from this machine: nothing else is bound.'
    return [ok('reachable', message), portCheck(port, config.udpPort)]
  }
  const at = seenAt === undefined ? '' : ` at ${seenAt.host}${seenAt.port ? `:${seenAt.port}` : ''}`
  const forward = `Let the router send UDP port ${port ?? config.udpPort ?? 49737} to this machine, if you can.`
  const checks = {
    open: () => ok('reachable', `Others reach this device directly${at}.`),
    consistent: () => ok('reachable', `Behind a router or firewall that others can pass${at}.`),
    random: () =>
      warning(
        'reachable',
        `Behind a router that changes ports${at}; some cannot pass it.`,
        forward,
      ),
    unknown: () => warning('reachable', 'No peer has reported the address of this device yet.'),
  }
  return [checks[nat](), portCheck(port, config.udpPort)]
}

export function checkPeers({ connections, knownPeers, attempts }: NetworkFacts): Check {
  const { tried, connected, failed: failures } = attempts
  const why = new Map<string, number>()
  for (const [code, times] of Object.entries(failures)) {
    const words = FAILURES[code] ?? code
    why.set(words, (why.get(words) ?? 0) + times)
  }
  const reasons = [...why].map(([words, times]) => `${words} (${times})`).join(', ')
  const failing = reasons === '' ? '' : ` Failed: ${reasons}.`
  const found = `${connections} connected, ${knownPeers} found, ${connected} of ${tried} attempts succeeded.`
  if (connections > 0) return ok('peers', found + failing)
  if (knownPeers === 0) return warning('peers', 'No peer was found yet.')
  return warning('peers', found + failing, 'Peers that were found may be off just now.')
}

export function checkRelaying(
  { given, isOffered, isHidden, isReady, through }: RelayingFacts,
  { relayOffer, relayUse }: Pick<Config, 'relayOffer' | 'relayUse'>,
): Check[] {
  const by = [...new Set(through)].map(short).join(', ')
  const via = `${through.length} connected through a relay of ${by}.`
  const checks = through.length > 0 ? [ok('relayed', via)] : []
  if (isHidden) {
    const hides = 'Peers do not see the address of this device; DHT nodes and its relays do.'
    const next = 'Name one with --relay-use: the public key of a device that has --relay-offer on.'
    if (relayUse === undefined) {
      checks.push(failed('hidden', 'No relay is set, so no peer is connected to.', next))
    } else if (isReady) checks.push(ok('hidden', hides))
    else checks.push(warning('hidden', `${hides} None of the relays is connected just now.`))
    if (relayOffer) checks.push(warning('relay', 'A hidden device cannot relay for others.'))
  }
  if (given === undefined) return checks
  const used = `${given.pairs} pairs now, ${formatBytes(given.bytesToday)} today.`
  const next = `Let the router send the UDP port to this machine, if you can.`
  const relay = isOffered
    ? ok('relay', `Others may use it: ${used}`)
    : warning(
        'relay',
        `It is not offered now, for want of reach or for the limit of a day: ${used}`,
        next,
      )
  return [...checks, relay]
}

export function checkRoom(
  { localDiscovery }: Pick<Config, 'localDiscovery'>,
  { tcpConnections }: Pick<NetworkFacts, 'tcpConnections'>,
): Check {
  const now = `${tcpConnections} connected over TCP.`
  return localDiscovery
    ? ok('local network', `Peers in the same network are found without a DHT, ${now}`)
    : ok('local network', 'Not searched: it is switched off, or only this machine is bound.')
}

function portCheck(port: number | undefined, wanted: number | undefined): Check {
  if (port === undefined) return warning('UDP port', 'None is bound yet.')
  if (wanted === undefined || wanted === port) return ok('UDP port', String(port))
  return warning(
    'UDP port',
    `${wanted} is taken by another program; this one has ${port}.`,
    'End the other one, or choose another port with --udp-port.',
  )
}

/** No copy of this version is older: a clock before it is wrong. */
const RELEASED_AT = Date.UTC(2026, 0, 1)

/** Authors' clocks differ by as much without anybody noticing. */
const TOLERANCE_MS = 10 * 60_000

const SET_IT = 'Let the system set the clock by itself, from the network.'

/**
 * Whether the clock can be right. Nobody is asked for the time: what was written here before and what
 * others published is not later than now, unless some clock is wrong. Issues are dated by it.
 */
export async function checkClock(engine: Engine, now = Date.now()): Promise<Check> {
  const time = localTime(now)
  if (now < RELEASED_AT) return warning('clock', `It shows ${time}, which is long ago.`, SET_IT)
  const { storeDir, dataDir } = engine.config
  const files = ['CORESTORE', 'db', '.'].map((it) => join(storeDir, it))
  const written = await Promise.all([...files, dataDir].map(modifiedAt))
  const newest = Math.max(...written)
  if (newest > now + TOLERANCE_MS) {
    const later = localTime(newest)
    return warning('clock', `It shows ${time}, but files here were written at ${later}.`, SET_IT)
  }
  const ahead = await publishedAfter(engine, now + TOLERANCE_MS)
  if (ahead.length > 1) {
    return warning(
      'clock',
      `It shows ${time}, but ${ahead.length} newsletters have issues of later: it may be slow.`,
      SET_IT,
    )
  }
  return ok('clock', time)
}

/** With the zone, which may be what is wrong. */
function localTime(time: number): string {
  return new Date(time).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'long' })
}

async function publishedAfter(engine: Engine, time: number): Promise<string[]> {
  const later: string[] = []
  for (const entry of engine.library.list()) {
    await using session = await engine.feeds.ifOpen(entry.feedKey)
    const newest = await session?.feed.newest({ wait: false }).catch(() => undefined)
    if (newest !== undefined && Date.parse(newest.record.publishedAt) > time) {
      later.push(entry.feedKey)
    }
  }
  return later
}

async function modifiedAt(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0
}

const MIB = 1024 * 1024

/** Below this the store may not even be able to tidy itself up. */
const TOO_LITTLE_BYTES = 64 * MIB
const LITTLE_BYTES = 1_024 * MIB

/** Whether there is room, and everything belongs to this user alone. */
export async function checkDisk(
  config: Pick<Config, 'dataDir' | 'keysDir'>,
): Promise<readonly Check[]> {
  return [await room(config.dataDir), await writing(config.dataDir), await privacy(config)]
}

async function room(dataDir: string): Promise<Check> {
  const leftBytes = await freeBytes(dataDir)
  const free = `${formatBytes(leftBytes)} are free`
  const next = 'Make room, or bound what is kept with --disk-cap.'
  if (leftBytes < TOO_LITTLE_BYTES) return failed('disk space', `Only ${free}.`, next)
  if (leftBytes < LITTLE_BYTES) return warning('disk space', `Only ${free}.`, next)
  return ok('disk space', `${free}.`)
}

async function writing(dataDir: string): Promise<Check> {
  const path = join(dataDir, `.check-${randomUUID()}`)
  try {
    await writeFile(path, 'x', { mode: 0o600 })
    return ok('data directory', `${dataDir} can be written.`)
  } catch (error) {
    return failed(
      'data directory',
      `${dataDir} cannot be written (${codeOf(error) ?? String(error)}).`,
      'Look at its owner and permissions, and whether the disk is mounted read-only.',
    )
  } finally {
    await rm(path, { force: true }).catch(() => undefined)
  }
}

async function privacy({ dataDir, keysDir }: Pick<Config, 'dataDir' | 'keysDir'>): Promise<Check> {
  if (process.platform === 'win32') return ok('permissions', 'As the profile of this user.')
  const open: string[] = []
  for (const path of [dataDir, keysDir]) {
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && (found.mode & 0o077) !== 0) open.push(path)
    if (found !== undefined && found.uid !== process.getuid?.() && process.getuid?.() !== 0) {
      return failed('permissions', `${path} belongs to another user.`, `Run as its owner.`)
    }
  }
  // The keys have a directory and files of their own, which are for one user whatever is around them.
  if (open.includes(keysDir)) {
    const next = `chmod 700 '${keysDir}'`
    return failed('permissions', 'Other users of this machine can read the signing keys.', next)
  }
  if (open.length > 0) {
    const next = `chmod 700 '${dataDir}'`
    return warning('permissions', 'Other users of this machine can see what you read.', next)
  }
  return ok('permissions', 'Only this user can read the data.')
}
