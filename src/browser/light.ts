import { defined } from '../defined.ts'
import { HyperletterError } from '../errors.ts'
import type { EncryptionKey, FeedKey } from '../format/keys/feed-key.ts'
import { LogFiles } from '../format/log-files/log-files.ts'
import { webSource } from '../format/log-files/source.ts'
import { IssueReader } from './issue-reader.ts'
import { assertNotOlder } from './known-heads.ts'

export interface LightOptions {
  readonly feedKey: FeedKey
  readonly encryptionKey?: EncryptionKey | undefined
}

/**
 * Opens the first of some addresses that has log files of the newsletter, to read them without Hypercore: the newest issue
 * with three requests.
 * @param bases addresses of folders of log files; each ends in `/`.
 * @throws INVALID_LOG, FEED_BEHIND or FEED_CONFLICT if one had something else and none had what is wanted; NOT_AVAILABLE.
 */
export async function openLight(
  bases: readonly string[],
  { feedKey, encryptionKey }: LightOptions,
): Promise<IssueReader> {
  let failure = new HyperletterError('NOT_AVAILABLE', 'No address of its log files is known.')
  for (const base of bases) {
    try {
      const log = await LogFiles.open(webSource(base), { feedKey, ...defined({ encryptionKey }) })
      await assertNotOlder(log.files)
      return new IssueReader(log, { feedKey, from: new URL(base).host })
    } catch (error) {
      // What is wrong is worth more to know than what is not there.
      const found = HyperletterError.from(error)
      if (failure.code === 'NOT_AVAILABLE') failure = found
    }
  }
  throw failure
}
