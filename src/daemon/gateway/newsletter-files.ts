import { hasRetracted, listed, LOG, whereItIs } from '../../api/preserving/exporting-site.ts'
import { websiteOf } from '../../api/preserving/website.ts'
import { compress } from '../../engine/compression.ts'
import type { Engine } from '../../engine/engine.ts'
import type { FeedSession } from '../../engine/feed-sessions.ts'
import type { LibraryEntry } from '../../engine/library/library.ts'
import { hasCode, HyperletterError } from '../../errors.ts'
import { merged, only } from '../../format/block-ranges.ts'
import type { Feed } from '../../format/feed.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { formatLink } from '../../format/keys/link.ts'
import { HEAD_PATH } from '../../format/log-files/layout.ts'
import { logFilesOf, type LogFile, type WrittenLog } from '../../format/log-files/write.ts'
import { nativeCrypto } from '../../log/keys.ts'
import type { SiteAssets, SiteFile } from '../../site/static/model.ts'
import { markOf, typeOf, type ServedFile } from './served-file.ts'

export interface NewsletterFilesOptions {
  /** The address of the gateway, ending in `/`, if it has one that others know. */
  readonly address: string | undefined
  readonly assets: () => Promise<SiteAssets>
}

/** While a log grows, its files are listed anew at most so often, in milliseconds. */
const LIST_EVERY_MS = 1_000

/** A newsletter that nobody asked for since is closed. */
const KEEP_MS = 60_000

/** Newsletters that are open for their files; the one that was asked for longest ago makes room. */
const MAX_OPEN = 32

/** What a file of an issue may do that is opened by itself. */
const FILE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"

/** Attachments that are stored as gzip. */
const COMPRESSED = /^(?:text\/|image\/svg)/

/** What a page may do beside what it says in itself. */
const PAGE_POLICY = "frame-ancestors 'none'"

/** The files of a newsletter as it was at one moment. */
interface Listed {
  /** What it depends on. */
  readonly state: string
  /** Older than the pages where it cannot be made of what is here now; absent where it never could. */
  readonly log: WrittenLog | undefined
  readonly files: ReadonlyMap<string, ServedFile>
}

interface Open {
  readonly session: FeedSession
  listing: Promise<Listed>
  /** Files of the head before, which somebody may have read a moment ago. */
  before: Listed | undefined
  current: Listed | undefined
  listedAt: number
  usedAt: number
}

/**
 * The files of newsletters as a gateway gives them: the log as files, and of one that everybody may read its website, both
 * made from the store when they are asked for.
 */
export class NewsletterFiles {
  readonly #engine: Engine
  readonly #options: NewsletterFilesOptions
  readonly #open = new Map<FeedKey, Promise<Open>>()
  readonly #timer: NodeJS.Timeout

  constructor(engine: Engine, options: NewsletterFilesOptions) {
    this.#engine = engine
    this.#options = options
    this.#timer = setInterval(() => this.#closeIdle(), KEEP_MS / 4).unref()
  }

  /**
   * A file of a newsletter; undefined if there is none of that name.
   * @param path below the folder of the newsletter.
   * @throws NOT_AVAILABLE for a log file where too little of the log is here.
   */
  async get(entry: LibraryEntry, path: string): Promise<ServedFile | undefined> {
    const open = await this.#opened(entry)
    open.usedAt = performance.now()
    const { files, log } = await this.#listed(open, entry)
    const file = files.get(path)
    if (file !== undefined || !path.startsWith(LOG)) return file
    if (log === undefined) throw tooLittle(open.session.feed)
    const { before } = open
    const old = before?.files.get(path)
    const isGone = hasRetracted(path.slice(LOG.length), log.head, before?.log?.head)
    return old?.isImmutable === true && !isGone ? old : undefined
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all([...this.#open.keys()].map((it) => this.#close(it)))
  }

  async #opened(entry: LibraryEntry): Promise<Open> {
    const { feedKey } = entry
    const found = await this.#open.get(feedKey)?.catch(() => undefined)
    if (found?.session.feed.log.isOpen === true) {
      // The one that was asked for longest ago is the first.
      const opening = this.#open.get(feedKey)
      if (opening !== undefined && this.#open.delete(feedKey)) this.#open.set(feedKey, opening)
      return found
    }
    if (found !== undefined) await this.#close(feedKey)
    const again = this.#open.get(feedKey)
    if (again !== undefined) return again
    const opening = this.#begin(entry)
    this.#open.set(feedKey, opening)
    opening.catch(() => this.#open.delete(feedKey))
    const [oldest] = this.#open.keys()
    if (this.#open.size > MAX_OPEN && oldest !== undefined) await this.#close(oldest)
    return opening
  }

  async #begin(entry: LibraryEntry): Promise<Open> {
    const session = await this.#engine.open(entry)
    const now = performance.now()
    const listing = this.#list(entry, session.feed, undefined)
    listing.catch(() => undefined)
    const times = { listedAt: now, usedAt: now }
    return { session, listing, before: undefined, current: undefined, ...times }
  }

  async #listed(open: Open, entry: LibraryEntry): Promise<Listed> {
    const { feed } = open.session
    const now = performance.now()
    const isOld = open.current !== undefined && open.current.state !== stateOf(feed, entry)
    const hasFailed = await open.listing.then(
      (it) => (open.current ??= it) && false,
      () => true,
    )
    if ((isOld || hasFailed) && now - open.listedAt > LIST_EVERY_MS) {
      open.listedAt = now
      const before = open.current
      open.listing = this.#list(entry, feed, before).then((it) => {
        if (before?.log?.head.length !== it.log?.head.length) open.before = before
        return (open.current = it)
      })
    }
    return open.listing
  }

  async #list(entry: LibraryEntry, feed: Feed, before: Listed | undefined): Promise<Listed> {
    const { address, assets } = this.#options
    const state = stateOf(feed, entry)
    const readable = await listed(feed)
    const files = new Map<string, ServedFile>()
    const log = await logFilesHere(feed, readable, before)
    for (const it of log?.files ?? []) files.set(LOG + it.path, await logFile(it))
    for (const [path, it] of log === undefined ? (before?.files ?? []) : []) {
      if (path.startsWith(LOG)) files.set(path, it)
    }
    const peers = [address === undefined ? '../peer' : `${address.replace(/^http/, 'ws')}peer`]
    files.set('hyperletter.json', await logFile(whereItIs(feed.feedKey, peers)))
    if (readable !== undefined && entry.encryptionKey === undefined) {
      const successor = entry.successor && {
        link: formatLink({ feedKey: entry.successor.feedKey }),
        issuedAt: new Date(entry.successor.issuedAt).toISOString(),
      }
      const below = address === undefined ? undefined : `${address}${feed.feedKey}/`
      const site = await websiteOf(feed, { address: below, successor }, await assets())
      for (const it of site.files) await addSiteFile(files, it)
    }
    return { state, log: log ?? before?.log, files }
  }

  #closeIdle(): void {
    for (const [feedKey, opening] of this.#open) {
      opening.then(
        async ({ usedAt }) => {
          if (performance.now() - usedAt > KEEP_MS) await this.#close(feedKey)
        },
        () => undefined,
      )
    }
  }

  async #close(feedKey: FeedKey): Promise<void> {
    const opening = this.#open.get(feedKey)
    this.#open.delete(feedKey)
    const open = await opening?.catch(() => undefined)
    await open?.session[Symbol.asyncDispose]()
  }
}

// Blocks come and go, records say what the rest means.
function stateOf(feed: Feed, { successor }: LibraryEntry): string {
  const { log, length } = feed
  return [length, log.countHeld({ start: 0, end: length }), successor?.feedKey].join(' ')
}

/** The log as files; undefined where it has blocks that are not here, and whose hashes are not either. */
async function logFilesHere(
  { log }: Feed,
  readable: Awaited<ReturnType<typeof listed>>,
  before: Listed | undefined,
): Promise<WrittenLog | undefined> {
  const missing = log.missingIn({ start: 0, end: log.length }, Infinity).map(only)
  if (missing[0]?.start === 0) return undefined
  const known = new Map(before?.log?.files.map((it) => [it.path, it]))
  try {
    return await logFilesOf(log, {
      holes: merged([...(readable?.holes ?? []), ...missing]),
      records: readable && log,
      crypto: nativeCrypto,
      compress,
      existing: async (path) => known.get(path)?.bytes(),
    })
  } catch (error) {
    if (hasCode(error, 'NOT_AVAILABLE')) return undefined
    throw error
  }
}

function tooLittle({ log }: Feed): HyperletterError {
  const held = log.countHeld({ start: 0, end: log.length })
  const message = `${held} of ${log.length} blocks are here so far, too few for log files. Tabs replicate what is here.`
  return new HyperletterError('NOT_AVAILABLE', message)
}

async function logFile(file: LogFile): Promise<ServedFile> {
  const { path, isImmutable, sizeBytes, bytes, pieces } = file
  const mediaType = path.endsWith('.json') ? typeOf(path) : 'application/octet-stream'
  // Small, and asked for more often than all others.
  const content = path === HEAD_PATH || !isImmutable ? await bytes() : undefined
  return {
    mark: content === undefined ? path : markOf(content),
    mediaType,
    isImmutable,
    sizeBytes: content?.byteLength ?? sizeBytes,
    pieces:
      pieces ??
      async function* (from, to) {
        yield (content ?? (await bytes())).subarray(from, to)
      },
  }
}

async function addSiteFile(files: Map<string, ServedFile>, file: SiteFile): Promise<void> {
  const { path, facts, pieces, shows = [] } = file
  const common = { mediaType: typeOf(path), isImmutable: false }
  // What has no facts is given as it is.
  const depends = facts === undefined ? await textOf(pieces()) : JSON.stringify([path, facts])
  const isPage = path.endsWith('.html')
  files.set(path, {
    ...common,
    mark: markOf(depends),
    ...(isPage && { policy: PAGE_POLICY }),
    pieces,
  })
  for (const it of shows) {
    files.set(it.path, {
      ...common,
      mark: markOf(JSON.stringify([it.path, facts])),
      mediaType: typeOf(it.path),
      // Of what is compressed, a part costs as much as all before it: it is given whole.
      sizeBytes: COMPRESSED.test(it.mediaType) ? undefined : it.bytes,
      policy: FILE_POLICY,
      pieces: (from, to) => upTo(it.pieces(from), to - from),
    })
  }
}

async function textOf(pieces: AsyncIterable<string | Uint8Array>): Promise<string> {
  let text = ''
  for await (const it of pieces) text += String(it)
  return text
}

async function* upTo(pieces: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes
  for await (const it of pieces) {
    yield it.subarray(0, left)
    left -= it.byteLength
    if (left <= 0) return
  }
}
