import type { Work } from '../work.ts'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { mapSome } from '../../async.ts'
import { KEEP_EVERYTHING } from '../../config/keep.ts'
import { SCHEDULED_FOLDER } from '../../config/config.ts'
import { defined } from '../../defined.ts'
import type { Engine } from '../../engine/engine.ts'
import { ScheduledDrafts } from '../../engine/publish/scheduled-drafts.ts'
import { freeBytes, NEEDED_FREE_BYTES } from '../../log/store/disk.ts'
import { HyperletterError } from '../../errors.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { Feed, LocatedIssue } from '../../format/feed.ts'
import type { LibraryEntry } from '../../engine/library/library.ts'
import type { Network } from '../../engine/network/network.ts'
import type { Output, Via } from '../contract/contract.ts'
import { formatBytes } from '../../render/plain.ts'
import { AT_ONCE, tooLargeToList } from '../reading/listing.ts'
import { describeSuccessor } from '../succeeding.ts'

type Status = Output<'status'>

/** Of a newsletter, while offline. */
const NO_TRAFFIC = { peers: 0, fullCopies: 0, uploadedBytes: 0, downloadedBytes: 0 }

/** Where this device stands: what it holds, who it is connected to, what it takes on disk. */
export async function status(
  engine: Engine,
  _: object,
  { via }: { readonly via: Via },
): Promise<Status> {
  const network = await engine.networkIfOnline()
  const { dataDir } = engine.config
  const problem = await problemOf(engine)
  const traffic = await engine.seedingHistory.traffic()
  return {
    via,
    online: network !== undefined,
    peers: network?.swarm.size ?? 0,
    localPeers: network?.swarm.diagnosis.facts().tcpConnections ?? 0,
    ...relayingOf(network),
    dataDir,
    bytesOnDisk: await bytesBelow(dataDir),
    ...defined({ problem }),
    disk: await diskStatus(engine),
    limits: limitsOf(engine),
    newsletters: await mapSome(engine.library.list(), AT_ONCE, async (entry) => ({
      ...(await newsletterStatus(engine, network, entry)),
      totals: traffic.of(entry.feedKey),
    })),
    traffic: traffic.total,
    ...defined({ scheduled: await scheduledDrafts(engine), web: engine.gateway() }),
  }
}

function relayingOf(network: Network | undefined): Pick<Status, 'relayedPeers' | 'relay'> {
  if (network === undefined) return { relayedPeers: 0 }
  const { through, given, isOffered } = network.swarm.relaying.facts()
  const relay = given && { ...given, offered: isOffered }
  return { relayedPeers: through.length, ...defined({ relay }) }
}

function limitsOf({ config }: Engine): Status['limits'] {
  const { diskCap, uploadLimit, downloadLimit, maxConnections, pause } = config
  const limits = { diskCap, uploadLimit, downloadLimit, maxConnections }
  const isSet = ([, value]: [string, number | undefined]) => Number.isFinite(value)
  return { pause, ...Object.fromEntries(Object.entries(limits).filter(isSet)) }
}

async function scheduledDrafts({ config }: Engine): Promise<Status['scheduled']> {
  const all = await new ScheduledDrafts(join(config.dataDir, SCHEDULED_FOLDER)).list()
  const waiting = all.filter((it) => it.published === undefined)
  if (waiting.length === 0) return undefined
  return waiting.map(({ title, at, problem }) => ({
    title,
    at,
    ...defined({ problem: problem?.message }),
  }))
}

/** What keeps this device from storing anything. Said before anything fails, too. */
export async function problemOf({ full, config }: Engine): Promise<Status['problem']> {
  if (full.aborted) {
    const { code, message } = HyperletterError.from(full.reason)
    return { code, message }
  }
  const leftBytes = await freeBytes(config.dataDir).catch(() => Infinity)
  if (leftBytes >= NEEDED_FREE_BYTES) return undefined
  const message = `The disk is nearly full: ${formatBytes(leftBytes)} are left.`
  return { code: 'DISK_FULL', message }
}

async function diskStatus({ retention, library }: Engine): Promise<Status['disk']> {
  const { capBytes } = retention
  const next = await retention.next()
  const title = next && library.get(next.feedKey)?.title
  return {
    usedBytes: await retention.usedBytes(),
    letterBytes: retention.letters.letterBytes,
    ...(capBytes === Infinity ? {} : { capBytes }),
    ...(next && { next: { feedKey: next.feedKey, ...defined({ title, number: next.number }) } }),
  }
}

async function newsletterStatus(
  engine: Engine,
  network: Network | undefined,
  entry: LibraryEntry,
): Promise<Status['newsletters'][number]> {
  const { feedKey, roles, title, problem, successor } = entry
  await using session = await engine.open(entry)
  const { feed } = session
  // Retracted blocks do not count as missing; to find them, all records are read.
  await feed.isComplete().catch(() => false)
  const newest = await feed.newest({ wait: false }).catch(() => undefined)
  const cut = await feed.cutListing()
  return {
    feedKey,
    ...defined({ title }),
    roles: [...roles],
    issues: newest?.record.number ?? 0,
    heldBlocks: feed.heldBlocks,
    length: feed.length,
    ...(network?.status(feedKey) ?? NO_TRAFFIC),
    ...copiesOf(network, feed, newest),
    keep: entry.keep ?? KEEP_EVERYTHING,
    leftOut: engine.retention.leftOut(feedKey),
    tooLarge: [...engine.retention.tooLarge(feedKey)],
    mirrors: await engine.mirrors.list(entry),
    ...defined({ problem: problem ?? (cut && tooLargeToList(feed, cut)) }),
    ...(successor && { successor: describeSuccessor(engine, successor) }),
  }
}

// Counted from what peers announce. What is before the newest issue are older ones and the profile.
function copiesOf(network: Network | undefined, feed: Feed, newest: LocatedIssue | undefined) {
  if (network === undefined || newest === undefined) return { newestCopies: 0, olderCopies: 0 }
  const { start } = feed.entryRange(newest)
  return {
    newestCopies: network.copies(feed.feedKey, ...feed.neededRanges(newest)),
    olderCopies: network.copies(feed.feedKey, { start: 0, end: start }),
  }
}

/**
 * Size of all files below a directory. Not the blocks allocated: the storage reserves tens of
 * megabytes for its write-ahead log while it is open, whatever it holds.
 */
export async function bytesBelow(dir: string): Promise<number> {
  const entries = await readdir(dir, { withFileTypes: true, recursive: true }).catch(() => [])
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => {
      // A file that vanishes meanwhile takes no space.
      const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined)
      return found?.size ?? 0
    })
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

type Measures = Output<'measure'>

export async function measure(engine: Engine): Promise<Measures> {
  const network = await engine.networkIfOnline()
  const { dataDir } = engine.config
  const { capBytes } = engine.retention
  const traffic = await engine.seedingHistory.traffic()
  const [problem, usedBytes, dataBytes, free, newsletters] = await Promise.all([
    problemOf(engine),
    engine.retention.usedBytes(),
    bytesBelow(dataDir),
    freeBytes(dataDir),
    Promise.all(engine.library.list().map((it) => measureNewsletter(engine, network, it))),
  ])
  return {
    online: network !== undefined,
    ...(problem && { problem: { code: problem.code, message: problem.message } }),
    dataBytes,
    freeBytes: free,
    usedBytes,
    ...(capBytes === Infinity ? {} : { capBytes }),
    ...(network && { network: measureNetwork(network) }),
    newsletters: newsletters.map((it) => ({ ...it, totals: traffic.of(it.feedKey as FeedKey) })),
    ...defined({ web: engine.gateway() }),
  }
}

const HOUR_MS = 60 * 60_000

export const copyHistory: Work<'copyHistory'> = async (
  { library, seedingHistory },
  { newsletter },
) => {
  const hours = await seedingHistory.hours(library.resolve(newsletter).feedKey)
  return hours.map(({ from, to, peers, copies }) => ({
    from: new Date(from * HOUR_MS).toISOString(),
    hours: to - from + 1,
    peers,
    copies,
  }))
}

async function measureNewsletter(
  { feeds, mirrors }: Engine,
  network: Network | undefined,
  entry: LibraryEntry,
): Promise<Measures['newsletters'][number]> {
  const { feedKey, encryptionKey, roles, problem } = entry
  await using session = await feeds.ifOpen(feedKey)
  const asked = await mirrors.list(entry)
  const feed = session?.feed
  return {
    feedKey,
    private: encryptionKey !== undefined,
    roles: [...roles],
    ...(feed && { length: feed.length, heldBlocks: feed.heldBlocks }),
    ...(network?.status(feedKey) ?? NO_TRAFFIC),
    mirrors: countBy(asked.map(({ state }) => state)),
    mirrorBytes: asked.reduce((sum, it) => sum + it.downloadedBytes, 0),
    ...defined({ problem: problem?.code }),
  }
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const it of names) counts[it] = (counts[it] ?? 0) + 1
  return counts
}

function measureNetwork(network: Network): NonNullable<Measures['network']> {
  const { connections, tcpConnections, knownPeers, bannedPeers, nodes, attempts } =
    network.swarm.diagnosis.facts()
  const { relayedPeers, relay } = relayingOf(network)
  return {
    connections,
    localConnections: tcpConnections,
    ...defined({ relayedConnections: relayedPeers, relay }),
    knownPeers,
    bannedPeers,
    dhtNodes: nodes,
    attempts: attempts.tried,
    connected: attempts.connected,
    failed: attempts.failed,
  }
}
