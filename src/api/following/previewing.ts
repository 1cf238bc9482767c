import { defined } from '../../defined.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Feed } from '../../format/feed.ts'
import { parseLink } from '../../format/keys/link.ts'
import type { CallOptions, Output, ParsedInput } from '../contract/contract.ts'
import { introduction } from './subscribing.ts'

/** How long a first answer from any peer is waited for. */
const PEER_TIMEOUT_SECONDS = 20

/** How long the newest issue's record may take beyond that. The profile alone is worth showing. */
const NEWEST_TIMEOUT_MS = 3_000

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
  await using session = await engine.open(wanted, { online: true, temporary: true })
  return await describe(session.feed, {
    options,
    isPrivate: wanted.encryptionKey !== undefined,
    subscribed: known?.roles.includes('subscriber') === true,
  })
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
