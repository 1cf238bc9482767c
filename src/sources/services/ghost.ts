import { posix } from 'node:path'
import type { Element } from 'hast'
import { decode } from '../../render/links.ts'
import type { Archive } from '../archive.ts'
import { attribute, hasClass, textOfHtml, type HtmlRules } from '../html/tree.ts'
import { jsonRows } from '../json-rows.ts'
import { printable, type DraftSource, type Withheld, type SourceItem } from '../source.ts'
import { lexicalToHtml, markdownToHtml, mobiledocToHtml } from './ghost-documents.ts'
import { readPost } from './post.ts'
import { contextOf, type PostContext, type ExportOptions } from './shown-pictures.ts'

type Row = Readonly<Record<string, unknown>>

/** What of an export is needed besides the posts: much less than these. */
interface Relations {
  readonly users: Map<string, string>
  readonly tags: Map<string, string>
  readonly ofPosts: Map<string, OfPost>
  readonly metaOf: Map<string, Row>
  /** Of the site. */
  language?: string
}

/** Authors and tags of a post. */
interface OfPost {
  readonly authors: readonly Ordered[]
  readonly tags: readonly Ordered[]
}

interface Ordered {
  readonly id: string
  readonly order: number
}

const NOTHING: OfPost = { authors: [], tags: [] }

const POSTS = /^(?:db\.\*\.)?data\.posts\.\*$/
const TABLES = /^(?:db\.\*\.)?data\.(posts_meta|posts_authors|posts_tags|tags|users|settings)\.\*$/

/** Parts of cards that are not text, and cards that only mail or members see. */
const NOISE =
  /^kg-(?:bookmark-icon|bookmark-thumbnail|audio-thumbnail|audio-player$|video-overlay|video-player|product-card-rating|signup-card|email-card|email-cta|file-card-(?:icon|metadata))/

/**
 * The posts of a Ghost export.
 * @param name Of the JSON file in the archive, which may have the site's `content` folder, too.
 */
export function ghostExport(archive: Archive, name: string, options: ExportOptions): DraftSource {
  const rows = (of: RegExp) => jsonRows(archive.stream(name), (path) => of.test(path))
  const folder = name.slice(0, name.lastIndexOf('/') + 1)
  return {
    linkedBy: 'addresses',
    async *drafts({ signal }) {
      const relations = await relationsIn(rows(TABLES))
      const context: PostContext = {
        ...contextOf(options),
        archive,
        namesOf: (address) => pictureNames(address, folder, options.siteUrl),
      }
      for await (const { value } of rows(POSTS)) {
        signal?.throwIfAborted()
        yield await readRow(value as Row, relations, context)
      }
    },
    close: () => archive.close(),
  }
}

async function relationsIn(rows: AsyncIterable<{ path: string; value: unknown }>) {
  const relations: Relations = {
    users: new Map(),
    tags: new Map(),
    ofPosts: new Map(),
    metaOf: new Map(),
  }
  // Most posts have the authors and tags of another one, which are kept once.
  const known = new Map<string, OfPost>()
  const relate = (row: Row, kind: keyof OfPost, id: string) => {
    const post = text(row['post_id'])
    const before = relations.ofPosts.get(post) ?? NOTHING
    const related = { id: text(row[id]), order: Number(row['sort_order'] ?? 0) }
    const all = { ...before, [kind]: [...before[kind], related] }
    const key = JSON.stringify(all)
    const ofPost = known.get(key) ?? all
    known.set(key, ofPost)
    relations.ofPosts.set(post, ofPost)
  }
  for await (const { path, value } of rows) {
    const row = value as Row
    const id = text(row['id'])
    switch (TABLES.exec(path)?.[1]) {
      case 'users':
        relations.users.set(id, text(row['name']))
        break
      case 'tags': {
        const tag = text(row['name'])
        const isInternal = tag.startsWith('#') || row['visibility'] === 'internal'
        if (!isInternal) relations.tags.set(id, tag)
        break
      }
      case 'settings':
        if (/^(?:locale|lang)$/.test(text(row['key']))) relations.language ??= text(row['value'])
        break
      case 'posts_authors':
        relate(row, 'authors', 'author_id')
        break
      case 'posts_tags':
        relate(row, 'tags', 'tag_id')
        break
      case 'posts_meta': {
        const { email_only, feature_image_alt, feature_image_caption } = row
        const says = email_only ?? feature_image_alt ?? feature_image_caption
        if (says !== null && says !== undefined) {
          relations.metaOf.set(text(row['post_id']), {
            email_only,
            feature_image_alt,
            feature_image_caption,
          })
        }
        break
      }
      default:
    }
  }
  return relations
}

async function readRow(
  row: Row,
  { users, tags, ofPosts, metaOf, language = '' }: Relations,
  context: PostContext,
): Promise<SourceItem> {
  const id = text(row['id'])
  const slug = text(row['slug'])
  const address = slug === '' ? undefined : addressOf(slug, context.siteUrl)
  const post = { id: `ghost-${id}`, address }
  const meta = metaOf.get(id) ?? {}
  const ofPost = ofPosts.get(id) ?? NOTHING
  const named = (all: readonly Ordered[], names: ReadonlyMap<string, string>) =>
    all
      .toSorted((a, b) => a.order - b.order)
      .map((it) => names.get(it.id) ?? '')
      .filter((it) => it !== '')
  const own = { id: text(row['author_id']), order: 0 }
  const authors = ofPost.authors.length === 0 ? [own] : ofPost.authors
  const isOpen = context.include?.has('private') === true
  const inPlace = (value: string) =>
    value.replaceAll('__GHOST_URL__', context.siteUrl?.replace(/\/$/, '') ?? '')
  return readPost(post, reasonToWithhold(row, meta), context, async () => ({
    title: text(row['title']).replace(/^\(Untitled\)$/, ''),
    date: dateOf(row),
    summary: await textOfHtml(text(row['custom_excerpt'])),
    language: text(row['locale']) || language,
    authors: named(authors, users),
    tags: named(ofPost.tags, tags),
    body: { html: inPlace(htmlOf(row, isOpen)), rules: rulesOf(isOpen) },
    cover: {
      source: inPlace(text(row['feature_image'] ?? row['image'])),
      alt: text(meta['feature_image_alt']),
      caption: inPlace(text(meta['feature_image_caption'])),
    },
  }))
}

function addressOf(slug: string, siteUrl: string | undefined): string {
  const path = `${encodeURIComponent(slug)}/`
  return siteUrl === undefined ? `/${path}` : `${siteUrl.replace(/\/$/, '')}/${path}`
}

/** Why a post is not for everybody; a status or visibility that is not known may hide one. */
function reasonToWithhold(row: Row, meta: Row): Withheld | undefined {
  const status = text(row['status'])
  // The oldest exports have no such field; one that is empty says nothing.
  const visibility = row['visibility'] === undefined ? 'public' : text(row['visibility'])
  const type = isYes(row['page']) ? 'page' : text(row['type'] ?? 'post')
  if (status === 'scheduled') return { kind: 'scheduled', message: 'a post that is scheduled' }
  if (status === 'draft') return { kind: 'drafts', message: 'a draft' }
  if (status === 'sent' || isYes(meta['email_only']))
    return { kind: 'private', message: 'a post that was only sent by mail' }
  if (status !== 'published')
    return { kind: 'drafts', message: `a post of the status "${printable(status)}"` }
  if (visibility !== 'public')
    return {
      kind: 'private',
      message: `a post for ${printable(visibility) || 'nobody knows whom'}, not for everybody`,
    }
  if (type !== 'post') return { kind: 'extras', message: `a ${printable(type)}, not a post` }
  return undefined
}

/** The date of publication, which versions before 1.0 kept as milliseconds. */
function dateOf(row: Row): string {
  const date =
    row['published_at'] ?? (row['status'] === 'published' ? undefined : row['created_at'])
  return typeof date === 'number' ? new Date(date).toISOString() : text(date)
}

// Posts that were made by tools have no rendered HTML.
function htmlOf(row: Row, isOpen: boolean): string {
  const html = text(row['html'])
  if (html.trim() !== '') return html
  const lexical = text(row['lexical'])
  if (lexical !== '') return lexicalToHtml(lexical, isOpen)
  const mobiledoc = text(row['mobiledoc'])
  if (mobiledoc !== '') return mobiledocToHtml(mobiledoc)
  const markdown = text(row['markdown'])
  return markdown === '' ? text(row['plaintext']) : markdownToHtml(markdown)
}

function rulesOf(isOpen: boolean): HtmlRules {
  return {
    comment(comment) {
      const gate = comment.trim()
      if (gate.startsWith('kg-gated-block:end')) return isOpen ? undefined : 'show'
      if (!gate.startsWith('kg-gated-block:begin') || isOpen) return undefined
      return /\bnonMember:\s*true\b/.test(gate) ? undefined : 'hide'
    },
    element(element: Element) {
      if (hasClass(element, NOISE)) return 'drop'
      if (element.tagName === 'a' && attribute(element, 'href').includes('#/portal')) return 'drop'
      return undefined
    },
  }
}

const CONTENT = /^(?:(https?:\/\/[^/]+)(?:\/[^?#]*?)?)?\/content\/((?:images|media|files)\/[^?#]+)/

/** Where the folder of the site, or a zip file of it, has the picture of an address. */
function pictureNames(address: string, folder: string, siteUrl: string | undefined): string[] {
  const [, host, path] = CONTENT.exec(address) ?? []
  if (path === undefined) return []
  const isElsewhere =
    host !== undefined && siteUrl !== undefined && new URL(siteUrl).origin !== host
  if (isElsewhere) return []
  const full = path.replace(/^images\/size\/w\d+(?:h\d+)?\/(?:format\/\w+\/)?/, 'images/')
  const names = [...new Set([full, decode(full), path, decode(path)])]
  const places = names.flatMap((it) => [`content/${it}`, it, `../${it}`])
  return places.map((it) => posix.normalize(`${folder}${it}`))
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

function isYes(value: unknown): boolean {
  return value === true || value === 1 || value === '1'
}
