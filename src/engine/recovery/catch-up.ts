import { HyperletterError } from '../../errors.ts'
import type { Feed } from '../../format/feed.ts'
import { waitUntil } from '../../async.ts'
import type { Network } from '../network/network.ts'

export interface CatchUpOptions {
  /** How long to wait for a peer at all, and then how long the download may stand still. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Blocks that the log is known to have. */
  readonly atLeast?: number | undefined
  readonly onProgress?: (() => void) | undefined
}

/** Once one peer has answered, others get as long: they may hold more. */
const OTHERS_MS = 1_000

const REPORT_EVERY_MS = 200

/**
 * Fetches from peers whatever they hold more of a log than this device, every block of it.
 * @returns how many peers were asked.
 * @throws FEED_BEHIND if nobody answers, or those who do lack blocks that the log is known to have;
 * FEED_CONFLICT if a peer holds another history; ABORTED if the feed is closed meanwhile.
 */
export async function catchUp(
  feed: Feed,
  network: Network,
  options: CatchUpOptions,
): Promise<number> {
  network.start(feed)
  return awaitWhole(feed, options)
}

/** As `catchUp`, of a feed that something else downloads. */
export async function awaitWhole(feed: Feed, options: CatchUpOptions): Promise<number> {
  const { timeoutMs, signal, atLeast = 0, onProgress } = options
  const { log } = feed
  let isForked = false
  using _watch = {
    [Symbol.dispose]: log.events.on('watchers', 'conflict', () => (isForked = true)),
  }
  // A log that met another history of itself closes. Without peers and length, it must not pass for a whole log.
  const isLost = () => isForked || !log.isOpen
  const assertNotLost = () => {
    if (isForked) {
      throw new HyperletterError('FEED_CONFLICT', 'Peers hold another history than this device.')
    }
    if (isLost()) throw new HyperletterError('ABORTED', 'The newsletter was closed meanwhile.')
  }
  const asked = () => log.peers.filter((it) => it.isSynced)
  const isAnswered = await waitUntil(() => isLost() || asked().length > 0, { timeoutMs, signal })
  assertNotLost()
  if (!isAnswered) {
    throw new HyperletterError('FEED_BEHIND', `Nobody answered in ${timeoutMs / 1_000} s.`)
  }
  await waitUntil(isLost, { timeoutMs: Math.min(OTHERS_MS, timeoutMs), signal })
  assertNotLost()

  const target = () => Math.max(atLeast, ...asked().map((it) => it.length))
  const isWhole = () => !isLost() && log.length >= target() && feed.heldBlocks >= log.length
  const reached = () => log.length + feed.heldBlocks
  let before = -1
  let movedAt = Date.now()
  while (!isWhole()) {
    if (reached() > before) {
      before = reached()
      movedAt = Date.now()
      log.update().catch(() => undefined)
    } else if (Date.now() - movedAt > timeoutMs) {
      const message = `Holding ${feed.heldBlocks} of ${target()} blocks, and no reachable peer sends the rest.`
      throw new HyperletterError('FEED_BEHIND', message)
    }
    onProgress?.()
    const reportMs = Math.min(REPORT_EVERY_MS, timeoutMs)
    await waitUntil(() => isWhole() || isLost(), { timeoutMs: reportMs, signal })
    assertNotLost()
    // What its author took back need not come.
    await feed.isComplete()
  }
  onProgress?.()
  return asked().length
}
