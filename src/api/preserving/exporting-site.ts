import type { Work } from '../work.ts'
import { defined } from '../../defined.ts'
import { compress } from '../../engine/compression.ts'
import { hasCode, HyperletterError, invalidInput } from '../../errors.ts'
import { without } from '../../format/block-ranges.ts'
import { equal } from '../../format/bytes.ts'
import type { BlockRange } from '../../format/block-ranges.ts'
import type { Feed } from '../../format/feed.ts'
import { retractedContents } from '../../format/history/corrections.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { decodeHead, headHash, MAX_HEAD_BYTES, type LogHead } from '../../format/log-files/head.ts'
import { clipped, HEAD_PATH, TILE_BYTES } from '../../format/log-files/layout.ts'
import { logFilesOf, type LogFile, type WrittenLog } from '../../format/log-files/write.ts'
import { nativeCrypto } from '../../log/keys.ts'
import { formatLink } from '../../format/keys/link.ts'
import { readerFile } from '../../site/static/site.ts'
import { SiteFolder } from './site-folder.ts'
import { loadSiteAssets, writeWebsite } from './website.ts'

const LOCAL = { wait: false }

export const LOG = 'log/'

/** What `logFilesOf` names, and nobody else. */
const LOG_FILE = /^log\/(?:tree\/\d+|blocks\/\d+-\d+(?:-[0-9a-f]{16})?|records\/\d+(?:-\d+)?)$/
const PART = /\/\.hyperletter-[0-9a-f]{12}\.part$/

/**
 * Writes a folder that any web server can serve: the log as files, as docs/log-files.md specifies them, and of a newsletter
 * that everybody may read pages and feeds. What is there
 * already stays; what the author retracted goes at once, and other files that are not needed any more one publication
 * later, for somebody may have read the head a moment ago.
 * @throws NOT_AVAILABLE if blocks are not on this machine; INVALID_INPUT if something else is in the folder; FEED_BEHIND if
 * it has more of the newsletter than this device, FEED_CONFLICT if it has another history; DISK_FULL.
 */
export const exportSite: Work<'exportSite'> = async function* (
  engine,
  { newsletter, folder, logOnly = false, ...options },
  { signal } = {},
) {
  const entry = engine.library.resolve(newsletter)
  await using session = await engine.open(entry)
  const { feed } = session
  const site = new SiteFolder(folder, signal)
  const readable = await listed(feed)
  const log = await logFilesOf(feed.log, {
    holes: readable?.holes ?? [],
    records: readable && feed.log,
    crypto: nativeCrypto,
    compress,
    existing: (path) => site.read(LOG + path, TILE_BYTES),
  })
  const before = await headIn(site, feed.feedKey, log)
  // Whoever has the link of a private newsletter reads it with the reader in one file: no page has its text.
  const isPublic = !logOnly && readable !== undefined && entry.encryptionKey === undefined
  if (isPublic && before === undefined) await site.assertUnused()

  const files: LogFile[] = log.files.map((it) => ({ ...it, path: LOG + it.path }))
  if (!logOnly) files.push(whereItIs(feed.feedKey))
  const total = files.length + (isPublic ? readable.issues : 0)
  for (const [i, file] of files.entries()) {
    await site.writeLogFile(file)
    yield { event: 'writing', done: i + 1, total }
  }
  await removeOld(site, log, before)
  if (!logOnly) {
    const assets = await loadSiteAssets()
    if (!isPublic) await site.write(readerFile(assets))
    else {
      const successor = entry.successor && {
        link: formatLink({ feedKey: entry.successor.feedKey }),
        issuedAt: new Date(entry.successor.issuedAt).toISOString(),
      }
      const writing = writeWebsite(feed, site, { ...options, successor }, assets)
      for await (const { done } of writing)
        yield { event: 'writing', done: files.length + done, total }
    }
  }
  yield {
    event: 'finished',
    feedKey: feed.feedKey,
    ...defined({ title: entry.title }),
    ...site.changes,
  }
}

/** Contents that were retracted; undefined where the newsletter cannot be read here. */
export async function listed(
  feed: Feed,
): Promise<{ holes: BlockRange[]; issues: number } | undefined> {
  try {
    const listing = await feed.list(LOCAL)
    return { holes: retractedContents(listing), issues: listing.issues.length }
  } catch (error) {
    if (!hasCode(error, 'NEEDS_KEY', 'NOT_AVAILABLE')) throw error
    return undefined
  }
}

/**
 * What says where the log is.
 * @param peers addresses of WebSockets to peers.
 */
export function whereItIs(feedKey: FeedKey, peers?: readonly string[]): LogFile {
  const place = { hyperletter: 1, feedKey, log: LOG, ...defined({ peers }) }
  const text = `${JSON.stringify(place, undefined, 2)}\n`
  const bytes = () => Promise.resolve(new TextEncoder().encode(text))
  return { path: 'hyperletter.json', isImmutable: false, bytes }
}

// What was published into this folder before.
async function headIn(
  site: SiteFolder,
  feedKey: FeedKey,
  { head, treeHash }: WrittenLog,
): Promise<LogHead | undefined> {
  const bytes = await site.read(LOG + HEAD_PATH, MAX_HEAD_BYTES)
  if (bytes === undefined) return undefined
  let before: LogHead
  try {
    before = decodeHead(bytes, nativeCrypto)
  } catch (cause) {
    throw invalidInput(`${LOG}${HEAD_PATH} in the folder is damaged.`, {
      hint: 'Choose another folder, or remove that file.',
      cause,
    })
  }
  if (before.feedKey !== feedKey) {
    throw invalidInput('The folder has another newsletter.', {
      hint: 'Choose a folder for each newsletter.',
    })
  }
  if (before.length > head.length) {
    const message = `The folder has ${before.length} blocks of the newsletter; here are ${head.length}.`
    throw new HyperletterError('FEED_BEHIND', message, {
      hint: 'Let this device fetch the missing issues from peers first.',
    })
  }
  if (equal(headHash(before, nativeCrypto), treeHash(before.length))) return before
  throw new HyperletterError('FEED_CONFLICT', 'The folder has another history of the newsletter.')
}

async function removeOld(
  site: SiteFolder,
  { head, files, filesOf }: WrittenLog,
  before: LogHead | undefined,
): Promise<void> {
  const needed = new Set(files.map(({ path }) => path))
  const justRead = new Set(before === undefined ? [] : filesOf(before))
  const isNew = before?.length !== head.length
  for (const under of ['tree', 'blocks', 'records']) {
    for (const full of await site.list(LOG + under)) {
      const path = full.slice(LOG.length)
      if (needed.has(path) || (!LOG_FILE.test(full) && !PART.test(full))) continue
      const isOld = isNew && !justRead.has(path)
      if (!isOld && !hasRetracted(path, head, before)) continue
      await site.remove(full)
    }
  }
}

/** Whether a pack of the head before has contents that are not carried any more. */
export function hasRetracted(path: string, head: LogHead, before: LogHead | undefined): boolean {
  const { holes } = head
  const [, first, count] = /^blocks\/(\d+)-(\d+)/.exec(path) ?? []
  const pack = { start: Number(first), end: Number(first) + Number(count) }
  return without(clipped(holes, pack), before?.holes ?? []).length > 0
}
