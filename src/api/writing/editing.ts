import type { Work } from '../work.ts'
import { defined } from '../../defined.ts'
import type { Engine } from '../../engine/engine.ts'
import type { AppendOptions } from '../../engine/publish/continuity.ts'
import { HyperletterError, invalidInput } from '../../errors.ts'
import { encodeZ32 } from '../../format/keys/feed-key.ts'
import type { Feed } from '../../format/feed.ts'
import { DEFAULT_WORK_BITS } from '../../format/letters/envelope.ts'
import { composeNewsletter } from '../../format/history/entry.ts'
import type { Newsletter } from '../../format/records/bodies.ts'
import { decodeRecord } from '../../format/records/record.ts'
import { supportOf } from '../../site/describe.ts'
import { authoredBy, assertNameable, assertPayable } from './publishing.ts'

export const editNewsletter: Work<'editNewsletter'> = async (
  engine,
  { newsletter, force, letters, work, talk, remove = [], ...given },
  { signal } = {},
) => {
  const entry = authoredBy(engine, newsletter)
  await using session = await engine.open(entry)
  const { feed } = session
  const appending = { force, signal }
  const changes = defined(given)
  assertPayable(given.support)
  assertNameable(given.names, entry.encryptionKey !== undefined)
  if (
    letters !== undefined ||
    work !== undefined ||
    talk !== undefined ||
    remove.length > 0 ||
    Object.keys(changes).length > 0
  )
    await engine.author.makeCurrent(feed, appending)
  const before = await profileOf(feed)
  const after = { ...before, ...changes }
  for (const name of remove) delete after[name]
  const senders = letters ?? (talk === true && before.letters === undefined ? 'anyone' : undefined)
  if (senders === 'nobody') delete after.letters
  else if (senders !== undefined) {
    const { from: _from, ...others } = before.letters ?? {}
    const { publicKey } = await engine.letters.letterKeys(feed.feedKey)
    const from = senders === 'admitted' && { from: senders }
    after.letters = { ...others, ...from, key: encodeZ32(publicKey) }
  }
  if (after.letters) after.letters = { ...after.letters, ...defined({ talk, work }) }
  else if (work !== undefined) throw wantsNoLetters()
  const isChanged = JSON.stringify(after) !== JSON.stringify(before)
  if (isChanged) {
    await changeProfile(engine, feed, after, appending)
    await engine.library.update(feed.feedKey, { title: after.title })
  }
  const { title, description, language, authors, website, license, names } = after
  const support = supportOf(after)
  const shown = defined({ description, language, authors, website, license, support, names })
  return {
    feedKey: feed.feedKey,
    changed: isChanged,
    title,
    ...shown,
    letters: after.letters === undefined ? 'nobody' : (after.letters.from ?? 'anyone'),
    ...(after.letters && { work: after.letters.work ?? DEFAULT_WORK_BITS }),
    ...(after.letters?.talk === true && { talk: true as const }),
  }
}

/** What needs letters is asked for of a newsletter that takes none. */
export function wantsNoLetters(): HyperletterError {
  return invalidInput('This newsletter takes no letters.', {
    hint: 'Take letters of anyone, or of people with a code: hyperletter edit … --letters anyone|admitted',
  })
}

/** What the newest `newsletter` record says, without where it stands. */
export async function profileOf(feed: Feed): Promise<Newsletter> {
  const { profile: index = 0 } = await feed.position()
  const record = decodeRecord(await feed.log.read(index, { wait: false }), index)
  if (record.type !== 'newsletter') throw new HyperletterError('INTERNAL', 'There is no profile.')
  const { type: _type, previous: _previous, profile: _profile, ...newsletter } = record
  return newsletter
}

/** Signs a newer `newsletter` record, which counts from then on. */
export async function changeProfile(
  engine: Engine,
  feed: Feed,
  changed: Newsletter,
  appending: AppendOptions,
): Promise<void> {
  await engine.author.append(feed, [(at) => composeNewsletter(at, changed)], appending)
}
