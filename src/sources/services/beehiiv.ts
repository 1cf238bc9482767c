import type { Archive } from '../archive.ts'
import { attribute, hasClass, type HtmlRules } from '../html/tree.ts'
import { printable, type DraftSource, type Withheld, type SourceItem } from '../source.ts'
import { csvRecords } from './csv.ts'
import { withoutMergeTags } from './merge-tags.ts'
import { readPost } from './post.ts'
import { contextOf, type ExportOptions, type PostContext } from './shown-pictures.ts'

const MEDIA = 'https://media.beehiiv.com/'

/**
 * The posts of a Beehiiv export.
 * @param list Name of the CSV file in the archive.
 */
export function beehiivExport(archive: Archive, list: string, options: ExportOptions): DraftSource {
  return {
    linkedBy: 'addresses',
    async *drafts({ signal }) {
      const context: PostContext = { ...contextOf(options), originalOf }
      for await (const row of csvRecords(archive.stream(list))) {
        signal?.throwIfAborted()
        yield await readRow((name) => row.get(name)?.trim() ?? '', context)
      }
    },
    close: () => archive.close(),
  }
}

async function readRow(field: (name: string) => string, context: PostContext): Promise<SourceItem> {
  const post = { id: `beehiiv-${field('id')}`, address: field('url') || undefined }
  const thumbnail = field('thumbnail_url')
  const shown = (name: string) => withoutMergeTags(field(name), true).text
  return readPost(post, reasonToWithhold(field), context, async () => ({
    title: shown('web_title') || shown('email_subject_line'),
    date: field('created_at'),
    summary: shown('web_subtitle') || shown('email_preview_text'),
    tags: field('content_tags').split(';'),
    body: { html: shown('content_html'), rules: RULES },
    ...(thumbnail === '' ? {} : { cover: { source: thumbnail } }),
    warnings: [{ message: 'The date is that of writing: the export has no other.' }],
  }))
}

function reasonToWithhold(field: (name: string) => string): Withheld | undefined {
  const status = printable(field('status'))
  const audience = printable(field('audience') || field('web_audiences'))
  if (status === 'archived') return { kind: 'private', message: 'an archived post' }
  if (status !== 'confirmed') return { kind: 'drafts', message: `a post of the status "${status}"` }
  if (!/^(?:free|all free subscribers)$/i.test(audience))
    return { kind: 'private', message: `a post for "${audience}", not for everybody` }
  return undefined
}

/** The export has whole mails: the post is one part, and its links say who sent them. */
const RULES: HtmlRules = {
  isRoot: (element) => attribute(element, 'id') === 'content-blocks',
  element(element) {
    if (hasClass(element, /^(?:poll|ad-|sponsor|advertisement)/i)) return 'drop'
    if (element.tagName === 'a') {
      const href = attribute(element, 'href')
      if (URL.canParse(href)) {
        const url = new URL(href)
        const names = [...url.searchParams.keys()]
        const traces = names.filter((it) => /^(?:utm_|_bhlid$|last_resource_guid$)/.test(it))
        for (const name of traces) url.searchParams.delete(name)
        if (traces.length > 0) element.properties['href'] = url.href
      }
    }
    return undefined
  },
}

/** The upload, where the mail shows a resized form of it. */
function originalOf(address: string): string {
  const resized = /^(?:https:\/\/media\.beehiiv\.com\/)?cdn-cgi\/image\/[^/]+\/(uploads\/.+)$/.exec(
    address,
  )
  if (resized !== null) return MEDIA + (resized[1] ?? '')
  return address.startsWith('uploads/') ? MEDIA + address : address
}
