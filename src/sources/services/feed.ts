import { HyperletterError } from '../../errors.ts'
import { readFromArchive, type Archive } from '../archive.ts'
import { textOfHtml } from '../html/tree.ts'
import { resolved, skippedFor, type DraftSource, type SourceItem } from '../source.ts'
import { feedPage, type FeedPost } from './feed-page.ts'
import { getFromWeb } from '../web.ts'
import { draftOfPost, isWithheld, originOf, withheldPost } from './post.ts'
import { contextOf, type ExportOptions, type PostContext } from './shown-pictures.ts'

const MAX_PAGE_BYTES = 32 * 1024 * 1024
const MAX_PAGES = 1_000
const MAX_POSTS = 50_000

/** A feed is shorter than its posts where it ends with one of these and a link to the whole. */
const TEASER =
  /(?:\[(?:…|\.\.\.)\]|(?:read|continue|weiter|lire|leer|seguir)\b[^<]{0,40}<\/a>|…)\s*(?:<\/\w+>\s*)*$/i

type Place = { readonly address: string } | { readonly archive: Archive; readonly name: string }

/**
 * The posts of an Atom, RSS or JSON feed: a file, or an address with all of its pages. A feed may lead on for ever, by
 * addresses or posts that it made up: both are counted.
 */
export function feedImport(place: Place, options: ExportOptions): DraftSource {
  return {
    linkedBy: 'addresses',
    async *drafts({ signal }) {
      const context: PostContext = { ...contextOf(options), isPublic: true }
      const seen = new Set<string>()
      const pages = new Set<string>()
      let address = 'address' in place ? place.address : undefined
      for (;;) {
        signal?.throwIfAborted()
        let body: Buffer
        let base = address ?? options.siteUrl
        if ('archive' in place) {
          body = await fileOf(place)
        } else {
          pages.add(address ?? '')
          if (pages.size > MAX_PAGES) throw endless(`${MAX_PAGES} pages`)
          const { allowPrivateAddresses } = options
          const asked = { maxBytes: MAX_PAGE_BYTES, allowPrivateAddresses, signal }
          const answer = await getFromWeb(address ?? '', asked)
          body = answer.body
          base = answer.url
        }
        const { posts, older } = await feedPage(body)
        for (const post of posts) {
          const id = post.id ?? post.link
          // The same post may be in several pages; the newest one has its newest text.
          if (id === undefined || seen.has(id)) continue
          seen.add(id)
          if (seen.size > MAX_POSTS) throw endless(`${MAX_POSTS} posts`)
          yield await readPost(post, id, { ...context, siteUrl: options.siteUrl ?? base })
        }
        address = resolved(older, base)
        if ('archive' in place || address === undefined || pages.has(address)) return
      }
    },
    async close() {
      if ('archive' in place) await place.archive.close()
    },
  }
}

/**
 * The posts of one document of a feed.
 * @param options.siteUrl Where it was, for links that do not name a host.
 * @throws INVALID_INPUT for what is no feed.
 */
export async function* draftsInFeed(
  body: Buffer,
  options: ExportOptions,
): AsyncGenerator<SourceItem> {
  const context: PostContext = { ...contextOf(options), isPublic: true }
  for (const post of (await feedPage(body)).posts) {
    // Nothing would tell a post with neither from another one when it changes.
    const id = post.id ?? post.link
    if (id !== undefined && id.trim() !== '') yield await readPost(post, id, context)
  }
}

/** What WordPress puts below each post of a feed. */
const APPEARED =
  /<p>The post <a [^<>]{0,1000}>[^<]{0,500}<\/a> (?:appeared first|first appeared) on <a [^<>]{0,1000}>[^<]{0,500}<\/a>\.?<\/p>/i

async function readPost(post: FeedPost, id: string, context: PostContext): Promise<SourceItem> {
  const siteUrl = resolved(post.base, context.siteUrl) ?? context.siteUrl
  const link = resolved(post.link, siteUrl)
  // What `republish` calls it, too: its address, else its id.
  const origin = originOf({ id: link ?? id })
  if (isWithheld(post.withheld, context)) return withheldPost(origin, post.withheld)
  try {
    const isTeaser = TEASER.test(post.html.slice(-300).trimEnd())
    const warning = { message: 'The feed may have only the beginning of this post.' }
    const known = (names: readonly (string | undefined)[]) => names.filter((it) => it !== undefined)
    return await draftOfPost(
      {
        id: origin,
        title: await textOfHtml(post.title ?? ''),
        date: post.date,
        language: post.language,
        authors: known(post.authors),
        tags: known(post.tags),
        body: { html: post.html.replace(APPEARED, '') },
        ...(post.cover === undefined ? {} : { cover: { source: post.cover } }),
        warnings: isTeaser ? [warning] : [],
      },
      { ...context, siteUrl: post.base === undefined ? (link ?? siteUrl) : siteUrl },
    )
  } catch (error) {
    return skippedFor(origin, error)
  }
}

async function fileOf({ archive, name }: Extract<Place, { archive: Archive }>): Promise<Buffer> {
  if ((archive.size(name) ?? 0) > MAX_PAGE_BYTES) {
    throw new HyperletterError('TOO_LARGE', `${name} has more than ${MAX_PAGE_BYTES} bytes.`, {
      hint: 'Import the export of the service instead, or the address of the feed if it has pages, or divide the file.',
    })
  }
  return readFromArchive(archive, name, MAX_PAGE_BYTES)
}

function endless(many: string): HyperletterError {
  return new HyperletterError('TOO_LARGE', `The feed has more than ${many}.`)
}
