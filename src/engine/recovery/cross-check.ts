import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../../config/config.ts'
import { HyperletterError } from '../../errors.ts'
import { Feed } from '../../format/feed.ts'
import { anySignal } from '../../within.ts'
import type { LibraryEntry } from '../library/library.ts'
import type { Logger } from '../../logger.ts'
import { Network } from '../network/network.ts'
import { keyBytes } from '../../format/keys/feed-key.ts'
import { hex } from '../../hex.ts'
import { keyPairOf } from '../../log/keys.ts'
import { openScratchStore } from '../../log/store/opening.ts'
import { catchUp, type CatchUpOptions } from './catch-up.ts'
import { decompress } from '../compression.ts'

export interface CrossCheckOptions extends CatchUpOptions {
  readonly config: Config
  readonly logger: Logger
}

/** A log as reachable peers hold it, whatever is in the store of this device. */
export interface CrossCheck {
  readonly feed: Feed
  /** How many peers were asked. */
  readonly peers: number
  close(): Promise<void>
}

/**
 * Fetches a log from peers into a store of its own, under a key of its own: a log that was forked may not
 * meet them. Needs as much room on the disk as the log. Whoever asks closes it.
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
