import type { Work } from '../work.ts'
import { defined } from '../../defined.ts'
import type { Engine } from '../../engine/engine.ts'
import { HyperletterError, invalidInput } from '../../errors.ts'
import { invalidDraft, isDated, type Draft } from '../../sources/source.ts'
import type { BlockRange } from '../../format/block-ranges.ts'
import type { Feed } from '../../format/feed.ts'
import type { LibraryEntry } from '../../engine/library/library.ts'
import { encryptionKeyOf, encodeZ32 } from '../../format/keys/feed-key.ts'
import { formatLink } from '../../format/keys/link.ts'
import { createRecoveryPhrase, deriveKeys } from '../../format/keys/recovery.ts'
import { waitUntil } from '../../async.ts'
import type { Output } from '../contract/contract.ts'
import { issueOf, loadDraft, prepareIssue, publishTimeOf, withheldFor } from './drafts.ts'
import { PublishedIssues } from './published-issues.ts'
import { datedFor, schedule } from './scheduling.ts'
import type { Support } from '../../format/records/bodies.ts'
import { describeSupport } from '../../format/support.ts'

/** How long `publishIssue` waits for copies unless told otherwise. */
const COPIES_TIMEOUT_SECONDS = 120

/** Makes a newsletter that this device signs. Its recovery phrase is in the result and nowhere else. */
export const createNewsletter: Work<'createNewsletter'> = async (engine, input) => {
  const { private: isPrivate = false, title, ...profile } = input
  assertPayable(profile.support)
  assertNameable(profile.names, isPrivate)
  const recoveryPhrase = await createRecoveryPhrase()
  const keys = await deriveKeys(recoveryPhrase)
  const secret = isPrivate ? { encryptionKey: encryptionKeyOf(keys.encryptionKey) } : {}
  await using session = await engine.feeds.create(keys.signing, secret.encryptionKey)
  const { feed } = session
  await engine.author.begin(feed, {
    title,
    ...defined(profile),
    createdAt: new Date().toISOString(),
    recoveryKey: encodeZ32(keys.recovery.publicKey),
  })
  const { feedKey } = feed
  const entry = await engine.library.add(feedKey, 'author', { title, ...secret })
  await engine.flush()
  await engine.feeds.start(entry)
  return { feedKey, link: formatLink({ feedKey, ...secret }), title, recoveryPhrase }
}

/** Signs a draft and appends it; with `waitCopies`, stays until others hold it whole. */
export const publishIssue: Work<'publishIssue'> = async function* (engine, input, { signal } = {}) {
  const entry = authoredBy(engine, input.newsletter)
  const include = [...(input.draft.include ?? []), 'scheduled' as const]
  const draft = await loadDraft({ ...input.draft, include })
  const at = publishTimeOf(draft, input)
  if (input.at !== undefined && at === undefined) {
    throw invalidInput(`${input.at} is over: publish it without a time.`)
  }
  for (const { kind, message, line } of withheldFor(input.draft, draft, at)) {
    if (kind !== 'drafts') {
      const later = kind === 'scheduled' ? 'Publish it at its time with --at, or now' : 'Publish it'
      throw invalidDraft(message, { line, hint: `${later} with --include ${kind}.` })
    }
    yield { event: 'warning', warning: { kind: 'withheld', message } }
  }
  const warnings = input.dryRun === true ? await allFindings(draft) : draft.warnings
  for (const warning of warnings) yield { event: 'warning', warning }
  await using session = await engine.open(entry)
  const { feed } = session
  // What comes by a pipe may be the same text twice; a file that was published is an issue.
  const isChecked = draft.dateFrom !== 'now' && input.again !== true
  const issues =
    isChecked || input.dryRun === true
      ? await PublishedIssues.of(feed, isDated(draft) ? draft.publishedAt : undefined)
      : undefined
  const before = isChecked && issues !== undefined ? await issueOf(draft, issues) : undefined
  if (before !== undefined) {
    throw invalidInput(`This is issue ${before.record.number} already.`, {
      hint: 'Publish a change of it with `hyperletter amend`, or a second copy with --again.',
    })
  }
  if (input.dryRun === true) {
    const number = (issues?.last ?? 0) + 1
    yield { event: 'planned', feedKey: feed.feedKey, ...plannedIssue(draft, number) }
    return
  }
  if (at !== undefined) {
    await engine.author.makeCurrent(feed, { force: input.force, signal })
    const again = input.again === true || !isChecked
    const where = { feedKey: feed.feedKey, at, again }
    yield { event: 'scheduled', ...(await schedule(engine, datedFor(draft, at), where)) }
    return
  }
  const compose = await prepareIssue(draft)
  signal?.throwIfAborted()
  const [published] = await engine.author.append(feed, [compose], { force: input.force, signal })
  if (published === undefined) throw new HyperletterError('INTERNAL', 'Nothing was appended.')

  const range = {
    start: published.next.length - published.blocks.length,
    end: published.next.length,
  }
  const { waitCopies = 0, timeoutSeconds = COPIES_TIMEOUT_SECONDS } = input
  yield {
    event: 'published',
    feedKey: feed.feedKey,
    number: published.number,
    title: draft.title,
    publishedAt: draft.publishedAt,
    attachments: draft.attachments.length,
    copies: (await engine.networkIfOnline())?.copies(feed.feedKey, range) ?? 0,
  }
  if (waitCopies > 0)
    yield* countCopies(engine, feed, range, waitCopies, timeoutSeconds * 1_000, signal)
}

// It parses the text, which publishing itself need not wait for.
async function allFindings(draft: Draft) {
  const { findingsOf } = await import('./findings.ts')
  return findingsOf(draft)
}

/** A draft as it would be published. */
export function plannedIssue(draft: Draft, number: number) {
  const { title, publishedAt, dateFrom } = draft
  const attachments = draft.attachments.map(({ name, sizeBytes }) => ({ name, sizeBytes }))
  const textBytes = Buffer.byteLength(draft.markdown)
  const sizeBytes = attachments.reduce((sum, it) => sum + it.sizeBytes, textBytes)
  return { number, title, publishedAt, dateFrom, attachments, sizeBytes }
}

/** The newsletter to publish to: the one that is named, or the only one of this author. */
export function authoredBy(engine: Engine, reference: string | undefined): LibraryEntry {
  if (reference !== undefined) {
    const entry = engine.library.resolve(reference)
    if (entry.roles.includes('author')) return entry
    const message = `"${entry.title ?? reference}" is not published from this device.`
    throw new HyperletterError('NOT_AUTHOR', message)
  }
  const own = engine.library.list().filter((it) => it.roles.includes('author'))
  const [only] = own
  if (only === undefined) {
    const message = 'There is no newsletter of yours on this device.'
    throw new HyperletterError('NEWSLETTER_NOT_FOUND', message, {
      hint: 'Make one first: hyperletter create "My newsletter"',
    })
  }
  if (own.length === 1) return only
  const titles = own.map((it) => it.title ?? it.feedKey.slice(0, 8)).join(', ')
  throw invalidInput(`You publish several newsletters: ${titles}.`, {
    hint: 'Say which one with --to.',
  })
}

async function* countCopies(
  engine: Engine,
  feed: Feed,
  range: BlockRange,
  wanted: number,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Output<'publishIssue'>> {
  const network = await engine.network()
  network.start(feed)
  let copies = -1
  const count = () => network.copies(feed.feedKey, range)
  const deadline = Date.now() + timeoutMs
  while (copies < wanted) {
    const before = copies
    const options = { timeoutMs: deadline - Date.now(), signal }
    if (!(await waitUntil(() => count() !== before, options))) {
      const message = `Published, but only ${copies} of ${wanted} copies by the deadline.`
      throw new HyperletterError('TIMEOUT', message, {
        hint: 'Keep `hyperletter daemon start` running until readers have fetched it.',
      })
    }
    copies = count()
    yield { event: 'copies', copies, peers: network.status(feed.feedKey).peers }
  }
}

/** Refuses payment addresses that no reader would be shown. @throws INVALID_INPUT */
export function assertPayable(support: readonly Support[] = []): void {
  for (const it of support) {
    const { problem } = describeSupport(it)
    if (problem === undefined) continue
    const shown = it.uri.slice(0, 80)
    if (problem === 'wrong') {
      throw invalidInput(`A character of "${shown}" is wrong or missing.`, {
        hint: 'Copy the address again from the wallet or account that it belongs to.',
      })
    }
    throw invalidInput(`"${shown}" is no payment address that readers know.`, {
      hint: 'Use bitcoin:…, lightning:…, monero:…, payto://iban/… or https://….',
    })
  }
}

/** Refuses domains of a private newsletter, which would tell everybody its feed key. @throws INVALID_INPUT */
export function assertNameable(names: readonly string[] = [], isPrivate: boolean): void {
  if (names.length === 0 || !isPrivate) return
  throw invalidInput('A private newsletter has no domain.', {
    hint: 'Its feed key would be public there. Give its link to the people who may read it.',
  })
}
