import type { Work } from './work.ts'
import { defined } from '../defined.ts'
import type { Engine } from '../engine/engine.ts'
import { attempt, hasCode, HyperletterError, invalidInput } from '../errors.ts'
import { recoveryKeyOf } from '../format/history/readable.ts'
import type { LibraryEntry, Successor } from '../engine/library/library.ts'
import { encryptionKeyOf, type EncryptionKey, type FeedKey } from '../format/keys/feed-key.ts'
import { formatLink, parseLink } from '../format/keys/link.ts'
import { deriveKeys } from '../format/keys/recovery.ts'
import {
  formatSuccession,
  isSigned,
  parseSuccession,
  signSuccession,
} from '../format/records/succession.ts'
import type { CallOptions, Output } from './contract/contract.ts'

type Newsletter = Pick<LibraryEntry, 'feedKey' | 'encryptionKey'>

/** How long block 0 of the newsletter that ends is waited for. */
const PEER_TIMEOUT_SECONDS = 30

/**
 * Signs that a newsletter continues elsewhere, and tells its readers: through the DHT, and the peers that
 * are connected now.
 * @throws INVALID_INPUT if the words are no phrase or that of another newsletter, INVALID_LINK,
 *   NEWSLETTER_NOT_FOUND, NOT_AVAILABLE if nobody has the newsletter, INVALID_STATEMENT if it leads in a circle.
 */
export const succeedNewsletter: Work<'succeedNewsletter'> = async (engine, input, options = {}) => {
  const { feedKey: to } = parseLink(input.to)
  const ending = named(engine, input.newsletter)
  const { feedKey: from } = ending
  if (from === to) throw invalidInput('A newsletter cannot continue at itself.')
  const keys = await deriveKeys(input.recoveryPhrase)
  const timeoutMs = (input.timeoutSeconds ?? PEER_TIMEOUT_SECONDS) * 1_000
  const isOwn = engine.library.get(from) !== undefined
  try {
    const secret = encryptionKeyOf(keys.encryptionKey)
    const waiting = { ...options, timeoutMs }
    const recoveryKey = await fetchWithPhrase(engine, ending, secret, waiting)
    if (!Buffer.from(keys.recovery.publicKey).equals(recoveryKey)) throw otherPhrase()
    options.signal?.throwIfAborted()
    // A clock that was set back must not make the correction of an earlier statement count for nothing.
    const last = engine.library.get(from)?.successor?.issuedAt ?? 0
    const issuedAt = Math.max(Date.now(), last + 1)
    const statement = signSuccession({ from, to, issuedAt }, keys.recovery)
    if (isOwn) {
      await engine.successions.accept(statement)
      await markTold(engine, from)
      await engine.flush()
    }
    const network = await engine.network()
    network.successions.announce(statement)
    const isPublished = await network.successions.publish(statement, keys.recovery)
    const published = isPublished ? 'dht' : 'offline'
    return { statement: formatSuccession(statement), from, to, published }
  } finally {
    if (!isOwn) await engine.feeds.stop(from)
  }
}

/** @throws INVALID_STATEMENT, NEWSLETTER_NOT_FOUND, NEEDS_KEY, NOT_AVAILABLE if block 0 cannot be had. */
export const acceptSuccession: Work<'acceptSuccession'> = async (engine, input, options = {}) => {
  const statement = parseSuccession(input.statement)
  const { from, to } = statement
  const entry = engine.library.get(from)
  if (entry !== undefined) {
    const timeoutMs = (input.timeoutSeconds ?? PEER_TIMEOUT_SECONDS) * 1_000
    const recoveryKey = await fetchRecoveryKey(engine, entry, { ...options, timeoutMs })
    if (!isSigned(statement, recoveryKey)) {
      const message =
        'The statement does not count: the recovery key of the newsletter did not sign it.'
      throw new HyperletterError('INVALID_STATEMENT', message)
    }
  }
  await engine.successions.accept(statement)
  await engine.flush()
  return { from, to, ...defined({ title: entry?.title }) }
}

export const takeNotices: Work<'takeNotices'> = async (engine) => {
  const notices: Output<'takeNotices'> = []
  // The record that they were shown could not be written.
  if (engine.readOnlyFor !== undefined) return notices
  for (const { feedKey, title, successor } of engine.library.list()) {
    if (successor === undefined || successor.told) continue
    await markTold(engine, feedKey)
    notices.push({
      feedKey,
      ...defined({ title }),
      successor: describeSuccessor(engine, successor),
    })
  }
  return notices
}

/** What lists say of where a newsletter continues. */
export function describeSuccessor(
  engine: Engine,
  { feedKey, issuedAt }: Successor,
): Output<'takeNotices'>[number]['successor'] {
  const encryptionKey = engine.library.get(feedKey)?.encryptionKey
  const link = formatLink(encryptionKey === undefined ? { feedKey } : { feedKey, encryptionKey })
  return { feedKey, link, issuedAt: new Date(issuedAt).toISOString() }
}

function named(engine: Engine, reference: string): Newsletter {
  try {
    return engine.library.resolve(reference)
  } catch (error) {
    if (!hasCode(error, 'NEWSLETTER_NOT_FOUND')) throw error
    const link = attempt(() => parseLink(reference))
    if (link === undefined) throw error
    return link
  }
}

/** Block 0 from this machine or from peers. @throws NEEDS_KEY, NOT_AVAILABLE */
async function fetchRecoveryKey(
  engine: Engine,
  newsletter: Newsletter,
  { signal, timeoutMs }: CallOptions & { readonly timeoutMs: number },
): Promise<Uint8Array> {
  try {
    await using session = await engine.open(newsletter, { online: false })
    return await recoveryKeyOf(session.feed.log, { wait: false })
  } catch (error) {
    if (!hasCode(error, 'NOT_AVAILABLE')) throw error
  }
  try {
    await using session = await engine.open(newsletter, { online: true })
    return await recoveryKeyOf(session.feed.log, { timeoutMs, signal })
  } catch (error) {
    if (!hasCode(error, 'NOT_AVAILABLE')) throw error
    const message = `The beginning of the newsletter that ends is not here, and nobody sent it in ${timeoutMs / 1_000} s. It names the key that has to sign.`
    throw new HyperletterError('NOT_AVAILABLE', message, {
      hint: 'Nothing was changed. Run the command again when somebody who holds that newsletter is online.',
      cause: error,
    })
  }
}

// Of a private newsletter that is only carried here, or not at all, the phrase gives the key.
async function fetchWithPhrase(
  engine: Engine,
  newsletter: Newsletter,
  encryptionKey: EncryptionKey,
  options: CallOptions & { readonly timeoutMs: number },
): Promise<Uint8Array> {
  try {
    return await fetchRecoveryKey(engine, newsletter, options)
  } catch (error) {
    if (!hasCode(error, 'NEEDS_KEY')) throw error
  }
  const { feedKey } = newsletter
  try {
    await engine.feeds.stop(feedKey)
    return await fetchRecoveryKey(engine, { feedKey, encryptionKey }, options)
  } catch (error) {
    if (hasCode(error, 'NEEDS_KEY')) throw otherPhrase()
    throw error
  } finally {
    await engine.feeds.stop(feedKey)
    await engine.feeds.start(newsletter, { online: true })
  }
}

function otherPhrase(): HyperletterError {
  return invalidInput('This is the recovery phrase of another newsletter.', {
    hint: 'It takes the 24 words that were shown when the newsletter that ends was created.',
  })
}

async function markTold(engine: Engine, feedKey: FeedKey): Promise<void> {
  const successor = engine.library.get(feedKey)?.successor
  if (successor !== undefined) {
    await engine.library.update(feedKey, { successor: { ...successor, told: true } })
  }
}
