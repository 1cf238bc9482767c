import type { Element } from 'hast'
import { decode } from '../../render/links.ts'
import { readFromArchive, type Archive } from '../archive.ts'
import { TextReader } from '../decode.ts'
import { FOOTNOTE, FOOTNOTE_MARK } from '../html/footnotes.ts'
import { VERBATIM } from '../html/markdown.ts'
import {
  attribute,
  hasClass,
  MAX_HTML_CHARACTERS,
  textOfHtml,
  type HtmlRules,
  type HtmlVerdict,
} from '../html/tree.ts'
import {
  invalidDraft,
  printable,
  type DraftSource,
  type Withheld,
  type SourceItem,
} from '../source.ts'
import { csvRecords } from './csv.ts'
import { readPost } from './post.ts'
import { contextOf, type ExportOptions, type PostContext } from './shown-pictures.ts'

/** Subscribe buttons, share buttons and the like. */
const CHROME =
  /^(?:subscription-widget|subscribe-widget|sponsorship-campaign|image-link-expand|install-substack-app|community-chat|poll-embed|native-video-embed|file-embed-thumbnail|captioned-button-wrap|directMessage)/
const CHROME_LINK =
  /[?&]action=(?:share|gift)|\/(?:subscribe|comments)(?:[?#]|$)|^%%|%%(?:checkout|share|half_)/

/**
 * The posts of a Substack export. Its lists of subscribers are not read.
 * @param list Name of `posts.csv` in the archive.
 */
export function substackExport(
  archive: Archive,
  list: string,
  options: ExportOptions,
): DraftSource {
  const folder = list.slice(0, -'posts.csv'.length)
  return {
    linkedBy: 'addresses',
    async *drafts({ signal }) {
      const texts = new Map<string, string>()
      for (const name of archive.names) {
        const number = name.startsWith(`${folder}posts/`)
          ? /\/(\d+)(?:\.[^/]*)?\.html$/.exec(name)?.[1]
          : undefined
        if (number !== undefined) texts.set(number, name)
      }
      const context: PostContext = { ...contextOf(options), originalOf }
      for await (const row of csvRecords(archive.stream(list))) {
        signal?.throwIfAborted()
        yield await readRow(row, archive, texts, context)
      }
      for (const name of texts.values()) {
        const message = 'a text that posts.csv does not name; nobody knows whether it is public'
        yield { origin: name, code: 'INVALID_DRAFT', message }
      }
    },
    close: () => archive.close(),
  }
}

async function readRow(
  row: ReadonlyMap<string, string>,
  archive: Archive,
  texts: Map<string, string>,
  context: PostContext,
): Promise<SourceItem> {
  const field = (name: string) => row.get(name)?.trim() ?? ''
  const [, number = '', slug = ''] = /^(\d+)(?:\.(.*))?$/s.exec(field('post_id')) ?? []
  const site = context.siteUrl?.replace(/\/$/, '') ?? ''
  const address = slug === '' ? undefined : `${site}/p/${encodeURIComponent(slug)}`
  const post = { id: `substack-${number || field('post_id')}`, address }
  const name = texts.get(number)
  texts.delete(number)
  return readPost(post, reasonToWithhold(field), context, async () => {
    if (name === undefined) throw invalidDraft('The export has no text of this post.')
    const html = TextReader.readAll(await readFromArchive(archive, name, MAX_HTML_CHARACTERS))
    const podcast = field('podcast_url')
    const sound =
      podcast === ''
        ? ''
        : `<audio src="${podcast.replaceAll('"', '&quot;')}" title="Listen"></audio>`
    return {
      title: await textOfHtml(field('title')),
      date: field('post_date'),
      summary: await textOfHtml(field('subtitle')),
      body: { html: sound + html, rules: rulesOf(context.include?.has('private') === true) },
    }
  })
}

function reasonToWithhold(field: (name: string) => string): Withheld | undefined {
  const audience = printable(field('audience'))
  const type = printable(field('type'))
  if (!/^true$/i.test(field('is_published'))) return { kind: 'drafts', message: 'a draft' }
  if (audience !== 'everyone')
    return { kind: 'private', message: `a post for "${audience}", not for everyone` }
  if (type === 'page') return { kind: 'extras', message: 'a page, not a post' }
  if (type !== 'newsletter' && type !== 'podcast')
    return { kind: 'private', message: `a post of the type "${type}"` }
  return undefined
}

function rulesOf(isOpen: boolean): HtmlRules {
  let note: Element | undefined
  return {
    element(element): HtmlVerdict {
      if (hasClass(element, /^paywall-jump$/)) return isOpen ? 'drop' : 'cut'
      if (hasClass(element, CHROME)) return 'drop'
      if (element.tagName === 'a') return linkVerdict(element, note)
      if (element.tagName === 'img') {
        const source = facts(element)['src']
        if (typeof source === 'string' && source !== '') element.properties['src'] = source
      } else if (hasClass(element, /^footnote$/)) {
        note = Object.assign(element, { tagName: FOOTNOTE })
      } else if (hasClass(element, /^image-link$/)) return 'unwrap'
      return embedVerdict(element)
    },
  }
}

function linkVerdict(element: Element, note: Element | undefined): HtmlVerdict {
  const href = attribute(element, 'href')
  if (hasClass(element, /^footnote-anchor$/)) {
    const id = /#footnote-(\d+)$/.exec(href)?.[1] ?? '1'
    Object.assign(element, { tagName: FOOTNOTE_MARK, properties: { id } })
    return []
  }
  if (hasClass(element, /^footnote-number$/)) {
    if (note !== undefined) note.properties['id'] = /(\d+)$/.exec(href)?.[1] ?? '1'
    return 'drop'
  }
  // There is one for wide screens, too.
  if (hasClass(element, /^file-embed-button$/) && hasClass(element, /^narrow$/)) return 'drop'
  if (hasClass(element, /^image-link$/)) {
    const target = facts(element)['href']
    if (typeof target !== 'string' || target === '') return 'unwrap'
    element.properties['href'] = target
  }
  return hasClass(element, /^button$/) && CHROME_LINK.test(href) ? 'drop' : undefined
}

/** Most embeds are empty elements that say in `data-attrs` what a script would show. */
function embedVerdict(element: Element): HtmlVerdict {
  const said = facts(element)
  const text = (key: string) => {
    const value = said[key]
    return typeof value === 'string' ? value : ''
  }
  if (hasClass(element, /^pullquote$/)) element.tagName = 'blockquote'
  if (hasClass(element, /^mention-wrap$/)) return [{ type: 'text', value: text('name') }]
  if (hasClass(element, /^latex-rendered$/)) {
    const math = text('persistentExpression')
    if (math === '') return 'drop'
    Object.assign(element, { tagName: VERBATIM, properties: { title: `$$${math}$$` } })
    return []
  }
  if (hasClass(element, /^image-gallery-embed$/)) {
    return galleryOf((said['gallery'] ?? {}) as Readonly<Record<string, unknown>>)
  }
  if (
    hasClass(element, /^(?:twitter-embed|tweet|embedded-post-wrap|digest-post-embed|bluesky-wrap)$/)
  ) {
    const url = text('url') || text('canonical_url')
    if (url === '') return undefined
    const label = text('title') || text('full_text').slice(0, 200) || url
    return [elementOf('a', { href: url }, label)]
  }
  if (hasClass(element, /^(?:youtube-wrap|vimeo-wrap)$/)) {
    const id = text('videoId')
    const player = hasClass(element, /^youtube-wrap$/)
      ? 'www.youtube.com/embed'
      : 'player.vimeo.com/video'
    return id === '' ? undefined : [elementOf('iframe', { src: `https://${player}/${id}` })]
  }
  return undefined
}

function galleryOf({ images, alt, caption }: Readonly<Record<string, unknown>>): Element[] {
  const all = Array.isArray(images) ? (images as { src?: unknown; alt?: unknown }[]) : []
  const pictures = all
    .filter((it) => typeof it.src === 'string' && it.src !== '')
    .map((it) => {
      const own = [it.alt, alt].find((text) => typeof text === 'string')
      return elementOf('img', { src: it.src as string, alt: own })
    })
  const words = typeof caption === 'string' ? caption : ''
  return words === '' ? pictures : [...pictures, elementOf('figcaption', {}, words)]
}

function elementOf(tagName: string, properties: Element['properties'], text = ''): Element {
  const children: Element['children'] = text === '' ? [] : [{ type: 'text', value: text }]
  return { type: 'element', tagName, properties, children }
}

/** What an element says in `data-attrs`, which is escaped once or twice. */
function facts(element: Element): Readonly<Record<string, unknown>> {
  const source = attribute(element, 'data-attrs')
  if (source === '') return {}
  for (const json of [source, source.replaceAll('&quot;', '"').replaceAll('&amp;', '&')]) {
    try {
      const value: unknown = JSON.parse(json)
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
    } catch {
      // The other form may be right.
    }
  }
  return {}
}

/** The upload that a delivery network shows in some size; old ones lie in a store that answers no more. */
function originalOf(address: string): string {
  const last =
    /^https:\/\/(?:substackcdn\.com|cdn\.substack\.com)\/image\/(?:fetch|upload)\/.*\/(https?(?:%3A|:)[^?]*)$/i.exec(
      address,
    )?.[1]
  const original = last === undefined ? address : decode(last)
  return original.replace(
    /^https:\/\/bucketeer-[\w-]+\.s3\.amazonaws\.com\//,
    'https://substack-post-media.s3.amazonaws.com/',
  )
}
