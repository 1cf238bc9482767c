import { posix } from 'node:path'
import { readFromArchive, type Archive } from '../archive.ts'
import { findAttachments, type DraftFiles } from '../attachments.ts'
import { TextReader } from '../decode.ts'
import { splitFrontMatter, type HeadField } from '../front-matter.ts'
import { attribute, hasClass, type HtmlRules } from '../html/tree.ts'
import { localReferences } from '../references.ts'
import { withoutMetadata } from '../picture-location.ts'
import {
  printable,
  skippedFor,
  type DraftSource,
  type Withheld,
  type SourceItem,
} from '../source.ts'
import { MAX_DRAFT_BYTES } from '../text.ts'
import { csvRecords } from './csv.ts'
import { withoutMergeTags } from './merge-tags.ts'
import { originOf, readPost, type Post } from './post.ts'
import { contextOf, type ExportOptions, type PostContext } from './shown-pictures.ts'

type Field = (name: string) => string

const EDITOR = /^\s*<!--\s*buttondown-editor-mode:\s*(\w+)\s*-->\s*/
const WALL = /<div\b[^<>]{0,500}\brole\s*=\s*["']?paywall|<buttondown-subscriberwall\b/i
const GATED_BLOCK = /^buttondown-block-(?:premium|free|email|web|subscriber|churned|gated)/
const GATED_DIV =
  /<div\b[^<>]{0,500}\bclass\s*=\s*["'][^"'<>]{0,500}\bbuttondown-block-(?:premium|free|email|web|subscriber|churned|gated)[^<>]*>/i

/**
 * The mails of a Buttondown newsletter, as its command line pulls them (`emails/**` with heads) or as its site exports
 * them (`emails.csv` with texts that have none).
 * @param folder Of the export in the archive: '' or one that ends with `/`.
 */
export function buttondownExport(
  archive: Archive,
  folder: string,
  options: ExportOptions,
): DraftSource {
  const list = archive.names.find((it) => it === `${folder}emails.csv`)
  return {
    linkedBy: 'addresses',
    async *drafts({ signal }) {
      const siteUrl = options.siteUrl ?? (await siteIn(archive, folder))
      const pulled = await pulledIn(archive, folder)
      const context: PostContext = {
        ...contextOf({ ...options, siteUrl }),
        archive,
        namesOf: (address) => [mediaName(folder, address)].filter((it) => it !== undefined),
      }
      if (list === undefined) {
        for (const name of archive.names) {
          signal?.throwIfAborted()
          if (!name.startsWith(`${folder}emails/`) || !/\.md$/i.test(name)) continue
          yield await readFile(archive, name, pulled, context)
        }
        return
      }
      for await (const row of csvRecords(archive.stream(list))) {
        signal?.throwIfAborted()
        const field = (name: string) => row.get(name)?.trim() ?? ''
        yield await readRow(archive, folder, field, context)
      }
    },
    close: () => archive.close(),
  }
}

/** The files that were pulled, by the addresses that HTML in a mail still has. */
async function pulledIn(archive: Archive, folder: string): Promise<ReadonlyMap<string, string>> {
  const pulled = new Map<string, string>()
  try {
    const text = await readFromArchive(archive, `${folder}.buttondown.json`, MAX_DRAFT_BYTES)
    const { syncedImages } = JSON.parse(TextReader.readAll(text)) as Record<string, unknown>
    for (const it of Object.values(syncedImages ?? {}) as unknown[]) {
      const { localPath, url } = (it ?? {}) as Record<string, unknown>
      const file = typeof localPath === 'string' ? /[^/\\]+$/.exec(localPath)?.[0] : undefined
      const name = `${folder}media/${file ?? ''}`
      if (typeof url === 'string' && (archive.size(name) ?? 0) > 0) pulled.set(bare(url), name)
    }
  } catch {
    // Then they stay on the web.
  }
  return pulled
}

/** An address without the size that it asks for. */
function bare(address: string): string {
  return address.replace(/[?#].*$/s, '')
}

/** Where the newsletter is, as the settings that are pulled along say. */
async function siteIn(archive: Archive, folder: string): Promise<string | undefined> {
  const name = `${folder}newsletter.json`
  if (archive.size(name) === undefined) return undefined
  try {
    const text = TextReader.readAll(await readFromArchive(archive, name, MAX_DRAFT_BYTES))
    const { username, domain } = JSON.parse(text) as Record<string, unknown>
    if (typeof domain === 'string' && /^[\w.-]+\.\w+$/.test(domain)) return `https://${domain}`
    return typeof username === 'string' && /^[\w-]+$/.test(username)
      ? `https://buttondown.com/${username}`
      : undefined
  } catch {
    return undefined
  }
}

async function readFile(
  archive: Archive,
  name: string,
  pulled: ReadonlyMap<string, string>,
  context: PostContext,
): Promise<SourceItem> {
  try {
    const text = TextReader.readAll(await readFromArchive(archive, name, MAX_DRAFT_BYTES))
    const whole = text.replaceAll(/https?:\/\/[^\s"'()<>]+/g, (address) => {
      const file = pulled.get(bare(address))
      return file === undefined ? address : posix.relative(posix.dirname(name), file)
    })
    const { fields, body } = await splitFrontMatter(whole)
    const field = (key: string) => textOf(fields.get(key))
    return await readMail({ archive, name, field, body, isListed: false }, context)
  } catch (error) {
    return skippedFor(name, error)
  }
}

async function readRow(
  archive: Archive,
  folder: string,
  field: Field,
  context: PostContext,
): Promise<SourceItem> {
  const name = `${folder}emails/${field('slug')}.md`
  try {
    const body = TextReader.readAll(await readFromArchive(archive, name, MAX_DRAFT_BYTES))
    return await readMail({ archive, name, field, body, isListed: true }, context)
  } catch (error) {
    return skippedFor(originOf({ id: `buttondown-${field('id')}`, address: name }), error)
  }
}

function textOf(field: HeadField | undefined): string {
  return typeof field?.value === 'string' ? field.value.trim() : ''
}

interface Mail {
  readonly archive: Archive
  /** Of the file. */
  readonly name: string
  readonly field: Field
  readonly body: string
  /** It is in `emails.csv`, which says no state. */
  readonly isListed: boolean
}

async function readMail(mail: Mail, context: PostContext): Promise<SourceItem> {
  const { archive, name, field, body, isListed } = mail
  const slug = field('slug')
  const site = context.siteUrl?.replace(/\/$/, '')
  const address =
    field('canonical_url') ||
    (slug === '' || site === undefined ? undefined : `${site}/archive/${slug}/`)
  const path = slug === '' ? [] : [`/archive/${slug}/`]
  // It has had two domains.
  const user = /^https:\/\/buttondown\.\w+\/([\w-]+)$/.exec(site ?? '')?.[1]
  const aliases = user === undefined ? path : [...path, `/${user}/archive/${slug}/`]
  const post = { id: `buttondown-${field('id') || name}`, address, aliases }
  const isOpen = context.include?.has('private') === true
  const image = field('image')
  return readPost(post, reasonToWithhold(field, isListed), context, async () => ({
    title: withoutMergeTags(field('subject')).text,
    date: field('publish_date').replace(/^(\S+) /, '$1T'),
    summary: withoutMergeTags(field('description')).text,
    ...(await bodyOf(body, field('editor_mode'), { archive, name, isOpen })),
    ...(image === '' ? {} : { cover: { source: image } }),
  }))
}

/** Why a mail is not for everybody. A list has no state; there, a date in the past counts as sent. */
function reasonToWithhold(field: Field, isListed: boolean): Withheld | undefined {
  const status = printable(field('status'))
  const type = printable(field('email_type') || 'public')
  const archival = printable(field('archival_mode'))
  if (isListed) {
    const date = Date.parse(field('publish_date'))
    if (Number.isNaN(date)) return { kind: 'drafts', message: 'a mail without a date' }
    if (date > Date.now()) return { kind: 'scheduled', message: 'a mail that is scheduled' }
  } else if (status === 'scheduled') {
    return { kind: 'scheduled', message: 'a mail that is scheduled' }
  } else if (status !== 'sent' && status !== 'imported') {
    const message = status === '' ? 'a mail of no status' : `a mail of the status "${status}"`
    return { kind: 'drafts', message }
  }
  if (archival !== '') {
    if (archival === 'enabled' || archival === 'archive_only') return undefined
    return { kind: 'private', message: `a mail whose archival mode is "${archival}"` }
  }
  if (type !== 'public' && type !== 'archival')
    return { kind: 'private', message: `a mail of the type "${type}"` }
  return undefined
}

async function bodyOf(
  source: string,
  editor: string,
  { archive, name, isOpen }: Pick<Mail, 'archive' | 'name'> & { readonly isOpen: boolean },
): Promise<Pick<Post, 'body' | 'isCut'>> {
  const mode = EDITOR.exec(source)?.[1] ?? editor
  const text = withoutMergeTags(source.replace(EDITOR, ''))
  if (mode === 'fancy')
    return { body: { html: text.text, rules: rulesOf(isOpen) }, isCut: text.isCut }
  const open = isOpen ? { text: text.text, isCut: false } : withoutGates(text.text)
  const markdown = open.text
  const files: DraftFiles = {
    async find(path) {
      const at = posix.normalize(posix.join(posix.dirname(name), path))
      const sizeBytes = archive.size(at)
      if (sizeBytes === undefined) return undefined
      const read = async () => withoutMetadata(await readFromArchive(archive, at, sizeBytes))
      return { identity: at, sizeBytes, open: read }
    },
  }
  const { attachments, warnings } = await findAttachments(await localReferences(markdown), files)
  return { body: { markdown, attachments, warnings }, isCut: text.isCut || open.isCut }
}

/** Markdown up to its wall, and without the blocks that are for some readers alone. */
function withoutGates(markdown: string): { text: string; isCut: boolean } {
  const wall = WALL.exec(markdown)
  let rest = wall === null ? markdown : markdown.slice(0, wall.index)
  let text = ''
  let isCut = wall !== null
  for (let gate = GATED_DIV.exec(rest); gate !== null; gate = GATED_DIV.exec(rest)) {
    isCut = true
    text += rest.slice(0, gate.index)
    rest = rest.slice(endOfDiv(rest, gate.index))
  }
  return { text: text + rest, isCut }
}

/** Where a `div` ends that begins at a place; one that does not end takes all. */
function endOfDiv(text: string, start: number): number {
  let depth = 0
  for (const tag of text.slice(start).matchAll(/<(\/?)div\b[^<>]*>/gi)) {
    depth += tag[1] === '/' ? -1 : 1
    if (depth === 0) return start + tag.index + tag[0].length
  }
  return text.length
}

function rulesOf(isOpen: boolean): HtmlRules {
  return {
    element(element) {
      if (isOpen) return undefined
      const isWall =
        attribute(element, 'role') === 'paywall' || element.tagName === 'buttondown-subscriberwall'
      if (isWall) return 'cut'
      return hasClass(element, GATED_BLOCK) ? 'drop' : undefined
    },
  }
}

function mediaName(folder: string, address: string): string | undefined {
  const path = /^(?:\.\.?\/)*(media\/[^?#]+)$/.exec(address)?.[1]
  return path === undefined ? undefined : `${folder}${path}`
}
