import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Config } from '../../config/config.ts'
import type { Feed } from '../../format/feed.ts'
import type { Logger } from '../../logger.ts'
import { guardReplication } from '../../log/internals/wire-guard.ts'
import { openDht } from '../../peers/dht.ts'
import { Swarm, type SwarmOptions } from '../../peers/swarm.ts'
import { hex } from '../../hex.ts'
import { keyPairOf } from '../../log/keys.ts'
import { openScratchStore } from '../../log/store/opening.ts'

export interface PollOptions {
  readonly config: Config
  readonly logger: Logger
  /** How long to wait for anybody. */
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

/** How long one peer may take to answer. */
const ANSWER_MS = 10_000

/** More would not change what is to be done. */
const MAX_VOTES = 16

const LOOK_AGAIN_MS = 2_000

/**
 * Asks each reachable peer by itself which history of a log it holds. Peers that hold different ones would
 * end each other's answers if one store met them all, so each meets an empty store of its own; of the log
 * only one block is fetched. The feed itself must be off the network.
 */
export async function poll(
  feed: Feed,
  { config, logger, timeoutMs, signal }: PollOptions,
): Promise<PeerLength[]> {
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
  const { bootstrap, host } = config
  const dht = openDht({ bootstrap, host, udpPort: undefined })
  const swarm = new Swarm({ keyPair, dht, logger, guard: guardReplication, onConnection: ask })
  const topic = feed.log.discoveryKey
  try {
    swarm.join(topic)
    const deadline = Date.now() + timeoutMs
    for (let next = LOOK_AGAIN_MS; votes.length === 0 && Date.now() < deadline;) {
      await pause(25, undefined, signal === undefined ? {} : { signal })
      if (Date.now() < deadline - timeoutMs + next) continue
      swarm.refresh(topic)
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
  const deadline = AbortSignal.any([stop, AbortSignal.timeout(ANSWER_MS)])
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
