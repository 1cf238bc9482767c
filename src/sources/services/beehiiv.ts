import type { Archive } from '../archive.ts'
import { attribute, hasClass, type HtmlRules } from '../html/tree.ts'
import { skippedFor, type DraftSource, type FoundDraft, type SkippedDraft } from '../source.ts'
import { csvRecords } from './csv.ts'
import { draftOfPost, originOf, withheldPost } from './post.ts'
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

async function readRow(
  field: (name: string) => string,
  context: PostContext,
): Promise<FoundDraft | SkippedDraft> {
  const post = { id: `beehiiv-${field('id')}`, address: field('url') || undefined }
  const origin = originOf(post)
  const withheld = reasonToWithhold(field)
  if (withheld !== undefined && context.include?.has(withheld.kind) !== true) {
    return withheldPost(origin, withheld.kind, withheld.why)
  }
  const thumbnail = field('thumbnail_url')
  const title = field('web_title') || field('email_subject_line')
  try {
    return await draftOfPost(
      {
        ...post,
        title,
        date: field('created_at'),
        summary: field('web_subtitle') || field('email_preview_text'),
        tags: field('content_tags').split(';'),
        body: { html: withoutMergeTags(field('content_html')), rules: RULES },
        ...(thumbnail === '' ? {} : { cover: { source: thumbnail } }),
        warnings: [{ message: 'The date is that of writing: the export has no other.' }],
      },
      context,
    )
  } catch (error) {
    return skippedFor(origin, error)
  }
}

function reasonToWithhold(field: (name: string) => string) {
  const status = shown(field('status'))
  const audience = shown(field('audience') || field('web_audiences'))
  if (status === 'archived') return { kind: 'private', why: 'an archived post' } as const
  if (status !== 'confirmed')
    return { kind: 'drafts', why: `a post of the status "${status}"` } as const
  if (!/^(?:free|all free subscribers)$/i.test(audience))
    return { kind: 'private', why: `a post for "${audience}", not for everybody` } as const
  return undefined
}

function shown(text: string): string {
  return text.slice(0, 64).replaceAll(/\p{C}/gu, '?')
}

function withoutMergeTags(html: string): string {
  return html.replaceAll(/\{\{[^{}]{0,500}\}\}/g, '')
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
