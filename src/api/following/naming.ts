import type { Work } from '../work.ts'
import { mapSome } from '../../async.ts'
import { defined } from '../../defined.ts'
import { newslettersOf } from '../../engine/domain-names.ts'
import type { Engine } from '../../engine/engine.ts'
import type { LibraryEntry, NameCheck } from '../../engine/library/entry.ts'
import { hasCode, HyperletterError, ifCode, invalidInput } from '../../errors.ts'
import { parseDomain } from '../../format/records/text.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { Newsletter } from '../../format/records/bodies.ts'
import type { Output } from '../contract/contract.ts'

const AT_ONCE = 4

export const nameNewsletter: Work<'nameNewsletter'> = async (engine, { newsletter, name }) => {
  const { feedKey } = engine.library.resolve(newsletter)
  await using session = await engine.open({ feedKey })
  const profile = await session.feed
    .profile({ wait: false })
    .catch(ifCode(undefined, 'NOT_AVAILABLE', 'NEEDS_KEY'))
  const title = name ?? profile?.title
  await engine.library.update(feedKey, { petname: name, title })
  await engine.flush()
  const authorTitle = name === undefined ? undefined : profile?.title
  return { feedKey, ...defined({ title, authorTitle }) }
}

export const verifyNames: Work<'verifyNames'> = async (engine, { newsletter }, { signal } = {}) => {
  const entries = engine.library.list(newsletter)
  const checked = await mapSome(entries, AT_ONCE, (it) => verifyEntry(engine, it, signal))
  return checked.flat()
}

async function verifyEntry(
  engine: Engine,
  entry: LibraryEntry,
  signal: AbortSignal | undefined,
): Promise<Output<'verifyNames'>> {
  const { feedKey, title } = entry
  await using session = await engine.open(entry)
  const profile = await session.feed
    .profile({ wait: false })
    .catch(ifCode(undefined, 'NOT_AVAILABLE', 'NEEDS_KEY'))
  const names = profile?.names ?? []
  if (names.length === 0) return []
  const checks = await Promise.all(names.map((it) => ask(engine, it, feedKey, signal)))
  // One that does not answer takes away nothing that it said before.
  const said = checks.filter((it) => it.isAnswer)
  const others = (entry.nameChecks ?? []).filter(
    (it) => names.includes(it.name) && !said.some(({ name }) => name === it.name),
  )
  const nameChecks = [
    ...others,
    ...said.map(({ name, at, isVerified }) => ({ name, at, isVerified })),
  ]
  await engine.library.update(feedKey, { nameChecks })
  return checks.map(({ name, at, isVerified, message }) => ({
    feedKey,
    ...defined({ title, message }),
    name,
    checkedAt: at,
    verified: isVerified,
  }))
}

interface Asked extends NameCheck {
  /** False where it could not be asked. */
  readonly isAnswer: boolean
  readonly message?: string
}

async function ask(
  engine: Engine,
  name: string,
  feedKey: FeedKey,
  signal: AbortSignal | undefined,
): Promise<Asked> {
  const at = new Date().toISOString()
  try {
    const named = await newslettersOf(name, engine.domainSources, signal)
    if (named.includes(feedKey)) return { name, at, isVerified: true, isAnswer: true }
    const message = `${name} names another newsletter.`
    return { name, at, isVerified: false, isAnswer: true, message }
  } catch (error) {
    if (hasCode(error, 'ABORTED')) throw error
    const { code, message } = HyperletterError.from(error)
    return { name, at, isVerified: false, isAnswer: code === 'INVALID_INPUT', message }
  }
}

/** A domain that somebody typed instead of a link; undefined if it is none. */
export function domainIn(text: string): string | undefined {
  // Of a file that is not there, nobody is asked.
  return /\.bundle$/i.test(text.trim()) ? undefined : parseDomain(text)
}

/** The newsletter that a domain names. @throws INVALID_INPUT if it names several; NEWSLETTER_NOT_FOUND. */
export async function newsletterOf(
  engine: Engine,
  name: string,
  signal: AbortSignal | undefined,
): Promise<FeedKey> {
  const [named, ...others] = await newslettersOf(name, engine.domainSources, signal)
  if (named === undefined) throw new HyperletterError('INTERNAL', 'A domain gave no newsletter.')
  if (others.length === 0) return named
  const links = [named, ...others].map((it) => `hyperletter://${it}`).join(' ')
  throw invalidInput(`${name} names several newsletters.`, {
    hint: `Subscribe to one of them: ${links}`,
  })
}

/** Refuses a newsletter that a domain names and that does not name the domain. @throws INVALID_INPUT */
export function assertNames({ names = [], title }: Newsletter, name: string): void {
  if (names.includes(name)) return
  throw invalidInput(`${name} names the newsletter “${title}”, and that does not name ${name}.`, {
    hint: 'Its author can name the domain with `hyperletter edit --name`.',
  })
}

/** That a domain and a newsletter were found to name each other, as it is remembered. */
export function verifiedNow(name: string): NameCheck[] {
  return [{ name, at: new Date().toISOString(), isVerified: true }]
}

export function namesOf(
  { names }: Pick<Newsletter, 'names'>,
  { nameChecks = [] }: Pick<LibraryEntry, 'nameChecks'>,
): Output<'listNewsletters'>[number]['names'] {
  return names?.map((name) => {
    const check = nameChecks.find((it) => it.name === name)
    return { name, verified: check?.isVerified === true, ...defined({ checkedAt: check?.at }) }
  })
}

/** Tells whether another one of these newsletters has a title that looks like that of a given one. */
export function lookAlikes(
  entries: readonly Pick<LibraryEntry, 'feedKey' | 'title'>[],
): (newsletter: { readonly feedKey: string; readonly title: string }) => boolean {
  const byLook = new Map<string, string[]>()
  const titled = entries.filter((it) => it.title !== undefined)
  const add = () => {
    for (const { feedKey, title = '' } of titled) {
      const look = skeletonOf(title)
      byLook.set(look, [...(byLook.get(look) ?? []), feedKey])
    }
  }
  return ({ feedKey, title }) => {
    // Making the pattern of a look takes 2 ms, for which who follows a first newsletter would wait.
    if (titled.every((it) => it.feedKey === feedKey)) return false
    if (byLook.size === 0) add()
    return byLook.get(skeletonOf(title))?.some((it) => it !== feedKey) === true
  }
}

/** Letters of other alphabets that look like Latin ones, and Latin ones that look like each other, in small letters. */
const TWINS =
  'аa еe оo рp сc уy хx ѕs іi јj һh ԁd ԛq ԝw ɡg ӏl вb кk мm нh тt αa βb εe ηn ιi κk νv οo ρp τt υu χx ωw 0o 1l |l ıi ßb'
const TWIN = new Map(
  TWINS.split(' ').map((pair): [string, string] => [pair.slice(0, -1), pair.slice(-1)]),
)

/**
 * What two names have in common that look alike: without case, marks, white space, invisible characters and the alphabet
 * that a letter is of. To compare, not to show.
 */
export function skeletonOf(name: string): string {
  const plain = name.normalize('NFKD').toLowerCase()
  const letters = plain.replaceAll(/[\p{M}\p{C}\p{Z}\p{P}\p{S}\u115f\u1160\u3164]/gu, '')
  return Array.from(letters, (it) => TWIN.get(it) ?? it)
    .join('')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replaceAll('i', 'l')
}
