import { defined } from '../defined.ts'
import { HyperletterError, ifCode } from '../errors.ts'
import { Contents } from '../format/content/content-codec.ts'
import { portable } from '../format/crypto.ts'
import { newestEdition, type LocatedIssue } from '../format/history/corrections.ts'
import { History } from '../format/history/history.ts'
import type { Listing } from '../format/history/listing.ts'
import { Readability } from '../format/history/readable.ts'
import type { FeedKey, EncryptionKey } from '../format/keys/feed-key.ts'
import { shownLetter, wantedLetters, type ShownLetter } from '../format/letters/shown.ts'
import type { BlockSource, ReadOptions } from '../format/log.ts'
import type { Attachment } from '../format/records/bodies.ts'
import { collect } from '../format/bytes.ts'
import { describeEdition } from '../site/describe.ts'
import type { IssueText } from '../site/pages/parts.ts'
import { LogFiles } from '../format/log-files/log-files.ts'
import { webSource } from '../format/log-files/source.ts'
import { assertNotOlder } from './known-heads.ts'

/** Pictures above this are links. */
export const MAX_PICTURE_BYTES = 32 * 1024 * 1024

/** With the last record come, in one request, the text of its issue and what its author said after that. */
const BYTES_AROUND_RECORD = 6 * 1024

/** A log to read issues from. */
interface IssueSource extends BlockSource {
  /** Fetches at once what it takes to list them, where that can be had apart. */
  fetchRecords?(): Promise<void>
}

export interface VerifiedIssue {
  readonly text: IssueText
  readonly located: LocatedIssue
}

interface IssueReaderOptions {
  readonly feedKey: FeedKey
  readonly from: string
  readonly options?: () => ReadOptions
}

/** A newsletter, read from any log. Nothing that it gives was not verified against the feed key. */
export class IssueReader {
  readonly feedKey: FeedKey
  readonly log: IssueSource
  /** What the log was read from, for people. */
  readonly from: string
  readonly #options: () => ReadOptions
  readonly #history: History
  readonly #readability: Readability
  readonly #contents: Contents
  #records: Promise<void> | undefined

  /** @param options how blocks are obtained, each time anew. */
  constructor(log: IssueSource, { feedKey, from, options = () => ({}) }: IssueReaderOptions) {
    this.log = log
    this.feedKey = feedKey
    this.from = from
    this.#options = options
    this.#history = new History(log)
    this.#readability = new Readability(log, this.#history)
    this.#contents = new Contents(log)
  }

  /** One issue; the newest when no number is given. @throws NEEDS_KEY, ISSUE_NOT_FOUND, INVALID_LOG, NOT_AVAILABLE */
  async issue(number?: number): Promise<VerifiedIssue> {
    const options = { ...this.#options(), bytesAround: BYTES_AROUND_RECORD }
    await this.#readability.assert(options)
    const newest = await this.#history.newest(options)
    const located =
      number === undefined || newest?.record.number === number
        ? newest
        : (await this.list()).issues.find((it) => it.record.number === number)
    if (located === undefined) {
      const what =
        number === undefined ? 'The newsletter has no issue yet.' : `There is no issue ${number}.`
      throw new HyperletterError('ISSUE_NOT_FOUND', what)
    }
    const edition = newestEdition(located)
    const isGone = located.retraction !== undefined
    const markdown = isGone ? '' : await this.#contents.body(edition, this.#options())
    const attachments = isGone ? [] : edition.record.attachments
    const text = {
      feedKey: this.feedKey,
      newsletter: `${this.feedKey.slice(0, 8)}…`,
      markdown,
      attachments: attachments.map(({ name, mediaType, bytes, alt }) => ({
        name,
        mediaType,
        bytes,
        ...defined({ alt }),
        held: true,
      })),
      verified: true,
      ...describeEdition(located, edition),
    }
    return { located, text }
  }

  /** All issues, newest first; from log files, with two requests for 256 blocks. @throws NEEDS_KEY, INVALID_LOG, NOT_AVAILABLE */
  async list(): Promise<Listing> {
    // First: the last block, which says whether it can be read, is among them.
    await (this.#records ??= this.log.fetchRecords?.())
    await this.#readability.assert(this.#options())
    return this.#history.list(this.#options())
  }

  /** Letters about an issue that can be had, each as its sender signed it, oldest first. @throws as `list` does */
  async letters(issue: number): Promise<ShownLetter[]> {
    const { letters } = await this.list()
    const shown: ShownLetter[] = []
    for (const it of wantedLetters(letters, issue).toReversed()) {
      const reading = this.log.read(it.block, this.#options())
      const block = await reading.catch(ifCode(undefined, 'NOT_AVAILABLE'))
      const found = block && shownLetter(block, it, this.feedKey, portable)
      if (found !== undefined) shown.push(found)
    }
    return shown
  }

  /** The newest profile: of those that were listed, or with requests of its own. */
  async profile() {
    return (await this.#history.profile(this.#options()))?.record
  }

  /** The bytes of an attachment. @throws INVALID_LOG, INVALID_RECORD, NOT_AVAILABLE */
  attachment(attachment: Attachment): Promise<Uint8Array> {
    return collect(this.#contents.attachment(attachment, this.#options()))
  }
}

interface LightOptions {
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
