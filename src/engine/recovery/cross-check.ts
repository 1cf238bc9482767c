import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../../config/config.ts'
import { HyperletterError } from '../../errors.ts'
import { Feed } from '../../format/feed.ts'
import { anySignal, timeoutSignal } from '../../async.ts'
import type { LibraryEntry } from '../library/library.ts'
import type { Logger } from '../../logger.ts'
import { Network } from '../network/network.ts'
import { keyBytes } from '../../format/keys/feed-key.ts'
import { hex } from '../../hex.ts'
import { keyPairOf } from '../../log/keys.ts'
import { openScratchStore } from '../../log/store/opening.ts'
import { catchUp, type CatchUpOptions } from './catch-up.ts'
import { decompress } from '../compression.ts'
import { setTimeout as pause } from 'node:timers/promises'
import { guardReplication } from '../../log/internals/wire-guard.ts'
import { openDht } from '../../peers/dht.ts'
import { Swarm, type SwarmOptions } from '../../peers/swarm.ts'

export interface CrossCheckOptions extends CatchUpOptions {
  readonly config: Config
  readonly logger: Logger
}

/** A log as reachable peers hold it, whatever is in the store of this device. */
export interface CrossCheck {
  readonly feed: Feed
  readonly peers: number
  close(): Promise<void>
}

/**
 * Fetches a log from peers into a store of its own, under a key of its own: a log that was forked may not
 * meet them. Needs as much room on the disk as the log. The caller closes it.
 * @throws NOT_AVAILABLE if nobody answers; FEED_CONFLICT if peers hold different histories; DISK_FULL.
 */
export async function crossCheck(
  { feedKey, encryptionKey }: Pick<LibraryEntry, 'feedKey' | 'encryptionKey'>,
  { config, logger, ...options }: CrossCheckOptions,
): Promise<CrossCheck> {
  const dir = await mkdtemp(join(config.dataDir, 'repair-'))
  const store = await openScratchStore(join(dir, 'store'))
  const full = new AbortController()
  const network = new Network({
    config,
    keyPair: keyPairOf(),
    logger,
    replicate: (connection) => store.replicate(connection),
    onSuccession: () => Promise.resolve(),
    onDiskFull: (cause) =>
      full.abort(
        new HyperletterError('DISK_FULL', 'The disk has no room for a second copy.', { cause }),
      ),
  })
  const close = async () => {
    await network.close()
    await store.close()
    await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  }
  try {
    const secrets = { encryptionKey: encryptionKey && keyBytes(encryptionKey) }
    const feed = new Feed(await store.openLog(keyBytes(feedKey), secrets), decompress)
    const { signal } = options
    const peers = await catchUp(feed, network, {
      ...options,
      signal: anySignal(full.signal, signal),
    })
    if (feed.length > 0) return { feed, peers, close }
    throw new HyperletterError('NOT_AVAILABLE', 'No reachable peer has any of it.')
  } catch (error) {
    await close()
    throw error
  }
}

/** How many blocks from the beginning two logs have in common. */
export async function commonLength(a: Feed, b: Feed): Promise<number> {
  let same = 0
  let limit = Math.min(a.length, b.length)
  while (same < limit) {
    const middle = Math.ceil((same + limit) / 2)
    const [one, other] = await Promise.all([a.log.treeHash(middle), b.log.treeHash(middle)])
    if (hex(one) === hex(other)) same = middle
    else limit = middle - 1
  }
  return same
}

export interface PollOptions {
  readonly config: Config
  readonly logger: Logger
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** What one peer holds of a log. */
export interface PeerLength {
  readonly length: number
  /** Its history and ours are the same as far as the shorter of them goes. */
  readonly agrees: boolean
}

type Connection = Parameters<SwarmOptions['onConnection']>[0]

/** Once somebody has answered, others get as long. */
const OTHERS_MS = 3_000

const ANSWER_MS = 10_000

/** More would not change what is to be done. */
const MAX_VOTES = 16

const LOOK_AGAIN_MS = 2_000

/**
 * Asks each reachable peer by itself which history of a log it holds. Peers that hold different ones would
 * end each other's answers if one store met them all, so each meets an empty store of its own; of the log
 * only one block is fetched. The feed itself must be off the network.
 */
export async function poll(feed: Feed, options: PollOptions): Promise<PeerLength[]> {
  const { config, logger, timeoutMs, signal } = options
  const dir = await mkdtemp(join(config.dataDir, 'repair-'))
  const votes: PeerLength[] = []
  const asking = new Set<Promise<void>>()
  const stop = new AbortController()
  const asked = new Set<string>()
  const ask = (connection: Connection): void => {
    const peer = connection.remotePublicKey.toString('hex')
    if (asked.size >= MAX_VOTES || asked.has(peer) || stop.signal.aborted) return
    asked.add(peer)
    const answering = answerOf(connection, feed, join(dir, peer), stop.signal)
      .then((vote) => void (vote === undefined || votes.push(vote)))
      .catch((err: unknown) => logger.debug({ err: String(err) }, 'a peer gave no answer'))
      .finally(() => asking.delete(answering))
    asking.add(answering)
  }
  const keyPair = keyPairOf()
  const { bootstrap, host, hideAddress, relayUse } = config
  const dht = openDht({ bootstrap, host, udpPort: undefined, hideAddress })
  const guard = guardReplication
  const hiding = { hideAddress, relayUse }
  const swarm = new Swarm({ keyPair, dht, logger, guard, onConnection: ask, ...hiding })
  const topic = feed.log.discoveryKey
  try {
    swarm.topics.join(topic)
    const deadline = Date.now() + timeoutMs
    for (let next = LOOK_AGAIN_MS; votes.length === 0 && Date.now() < deadline;) {
      await pause(25, undefined, signal === undefined ? {} : { signal })
      if (Date.now() < deadline - timeoutMs + next) continue
      swarm.topics.refresh(topic)
      next += LOOK_AGAIN_MS
    }
    if (votes.length > 0) {
      await pause(Math.min(OTHERS_MS, timeoutMs), undefined, signal === undefined ? {} : { signal })
    }
    return votes
  } finally {
    stop.abort()
    await Promise.all(asking)
    await swarm.close()
    await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function answerOf(
  connection: Connection,
  feed: Feed,
  dir: string,
  stop: AbortSignal,
): Promise<PeerLength | undefined> {
  const store = await openScratchStore(dir)
  const close = () => void store.close().catch(() => undefined)
  const deadline = timeoutSignal(ANSWER_MS, stop)
  deadline.addEventListener('abort', close, { once: true })
  try {
    const log = await store.openLog(feed.log.key)
    store.replicate(connection)
    while (log.length === 0) {
      deadline.throwIfAborted()
      await log.update()
      await pause(25)
    }
    const { length } = log
    const shared = Math.min(length, feed.length)
    // With the proof of its last block come the roots of the tree up to it.
    if (shared < length) await log.read(shared - 1, { timeoutMs: ANSWER_MS })
    const [theirs, ours] = await Promise.all([log.treeHash(shared), feed.log.treeHash(shared)])
    return { length, agrees: hex(theirs) === hex(ours) }
  } finally {
    deadline.removeEventListener('abort', close)
    await store.close().catch(() => undefined)
  }
}
