import { defined } from '../../defined.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Feed } from '../../format/feed.ts'
import { parseLink, type Link } from '../../format/keys/link.ts'
import type { CallOptions, Output, ParsedInput } from '../contract/contract.ts'
import { discard, introduction, reopen, startSeeding } from './subscribing.ts'

/** How long a first answer from any peer is waited for. */
const PEER_TIMEOUT_SECONDS = 20

/** How long the newest issue's record may take beyond that. The profile alone is worth showing. */
const NEWEST_TIMEOUT_MS = 3_000

/** How many previews run at this moment, by engine and feed key: the last one tidies up. */
const running = new WeakMap<Engine, Map<string, number>>()

/**
 * What a link leads to: profile and newest issue. Leaves the library as it was.
 * @throws NOT_AVAILABLE if nobody answers, NEEDS_KEY
 */
export async function previewNewsletter(
  engine: Engine,
  input: ParsedInput<'previewNewsletter'>,
  { signal }: CallOptions,
): Promise<Output<'previewNewsletter'>> {
  const link = parseLink(input.link)
  const known = engine.library.get(link.feedKey)
  const { timeoutSeconds = PEER_TIMEOUT_SECONDS } = input
  const options = { timeoutMs: timeoutSeconds * 1_000, signal }
  // A key that was found later may open what is only carried so far; that is for `subscribe` to keep.
  const wanted = known?.encryptionKey === undefined ? link : known
  const needsReopen = known !== undefined && wanted.encryptionKey !== known.encryptionKey
  const leave = enter(engine, link)
  try {
    if (needsReopen) await reopen(engine, wanted)
    const feed = await startSeeding(engine, wanted)
    return await describe(feed, {
      options,
      isPrivate: wanted.encryptionKey !== undefined,
      subscribed: known?.roles.includes('subscriber') === true,
    })
  } finally {
    if (leave()) await tidy(engine, link, needsReopen)
  }
}

async function describe(
  feed: Feed,
  about: {
    readonly options: { timeoutMs: number; signal: AbortSignal | undefined }
    readonly isPrivate: boolean
    readonly subscribed: boolean
  },
): Promise<Output<'previewNewsletter'>> {
  const { title, description, language, authors } = await introduction(feed, about.options)
  const newest = await feed
    .newest({ timeoutMs: NEWEST_TIMEOUT_MS, signal: about.options.signal })
    .catch(() => undefined)
  return {
    feedKey: feed.feedKey,
    title,
    ...defined({ description, language, authors }),
    private: about.isPrivate,
    issues: newest?.record.number ?? 0,
    subscribed: about.subscribed,
    ...(newest === undefined
      ? {}
      : {
          newest: {
            number: newest.record.number,
            title: newest.record.title,
            publishedAt: newest.record.publishedAt,
          },
        }),
  }
}

function enter(engine: Engine, { feedKey }: Link): () => boolean {
  const counts = running.get(engine) ?? new Map<string, number>()
  running.set(engine, counts)
  counts.set(feedKey, (counts.get(feedKey) ?? 0) + 1)
  return () => {
    const left = (counts.get(feedKey) ?? 1) - 1
    if (left === 0) counts.delete(feedKey)
    else counts.set(feedKey, left)
    return left === 0
  }
}

// Somebody may have subscribed meanwhile: then the feed stays open, with the key that they gave.
async function tidy(engine: Engine, { feedKey }: Link, needsReopen: boolean): Promise<void> {
  const entry = engine.library.get(feedKey)
  if (entry === undefined) await discard(engine, feedKey)
  else if (needsReopen && entry.encryptionKey === undefined) {
    await reopen(engine, entry)
    await startSeeding(engine, entry)
  }
}
