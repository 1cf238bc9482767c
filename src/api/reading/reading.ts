import type { Work } from '../work.ts'
import { defined } from '../../defined.ts'
import type { Engine } from '../../engine/engine.ts'
import { hasCode, HyperletterError } from '../../errors.ts'
import { only } from '../../format/block-ranges.ts'
import {
  contentRange,
  recordsOf,
  editionsOf,
  newestEdition,
  type Edition,
} from '../../format/history/corrections.ts'
import type { Attachment } from '../../format/records/bodies.ts'
import type { Feed, LocatedIssue } from '../../format/feed.ts'
import { publishedLetters } from '../letters/listing.ts'
import { describeEdition } from '../../site/describe.ts'
import { bitmapOf } from '../../render/bitmap.ts'
import { ignoreFullDisk } from '../../storage-errors.ts'
import type { Output } from '../contract/contract.ts'

/** How long reading an issue that is not held waits for each block, unless told otherwise. */
const READ_TIMEOUT_SECONDS = 20

const LOCAL = { wait: false }

/** One issue with its text. Goes online only for what is not on this machine. */
export const readIssue: Work<'readIssue'> = async (engine, input, { signal } = {}) => {
  const entry = engine.library.resolve(input.newsletter)
  await using session = await engine.open(entry)
  const { feed } = session
  const { timeoutSeconds = READ_TIMEOUT_SECONDS, pictureSizes = false } = input
  const options = { timeoutMs: timeoutSeconds * 1_000, signal }
  const located = await locate(engine, feed, input.number, options)
  const { number } = located.record
  const shown = editionOf(located, input.edition)
  const areRecordsVerified = verifyRecords(feed, located)
  // Awaited below.
  areRecordsVerified.catch(() => undefined)
  const contents =
    located.retraction === undefined
      ? await readContents(engine, feed, shown, { ...options, pictureSizes })
      : { markdown: '', attachments: [], areVerified: true }
  const { markdown, attachments, areVerified } = contents
  const verified = areVerified && (await areRecordsVerified)
  if (input.markRead === true)
    await engine.library.marks
      .set('read', feed.feedKey, [number], true, new Map([[number, shown.index]]))
      .catch(ignoreFullDisk)
  const letters = await publishedLetters(feed, located)
  return {
    feedKey: feed.feedKey,
    newsletter: entry.title ?? feed.feedKey,
    markdown,
    attachments,
    verified,
    ...(letters.length > 0 && { letters }),
    ...((await feed.profile(LOCAL)).letters !== undefined && { takesLetters: true as const }),
    ...describeEdition(located, shown),
    ...(entry.roles.includes('author') && { own: true as const }),
  }
}

async function readContents(
  engine: Engine,
  feed: Feed,
  edition: Edition,
  options: { timeoutMs: number; signal: AbortSignal | undefined; pictureSizes: boolean },
): Promise<
  Pick<Output<'readIssue'>, 'markdown' | 'attachments'> & { readonly areVerified: boolean }
> {
  const { record } = edition
  const body = contentRange(record.body)
  if (!feed.holds(body)) {
    await engine.retention.reserveOnDemand(feed, record.number, [body])
    await online(engine, feed)
  }
  const markdown = await feed.readBody(edition, options)
  const areVerified = await feed.verify(body)
  // It was dropped meanwhile, by a choice of what to keep: this time it is fetched, and stays.
  if (!areVerified && !feed.holds(body)) return readContents(engine, feed, edition, options)
  const described = record.attachments.map(async (attachment) => {
    const { name, mediaType, bytes, alt } = attachment
    const held = feed.holds(contentRange(attachment))
    const isPicture = options.pictureSizes && held && mediaType.startsWith('image/')
    const size = isPicture ? await sizeOf(feed, attachment) : {}
    return { name, mediaType, bytes, ...defined({ alt }), ...size, held }
  })
  const attachments = await Promise.all(described)
  return { markdown, attachments, areVerified }
}

/** As much of a picture is looked at: a photo may begin with a small one. */
const MAX_PICTURE_HEAD = 256 * 1_024

async function sizeOf(
  feed: Feed,
  attachment: Attachment,
): Promise<{ width?: number; height?: number }> {
  let head = new Uint8Array()
  try {
    for await (const part of feed.readAttachment(attachment, { wait: false })) {
      head = Buffer.concat([head, part])
      const { width, height } = bitmapOf(head) ?? {}
      if (width !== undefined && height !== undefined) return { width, height }
      if (head.byteLength > MAX_PICTURE_HEAD) break
    }
  } catch {
    // It has gone meanwhile, or is none.
  }
  return {}
}

async function verifyRecords(feed: Feed, issue: LocatedIssue): Promise<boolean> {
  for (const index of recordsOf(issue)) {
    if (!(await feed.verify(only(index)))) return false
  }
  return true
}

// Counted from 1, the issue as it was first published.
function editionOf(issue: LocatedIssue, wanted: number | undefined): Edition {
  if (wanted === undefined) return newestEdition(issue)
  const editions = editionsOf(issue)
  const found = editions[wanted - 1]
  if (found !== undefined) return found
  const has = editions.length === 1 ? 'one edition' : `${editions.length} editions`
  const message = `Issue ${issue.record.number} has ${has}, and no edition ${wanted}.`
  throw new HyperletterError('ISSUE_NOT_FOUND', message)
}

/** The bytes of one attachment, as they arrive. */
export const readAttachment: Work<'readAttachment'> = async function* (
  engine,
  input,
  { signal } = {},
) {
  await using session = await engine.open(engine.library.resolve(input.newsletter))
  const { feed } = session
  const { timeoutSeconds = READ_TIMEOUT_SECONDS } = input
  const options = { timeoutMs: timeoutSeconds * 1_000, signal }
  const located = await locate(engine, feed, input.number, options)
  if (located.retraction !== undefined) {
    throw new HyperletterError('ISSUE_NOT_FOUND', `Issue ${input.number} was retracted.`)
  }
  const { record } = editionOf(located, input.edition)
  const attachment = record.attachments.find((it) => it.name === input.name)
  if (attachment === undefined) {
    const names = record.attachments.map((it) => it.name).join(', ') || 'none'
    const message = `Issue ${input.number} has no attachment "${input.name}".`
    throw new HyperletterError('ISSUE_NOT_FOUND', message, { hint: `It has: ${names}.` })
  }
  const range = contentRange(attachment)
  if (!feed.holds(range)) {
    await engine.retention.reserveOnDemand(feed, record.number, [contentRange(record.body), range])
    await online(engine, feed)
  }
  yield* feed.readAttachment(attachment, options)
}

async function online(engine: Engine, feed: Feed): Promise<void> {
  const network = await engine.network()
  network.start(feed)
}

async function locate(
  engine: Engine,
  feed: Feed,
  number: number | undefined,
  options: { timeoutMs: number; signal: AbortSignal | undefined },
): Promise<LocatedIssue> {
  try {
    return await feed.issue(number, { ...options, wait: false })
  } catch (error) {
    if (!hasCode(error, 'NOT_AVAILABLE')) throw error
    await online(engine, feed)
    return feed.issue(number, options)
  }
}
