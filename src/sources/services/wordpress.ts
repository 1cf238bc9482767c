import type { Archive } from '../archive.ts'
import { attribute, hasClass, textOfHtml, type HtmlRules } from '../html/tree.ts'
import { FOOTNOTE_MARK } from '../html/footnotes.ts'
import { printable, type DraftSource, type Withheld, type SourceItem } from '../source.ts'
import { readPost } from './post.ts'
import { contextOf, type PostContext, type ExportOptions } from './shown-pictures.ts'
import { GATES, renderWordpress, type MediaFile } from './wordpress-text.ts'
import { wxrItems, type WxrItem } from './wxr-items.ts'

/** What the posts of an export refer to, in any of its files. */
interface Site {
  readonly authors: Map<string, string>
  readonly attachments: Map<string, MediaFile>
  readonly addresses: Set<string>
  readonly blocks: Map<string, string>
  address: string
  language: string
  /** Hours and minutes that local times were ahead of UTC most recently, in milliseconds. */
  offset: number
}

const NOT_POSTS =
  /^(?:attachment|revision|nav_menu_item|wp_block|wp_template|wp_template_part|wp_global_styles|wp_navigation|wp_font_.*|custom_css|customize_changeset|oembed_cache|user_request)$/

/**
 * The posts of a WordPress export (WXR 1.0 to 1.2), which may be several files.
 * @param names Of the files in the archive.
 */
export function wordpressExport(
  archive: Archive,
  names: readonly string[],
  options: ExportOptions,
): DraftSource {
  return {
    linkedBy: 'addresses',
    async *drafts({ signal }) {
      const site = await siteIn(archive, names)
      const context: PostContext = {
        ...contextOf({ ...options, siteUrl: options.siteUrl ?? (site.address || undefined) }),
        archive,
        namesOf: (address) => {
          const path = /\/wp-content\/(uploads\/[^?#]+)/.exec(address)?.[1]
          return path === undefined ? [] : [`wp-content/${path}`, path]
        },
        originalOf: (address) => originalOf(address, site.addresses),
      }
      for (const name of names) {
        for await (const item of wxrItems(archive.stream(name))) {
          signal?.throwIfAborted()
          const type = item.fields.get('wp:post_type') ?? ''
          if (item.kind === 'item' && !NOT_POSTS.test(type))
            yield await readItem(item, site, context)
        }
      }
    },
    close: () => archive.close(),
  }
}

async function siteIn(archive: Archive, names: readonly string[]): Promise<Site> {
  const site: Site = {
    authors: new Map(),
    attachments: new Map(),
    addresses: new Set(),
    blocks: new Map(),
    address: '',
    language: '',
    offset: 0,
  }
  for (const name of names) {
    for await (const { kind, fields, meta } of wxrItems(archive.stream(name))) {
      const id = fields.get('wp:post_id') ?? ''
      const url = fields.get('wp:attachment_url') ?? ''
      if (kind === 'channel') {
        site.address = (fields.get('wp:base_blog_url') ?? fields.get('link') ?? '').trim()
        site.language = fields.get('language') ?? ''
      } else if (kind === 'author') {
        const shown = await textOfHtml(fields.get('wp:author_display_name') ?? '')
        site.authors.set(fields.get('wp:author_login') ?? '', shown)
      } else if (url !== '') {
        site.addresses.add(url)
        site.attachments.set(id, {
          url,
          alt: meta.get('_wp_attachment_image_alt') ?? '',
          caption: fields.get('excerpt:encoded') ?? '',
          parent: fields.get('wp:post_parent') ?? '',
        })
      } else if (
        fields.get('wp:post_type') === 'wp_block' &&
        fields.get('wp:status') === 'publish'
      ) {
        site.blocks.set(id, fields.get('content:encoded') ?? '')
      }
    }
  }
  return site
}

async function readItem(item: WxrItem, site: Site, context: PostContext): Promise<SourceItem> {
  const { fields, terms, meta } = item
  const field = (name: string) => fields.get(name)?.trim() ?? ''
  const id = field('wp:post_id')
  const address = field('link') || field('guid') || undefined
  const aliases = [field('guid'), `${site.address}/?p=${id}`]
  const post = { id: `wordpress-${id}`, address, aliases }
  return readPost(post, reasonToWithhold(item), context, async () => {
    const named = async (domain: string) =>
      Promise.all(terms.filter((it) => it.domain === domain).map((it) => textOfHtml(it.name)))
    const coauthors = await named('author')
    const creator = field('dc:creator')
    const author = site.authors.get(creator) || creator
    const tags = [...(await named('category')), ...(await named('post_tag'))]
    const isOpen = context.include?.has('private') === true
    const { html, warnings } = renderWordpress(fields.get('content:encoded') ?? '', {
      id,
      attachments: site.attachments,
      blocks: site.blocks,
      isOpen,
    })
    const thumbnail = site.attachments.get(meta.get('_thumbnail_id') ?? '')
    const date = dateOf(field, site)
    return {
      title: await textOfHtml(field('title')),
      date: date.text,
      summary: await textOfHtml(field('excerpt:encoded')),
      language: site.language,
      authors: coauthors.length > 0 ? coauthors : [author],
      tags: tags.filter((it) => it !== 'Uncategorized'),
      body: { html, rules: rulesOf(site, isOpen), notes: notesIn(meta.get('footnotes')) },
      ...(thumbnail === undefined ? {} : { cover: { source: thumbnail.url, ...thumbnail } }),
      warnings: [...date.warnings, ...warnings].map((message) => ({ message })),
    }
  })
}

/** Where plugins keep for whom a post is: Members, Restrict Content Pro, WP-Members, Ultimate Member, Memberful. */
const AUDIENCE =
  /^(?:_members_access_role|_?rcp_(?:subscription_level|user_level|access_level|is_paid)|_wpmem_block|um_content_restriction|_?memberful_(?:acl|marketing_content)|_pmpro_\w+)$/

/** Why an item is no post for everybody; whatever is not known may be none. */
function reasonToWithhold({ fields, meta }: WxrItem): Withheld | undefined {
  const status = fields.get('wp:status')?.trim() ?? ''
  const type = fields.get('wp:post_type')?.trim() ?? ''
  const access = meta.get('_jetpack_newsletter_access')?.trim() ?? ''
  if (status === 'future') return { kind: 'scheduled', message: 'a post that is scheduled' }
  if (status === 'private') return { kind: 'private', message: 'a private post' }
  if (status !== 'publish')
    return { kind: 'drafts', message: `a post of the status "${printable(status)}"` }
  if ((fields.get('wp:post_password') ?? '') !== '')
    return { kind: 'private', message: 'a post that a password protects' }
  if (access !== '' && access !== 'everybody')
    return { kind: 'private', message: `a post for ${printable(access)}, not for everybody` }
  for (const [name, value] of meta) {
    if (AUDIENCE.test(name) && !/^(?:0|no|none|all|everyone|false|a:0:\{\})?$/i.test(value.trim()))
      return { kind: 'private', message: `a post that a plugin restricts (${printable(name)})` }
  }
  if (type !== 'post')
    return { kind: 'extras', message: `an item of the type "${printable(type)}", not a post` }
  return undefined
}

// Imported posts may say no time in UTC, and then their local time is all there is.
function dateOf(field: (name: string) => string, site: Site): { text: string; warnings: string[] } {
  const isReal = (text: string) => text !== '' && !/^0000|-0001/.test(text)
  const [gmt, local, published] = ['wp:post_date_gmt', 'wp:post_date', 'pubDate'].map(field)
  if (gmt !== undefined && isReal(gmt)) {
    const offset = Date.parse(`${local}Z`) - Date.parse(`${gmt}Z`)
    if (Math.abs(offset) <= 14 * 3_600_000) site.offset = offset
    return { text: gmt, warnings: [] }
  }
  if (published !== undefined && isReal(published)) return { text: published, warnings: [] }
  if (local === undefined || !isReal(local)) return { text: '', warnings: [] }
  const time = Date.parse(`${local.replace(' ', 'T')}Z`)
  const text = Number.isNaN(time) ? local : new Date(time - site.offset).toISOString()
  return { text, warnings: ['The post has a local date only; the zone of other posts counts.'] }
}

/** Footnotes of the block editor, by the ids of their marks. */
function notesIn(json: string | undefined): ReadonlyMap<string, string> {
  const notes = new Map<string, string>()
  try {
    const list: unknown = JSON.parse(json ?? '[]')
    for (const it of Array.isArray(list) ? (list as unknown[]) : []) {
      const { id, content } = (it ?? {}) as { id?: unknown; content?: unknown }
      if (typeof id === 'string' && typeof content === 'string') notes.set(id, content)
    }
  } catch {
    // Then the marks stay without notes.
  }
  return notes
}

const NOISE = /^(?:sharedaddy|jp-relatedposts|wp-block-jetpack-subscriptions|screen-reader-text)/

function rulesOf(site: Site, isOpen: boolean): HtmlRules {
  let gates = 0
  let lastLink = ''
  return {
    comment(text) {
      const [, closes, name = ''] = /^\s*(\/?)wp:([\w/-]+)/.exec(text) ?? []
      if (isOpen || !GATES.test(name)) return undefined
      if (name === 'jetpack/paywall') return 'cut'
      if (text.trimEnd().endsWith('/')) return undefined
      gates += closes === '/' ? -1 : 1
      return gates > 0 ? 'hide' : 'show'
    },
    element(element) {
      const note = attribute(element, 'data-fn')
      if (element.tagName === 'sup' && note !== '') {
        Object.assign(element, { tagName: FOOTNOTE_MARK, properties: { id: note } })
        return []
      }
      if (hasClass(element, NOISE)) return 'drop'
      if (element.tagName === 'a') {
        const href = attribute(element, 'href')
        // A file has its name and a button, which lead to the same place.
        if (href === lastLink && hasClass(element, /^wp-block-file__button$/)) return 'drop'
        lastLink = href
      }
      if (element.tagName !== 'img') return undefined
      const id = /\bwp-image-(\d+)\b/.exec(String(element.properties['className'] ?? ''))?.[1]
      const original = id === undefined ? undefined : site.attachments.get(id)
      if (original !== undefined) {
        element.properties['src'] = original.url
        element.properties['alt'] = attribute(element, 'alt') || original.alt
      }
      return undefined
    },
  }
}

/** The upload of which an address is a resized or a proxied copy. */
function originalOf(address: string, uploads: ReadonlySet<string>): string {
  const direct = address
    .replace(/^https?:\/\/i\d\.wp\.com\//, 'https://')
    .replace(/(?<=wp-content\/.*)\?.*$/, '')
  const full = direct.replace(/-\d+x\d+(?=\.\w{3,4}$)/, '')
  for (const it of [direct, full, full.replace(/^https:/, 'http:')]) if (uploads.has(it)) return it
  return direct
}
