import type { Work } from '../work.ts'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { replaceSynced } from '../../atomic-file.ts'
import { defined } from '../../defined.ts'
import { REPUBLISHED_FILE as FILE } from '../../config/config.ts'
import type { Engine } from '../../engine/engine.ts'
import { codeOf, HyperletterError, invalidInput } from '../../errors.ts'
import { SerialQueue } from '../../async.ts'
import { isDated, type DraftSource } from '../../sources/source.ts'
import { draftsInFeed } from '../../sources/services/feed.ts'
import { isPrivate, getFromWeb } from '../../sources/web.ts'
import type { CallOptions, Output, ParsedInput } from '../contract/contract.ts'
import { importDrafts } from './importing.ts'
import { authoredBy } from './publishing.ts'

const INTERVAL_SECONDS = 15 * 60
/** Whoever runs a server of the Internet should not be asked more often. */
const MIN_INTERVAL_SECONDS = 60
const MAX_FEED_BYTES = 32 * 1024 * 1024

const republished = z.looseObject({
  address: z.string(),
  feedKey: z.string(),
  everySeconds: z.number().positive(),
  allowPrivateAddresses: z.boolean().optional(),
  fetchPictures: z.boolean().optional(),
  /** Posts from before are left alone. */
  since: z.string().optional(),
  checkedAt: z.string().optional(),
  problem: z.object({ code: z.string(), message: z.string() }).optional(),
  /** What the server gave with its last answer of which everything was published. */
  etag: z.string().optional(),
  lastModified: z.string().optional(),
  /** Digests of the posts of that answer, by their names in the feed. */
  seen: z.record(z.string(), z.string()).optional(),
})
type Republished = z.infer<typeof republished>

/** One round at a time: two at once would publish a post twice. */
const rounds = new WeakMap<Engine, SerialQueue>()

/**
 * Publishes what is new in a web feed, amends what changed, and goes on doing so in a daemon. After a crash, the next
 * round publishes what the interrupted one did not.
 * @throws INVALID_INPUT, NOT_AVAILABLE, TOO_LARGE; a feed that could not be read the first time is not remembered.
 */
export const republishFeed: Work<'republishFeed'> = async function* (engine, input, options = {}) {
  const queue = rounds.get(engine) ?? new SerialQueue()
  rounds.set(engine, queue)
  let end = () => {}
  await new Promise<void>((begin) => {
    const turn = () => new Promise<void>((resolve) => void (end = resolve))
    void queue.run(() => {
      const ended = turn()
      begin()
      return ended
    })
  })
  try {
    yield* round(engine, input, options)
  } finally {
    end()
  }
}

async function* round(
  engine: Engine,
  { address, dryRun, newOnly, ...input }: ParsedInput<'republishFeed'>,
  options: CallOptions,
): AsyncGenerator<Output<'republishFeed'>> {
  const { feedKey } = authoredBy(engine, input.newsletter)
  const before = (await load(engine)).find((it) => it.address === address)
  const entry: Republished = {
    everySeconds: INTERVAL_SECONDS,
    ...(newOnly === true ? { since: new Date().toISOString() } : {}),
    ...before,
    ...defined({
      everySeconds: input.everySeconds,
      allowPrivateAddresses: input.allowPrivateAddresses,
      fetchPictures: input.fetchPictures,
    }),
    address,
    feedKey,
  }
  // What another newsletter has says nothing of this one.
  if (before?.feedKey !== feedKey)
    for (const it of ['etag', 'lastModified', 'seen']) delete entry[it]
  checkInterval(entry)
  const checkedAt = new Date().toISOString()
  try {
    const { source, ...answer } = await fetchFeed(entry, options)
    const finished = { event: 'finished' as const, feedKey, title: '', published: 0 }
    if (source === undefined) yield finished
    else {
      const importing = { newsletter: feedKey, amend: true, ...defined({ dryRun }) }
      for await (const event of importDrafts(engine, source, importing, options)) {
        // What was refused is tried again with the next answer.
        if (event.event === 'skipped' && event.code !== 'INVALID_INPUT')
          delete answer.seen?.[event.file]
        yield event
      }
    }
    if (dryRun !== true) await keep(engine, { ...entry, ...answer, checkedAt, problem: undefined })
  } catch (cause) {
    const { code, message } = HyperletterError.from(cause)
    if (before !== undefined && code !== 'ABORTED' && dryRun !== true)
      await keep(engine, { ...before, checkedAt, problem: { code, message } })
    throw cause
  }
}

function checkInterval({ address, everySeconds }: Republished): void {
  const host = URL.canParse(address) ? new URL(address).hostname.replace(/^\[|\]$/g, '') : ''
  if (everySeconds >= MIN_INTERVAL_SECONDS || host === 'localhost' || isPrivate(host)) return
  throw invalidInput(`A feed of the web is asked at most every ${MIN_INTERVAL_SECONDS} seconds.`)
}

/** What to remember of the answer once it is published, and its posts; no posts if it did not change. */
async function fetchFeed(
  { address, etag, lastModified, since, seen = {}, ...entry }: Republished,
  { signal }: CallOptions,
) {
  const { allowPrivateAddresses, fetchPictures } = entry
  const conditions = defined({ 'if-none-match': etag, 'if-modified-since': lastModified })
  const accept = 'application/atom+xml, application/rss+xml, application/feed+json, */*;q=0.5'
  const answer = await getFromWeb(address, {
    maxBytes: MAX_FEED_BYTES,
    headers: { accept, ...conditions },
    ...defined({ allowPrivateAddresses, signal }),
  })
  if (answer.status === 304) return {}
  const posts: Record<string, string> = {}
  const source: DraftSource = {
    async *drafts(options) {
      const found = draftsInFeed(answer.body, {
        siteUrl: answer.url,
        undatedAt: new Date(),
        fetchPictures,
        allowPrivateAddresses,
      })
      for await (const it of found) {
        options.signal?.throwIfAborted()
        if (!('draft' in it)) yield it
        else {
          const { title, summary, authors, tags, language, publishedAt, markdown } = it.draft
          const date = isDated(it.draft) ? publishedAt : ''
          const said = JSON.stringify([title, summary, authors, tags, language, date, markdown])
          const digest = createHash('sha256').update(said).digest('base64url')
          if (since !== undefined && publishedAt < since && !(it.origin in seen)) continue
          posts[it.origin] = digest
          if (seen[it.origin] !== digest) yield it
        }
      }
    },
  }
  const { etag: tag, 'last-modified': modified } = answer.headers
  return { source, etag: tag, lastModified: modified, seen: posts }
}

export const listRepublished: Work<'listRepublished'> = async (engine) => {
  return (await load(engine)).map((it) => {
    const { address, feedKey, everySeconds, checkedAt, problem } = it
    const title = engine.library.list().find((entry) => entry.feedKey === feedKey)?.title
    return { address, feedKey, everySeconds, ...defined({ title, checkedAt, problem }) }
  })
}

/** @throws INVALID_INPUT if it is not republished. */
export const stopRepublishing: Work<'stopRepublishing'> = async (engine, { address }) => {
  const all = await load(engine)
  const found = all.find((it) => it.address === address)
  if (found === undefined) {
    const known = all.map((it) => it.address).join(', ') || 'none'
    throw invalidInput('This feed is not republished.', { hint: `Republished: ${known}.` })
  }
  const others = all.filter((it) => it !== found)
  await save(engine, others)
  return { address, feedKey: found.feedKey }
}

async function keep(engine: Engine, entry: Republished): Promise<void> {
  const all = await load(engine)
  const at = all.findIndex((it) => it.address === entry.address)
  await save(engine, at < 0 ? [...all, entry] : all.with(at, entry))
}

async function save(engine: Engine, entries: readonly Republished[]): Promise<void> {
  const text = `${JSON.stringify(entries, null, 1)}\n`
  await replaceSynced(join(engine.config.dataDir, FILE), [Buffer.from(text)])
}

async function load(engine: Engine): Promise<Republished[]> {
  try {
    const text = await readFile(join(engine.config.dataDir, FILE), 'utf8')
    return z.array(republished).parse(JSON.parse(text))
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return []
    throw invalidInput(`The file ${FILE} of the data folder is damaged.`, {
      hint: 'Remove it, and name the feeds again.',
      cause,
    })
  }
}
