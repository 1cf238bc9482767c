import crypto from 'hypercore-crypto'
import type { Engine } from '../../src/engine/engine.ts'
import { encodeContent } from '../../src/format/content/content-codec.ts'
import { composeIssue, type IssueEntry, type LogPosition } from '../../src/format/history/entry.ts'
import type { Feed } from '../../src/format/feed.ts'
import type { LibraryEntry } from '../../src/engine/library/library.ts'
import { encryptionKeyOf } from '../../src/format/keys/feed-key.ts'
import type { Newsletter } from '../../src/format/records/bodies.ts'

export interface Begun {
  readonly feed: Feed
  readonly entry: LibraryEntry
}

/** A profile without anything that changes from run to run. */
export const PROFILE: Newsletter = {
  title: 'Tide Tables',
  createdAt: '2026-03-01T09:30:00Z',
  recoveryKey: '94q5tmrmqwgpphhzdm9i1ri4e7khjwh386fx9racof3tnpj87hso',
}

/** The same key pair for the same seed. */
export function signingKeys(seed = 1) {
  return crypto.keyPair(Buffer.alloc(32, seed))
}

/** A newsletter of this engine, as `create` leaves it; the same blocks and key for the same seed. */
export async function beginNewsletter(
  engine: Engine,
  { seed = 1, isPrivate = false } = {},
): Promise<Begun> {
  const secret = isPrivate ? { encryptionKey: encryptionKeyOf(Buffer.alloc(32, seed + 100)) } : {}
  const { feed } = await engine.feeds.create(signingKeys(seed), secret.encryptionKey)
  await engine.author.begin(feed, PROFILE)
  const details = { title: PROFILE.title, ...secret }
  return { feed, entry: await engine.library.add(feed.feedKey, 'author', details) }
}

/** What `Author.append` takes: an issue that is composed for the place it gets. */
export async function issueOf(
  title: string,
  text = 'Low water at noon.\n',
): Promise<(at: LogPosition) => IssueEntry> {
  const body = await encodeContent(new TextEncoder().encode(text), 'text/markdown')
  return (at) => composeIssue(at, { title, publishedAt: '2026-03-02T07:00:00Z' }, body, [])
}
