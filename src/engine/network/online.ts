import { join } from 'node:path'
import type Corestore from 'corestore'
import type { Config } from '../../config/config.ts'
import type { Library, LibraryEntry } from '../library/library.ts'
import { short, type Logger } from '../../logger.ts'
import { Bans } from '../../peers/connections/bans.ts'
import { Network, type NetworkOptions } from './network.ts'
import { KEEP_OPEN } from '../../replication/idle/idle-feeds.ts'
import { compareTimes } from '../../format/records/time-order.ts'
import type { Feeds } from '../feeds.ts'
import { readLogHead } from '../../log/store/read-log-head.ts'

export interface OnlineOptions extends Pick<
  NetworkOptions,
  'keyPair' | 'dht' | 'onSuccession' | 'onDiskFull'
> {
  readonly config: Config
  readonly logger: Logger
  readonly store: Corestore
  readonly library: Library
  readonly feeds: Feeds
  /** Opens a newsletter that rested, and has the network start it. */
  readonly open: (entry: LibraryEntry) => Promise<unknown>
}

/**
 * Takes the newsletters of the library to the network. Those that were active last open at once; the
 * others are announced, and open when a peer has or wants something of them: a thousand open logs
 * would take too long, and too much memory. Whoever asks closes the network.
 */
export async function goOnline({
  config,
  logger,
  store,
  library,
  feeds,
  open,
  ...rest
}: OnlineOptions): Promise<Network> {
  const network = new Network({
    ...rest,
    config,
    logger,
    bans: await Bans.open({ path: join(config.dataDir, 'bans.json'), logger }),
    keeper: {
      open: async (feedKey) => {
        const entry = library.get(feedKey)
        if (entry !== undefined) await open(entry)
      },
      close: (feedKey) => feeds.rest(feedKey),
      peek: (discoveryKey) => readLogHead(store, discoveryKey),
    },
    isPrivate: (discoveryKey) => feeds.isPrivate(discoveryKey),
    replicate: (connection) => store.replicate(connection),
  })
  const entries = library.list().toSorted((a, b) => compareTimes(activityOf(b), activityOf(a)))
  for (const entry of entries.slice(0, KEEP_OPEN)) {
    const { feedKey } = entry
    try {
      network.start(await feeds.get(entry))
    } catch (err) {
      // One feed that cannot be opened must not keep the others offline.
      logger.error({ feed: short(feedKey), err }, 'a newsletter could not go online')
    }
  }
  for (const { feedKey } of entries) network.follow(feedKey)
  // Also for what is opened from here; the network starts it all the same.
  store.watch(({ discoveryKey }) => network.demand(discoveryKey))
  return network
}

function activityOf({ activeAt, addedAt }: LibraryEntry): string {
  return activeAt ?? addedAt
}
