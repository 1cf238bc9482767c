import { Resolver } from 'node:dns/promises'
import { timeoutSignal } from '../async.ts'
import { attempt, HyperletterError, invalidInput } from '../errors.ts'
import { parseFeedKey, type FeedKey } from '../format/keys/feed-key.ts'
import { getFromWeb, type WebOptions } from '../sources/web.ts'

export interface DomainSources {
  readonly textRecords: (name: string, signal: AbortSignal) => Promise<readonly string[][]>
  readonly web: (address: string, options: WebOptions) => Promise<{ readonly body: Buffer }>
}

/** For each of both ways, redirects and all. */
const TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 64 * 1024

const MAX_NAMED = 64

const INTERNET: DomainSources = {
  async textRecords(name, signal) {
    const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 1 })
    signal.addEventListener('abort', () => resolver.cancel(), { once: true })
    return resolver.resolveTxt(name)
  },
  web: getFromWeb,
}

/**
 * The newsletters that a domain names: in `https://<name>/.well-known/hyperletter.json`, in text records of DNS at
 * `_hyperletter.<name>`, or in both, which must agree. Both are asked at once, and nobody else.
 * @param name of ASCII letters, as `hostName` has it.
 * @throws NEWSLETTER_NOT_FOUND if neither names one, with both reasons; INVALID_INPUT if they contradict each other; ABORTED.
 */
export async function newslettersOf(
  name: string,
  { textRecords, web }: DomainSources = INTERNET,
  signal?: AbortSignal,
): Promise<FeedKey[]> {
  const ended = timeoutSignal(TIMEOUT_MS, signal)
  const [byWeb, byDns] = await Promise.allSettled([
    web(`https://${name}/.well-known/hyperletter.json`, {
      maxBytes: MAX_ANSWER_BYTES,
      timeoutMs: TIMEOUT_MS,
      httpsOnly: true,
      maxRedirects: 1,
      redirectHosts: [name, `www.${name}`],
      signal,
    }).then(({ body }) => keysInFile(body)),
    textRecords(`_hyperletter.${name}`, ended).then(keysInRecords),
  ])
  signal?.throwIfAborted()
  const answers = [byWeb, byDns].flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []))
  const named = answers.filter((it) => it.length > 0)
  const [first = [], second = first] = named
  const common = first.filter((it) => second.includes(it))
  if (common.length > 0) return common
  if (named.length > 1) {
    throw invalidInput(`${name} names one newsletter on its web server and another in DNS.`)
  }
  const reasons = [reasonOf('its web server', byWeb), reasonOf('DNS', byDns)].join('; ')
  throw new HyperletterError('NEWSLETTER_NOT_FOUND', `${name} names no newsletter: ${reasons}.`, {
    hint: 'Check the name. If it is right, subscribe with the link of the newsletter.',
  })
}

function reasonOf(who: string, result: PromiseSettledResult<unknown>): string {
  if (result.status === 'fulfilled') return `${who} names none`
  const { code, message } = result.reason as NodeJS.ErrnoException
  if (code === 'ENOTFOUND' || code === 'ENODATA') return `${who} has no record`
  return `${who} gave no answer (${message.replace(/\.$/, '')})`
}

function keysInFile(body: Buffer): FeedKey[] {
  const found: unknown = JSON.parse(body.toString('utf8'))
  const { newsletters } = (found ?? {}) as { newsletters?: unknown }
  if (typeof newsletters !== 'object' || newsletters === null) return []
  return keysOf(Object.keys(newsletters))
}

function keysInRecords(records: readonly string[][]): FeedKey[] {
  const texts = records.map((it) => it.join(''))
  return keysOf(texts.flatMap((it) => (it.startsWith('feed=') ? [it.slice('feed='.length)] : [])))
}

function keysOf(texts: readonly string[]): FeedKey[] {
  return texts.slice(0, MAX_NAMED).flatMap((it) => attempt(() => parseFeedKey(it.trim())) ?? [])
}
