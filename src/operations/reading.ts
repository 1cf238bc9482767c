import type { Engine } from '../engine/engine.ts'
import { hasCode, HyperletterError } from '../errors.ts'
import type { Feed, LocatedIssue } from '../feed/feed.ts'
import type { CallOptions, Output, ParsedInput } from './contract.ts'
import { summarizeIssue } from './listing.ts'

/** How long reading an issue that is not held waits for each block, unless told otherwise. */
const READ_TIMEOUT_SECONDS = 20

/** One issue with its text. Goes online only for what is not on this machine. */
export async function readIssue(
  engine: Engine,
  input: ParsedInput<'readIssue'>,
  { signal }: CallOptions,
): Promise<Output<'readIssue'>> {
  const entry = engine.feeds.resolve(input.newsletter)
  const feed = await engine.feed(entry)
  const { timeoutSeconds = READ_TIMEOUT_SECONDS } = input
  const options = { timeoutMs: timeoutSeconds * 1_000, signal }
  const located = await locate(engine, feed, input.number, options)
  const { record } = located
  const body = { start: record.body.block, end: record.body.block + record.body.blocks }
  if (!(await feed.holds(body))) await online(engine, feed)
  const markdown = await feed.readBody(located, options)
  const verified =
    (await feed.verify(body)) &&
    (await feed.verify({ start: located.index, end: located.index + 1 }))
  const attachments = await Promise.all(
    record.attachments.map(async ({ name, mediaType, bytes, alt, block, blocks }) => ({
      name,
      mediaType,
      bytes,
      ...(alt === undefined ? {} : { alt }),
      held: await feed.holds({ start: block, end: block + blocks }),
    })),
  )
  if (input.markRead === true) await engine.library.setRead(feed.feedKey, record.number, true)
  const { number, title, publishedAt, summary, authors, tags, language } = record
  return {
    feedKey: feed.feedKey,
    newsletter: entry.title ?? feed.feedKey,
    number,
    title,
    publishedAt,
    markdown,
    attachments,
    verified,
    ...(summary === undefined ? {} : { summary }),
    ...(authors === undefined ? {} : { authors }),
    ...(tags === undefined ? {} : { tags }),
    ...(language === undefined ? {} : { language }),
  }
}

/** The bytes of one attachment, as they arrive. */
export async function* readAttachment(
  engine: Engine,
  input: ParsedInput<'readAttachment'>,
  { signal }: CallOptions,
): AsyncGenerator<Uint8Array> {
  const feed = await engine.feed(engine.feeds.resolve(input.newsletter))
  const { timeoutSeconds = READ_TIMEOUT_SECONDS } = input
  const options = { timeoutMs: timeoutSeconds * 1_000, signal }
  const { record } = await locate(engine, feed, input.number, options)
  const attachment = record.attachments.find((it) => it.name === input.name)
  if (attachment === undefined) {
    const names = record.attachments.map((it) => it.name).join(', ') || 'none'
    throw new HyperletterError(
      'ISSUE_NOT_FOUND',
      `Issue ${input.number} has no attachment "${input.name}".`,
      {
        hint: `It has: ${names}.`,
      },
    )
  }
  const { block, blocks } = attachment
  if (!(await feed.holds({ start: block, end: block + blocks }))) await online(engine, feed)
  yield* feed.readAttachment(attachment, options)
}

/** Sets the read mark of one issue. */
export async function markIssue(
  engine: Engine,
  input: ParsedInput<'markIssue'>,
): Promise<Output<'markIssue'>> {
  const entry = engine.feeds.resolve(input.newsletter)
  const feed = await engine.feed(entry)
  const located = await feed.issue(input.number, { wait: false })
  await engine.library.setRead(feed.feedKey, input.number, input.read)
  return summarizeIssue(entry, feed, located, input.read)
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
