import type { Attachment, Email } from 'postal-mime'
import { HyperletterError } from '../../errors.ts'
import { decode } from '../../render/links.ts'
import type { Archive } from '../archive.ts'
import { parseDate } from '../date.ts'
import { attribute, textAsHtml } from '../html/tree.ts'
import { mediaTypeOf } from '../media-types.ts'
import {
  invalidDraft,
  skippedFor,
  type DraftSource,
  type Withheld,
  type SourceItem,
} from '../source.ts'
import { readable, withRightText } from './mail-charset.ts'
import { htmlOfText, withoutFooter } from './mail-text.ts'
import { mailsIn, type Mail } from './mbox-mails.ts'
import { draftOfPost, isWithheld, originOf, withheldPost } from './post.ts'
import { contextOf, type ExportOptions } from './shown-pictures.ts'

/** Headers by which a mailing list, or its archive, marks what everybody on it got. */
const OF_A_LIST =
  /^(?:list-id|list-post|list-archive|x-mailing-list|mailing-list|x-google-groups?|x-mailman-version|x-beenthere)$/
const ANSWER =
  /^\s*(?:re|aw|sv|vs|antw|odp|rif|ynt|回复|回覆|答复|fwd?|wg|tr)\s*(?:\[\d+\])?\s*[:：]/i

/**
 * The mails that began something on a mailing list: answers are left out, as are mails that no list sent.
 * @param names Of the files in the archive: mbox files, of which some lists have one for each month, or mails (`.eml`).
 */
export function mboxExport(
  archive: Archive,
  names: readonly string[],
  options: ExportOptions,
): DraftSource {
  return {
    async *drafts({ signal }) {
      const seen = new Set<string>()
      for (const name of names) {
        const file = { archive, name, prefix: names.length > 1 ? `${name}-` : '' }
        for await (const mail of mailsOf(file)) {
          signal?.throwIfAborted()
          yield await readMail(mail, file, seen, options)
        }
      }
    },
    close: () => archive.close(),
  }
}

function mailsOf({ archive, name }: MboxFile, start = 0): AsyncGenerator<Mail> {
  return mailsIn(archive.stream(name, start), /\.eml$/i.test(name))
}

async function readMail(
  mail: Mail,
  file: MboxFile,
  seen: Set<string>,
  options: ExportOptions,
): Promise<SourceItem> {
  let origin = originOf({ id: `${file.prefix}mail-${mail.number}` })
  try {
    const email = await parsed(mail)
    const id = email.messageId?.replace(/^<|>$/g, '') ?? ''
    if (id !== '') origin = originOf({ id: `mail-${id}` })
    const withheld = reasonToWithhold(mail, email, seen)
    if (id !== '') seen.add(id)
    if (isWithheld(withheld, options)) return withheldPost(origin, withheld)
    const files = filesOf(email)
    const names = new Map(files.map((it) => [it.id, [it.name]]))
    return await draftOfPost(
      {
        id: origin,
        title: titleOf(email),
        date: dateOf(mail, email),
        authors: authorsOf(email),
        body: bodyOf(email, files),
      },
      {
        ...contextOf(options),
        archive: archiveOf(file, mail.offset, files),
        namesOf: (address) => names.get(cidIn(address)) ?? [],
      },
    )
  } catch (error) {
    return skippedFor(origin, error)
  }
}

async function parsed(mail: Mail): Promise<Email> {
  const { default: PostalMime } = await import('postal-mime')
  try {
    const bytes = mail.bytes()
    const email = await PostalMime.parse(readable(bytes), { forceRfc822Attachments: true })
    return withRightText(email, bytes)
  } catch (cause) {
    if (cause instanceof HyperletterError) throw cause
    throw invalidDraft('The mail cannot be read.', { cause })
  }
}

function reasonToWithhold(
  mail: Mail,
  email: Email,
  seen: ReadonlySet<string>,
): Withheld | undefined {
  const header = (name: string) => email.headers.find(({ key }) => key === name)?.value ?? ''
  const id = email.messageId?.replace(/^<|>$/g, '') ?? ''
  if (id !== '' && seen.has(id)) return { kind: 'extras', message: 'a mail that is there twice' }
  const isOfList = mail.isPipermail || email.headers.some(({ key }) => OF_A_LIST.test(key))
  if (!isOfList) return { kind: 'private', message: 'a mail that no mailing list sent' }
  if (/^yes\b/i.test(header('x-no-archive')) || /\bno-archive\b/i.test(header('archive'))) {
    return { kind: 'private', message: 'a mail that wants not to be archived' }
  }
  const isAnswer =
    header('in-reply-to') !== '' || header('references') !== '' || ANSWER.test(email.subject ?? '')
  return isAnswer ? { kind: 'extras', message: 'an answer' } : undefined
}

function titleOf({ subject = '' }: Email): string {
  return subject.replace(/^\s*\[[^\]]{1,80}\]\s*/, '').trim()
}

/** The date of the mail, else that of its envelope: a wrong one is not taken for now. */
function dateOf(mail: Mail, { date, headers }: Email): string {
  const written = headers.find(({ key }) => key === 'date')?.value ?? date ?? ''
  for (const text of [date ?? '', written, mail.envelopeDate]) {
    const day = parseDate(
      text
        .replaceAll(/\([^()]*\)/g, '')
        .replace(/-0000$/, '+0000')
        .trim(),
    )
    const time = Date.parse(day ?? '')
    if (day !== undefined && time > 0 && time < Date.now()) return day
  }
  return ''
}

function authorsOf({ from, headers }: Email): string[] {
  // A list that sends in its own name says so.
  const name = (from?.name ?? '').replace(/ via [^<>@]{1,80}$/i, '').trim()
  // Addresses are not for everybody. Mailman writes `mara at tides.example (Mara Quay)`.
  const isAddress = /^\S+(?:@| at )\S+$/.test(name)
  if (name !== '' && !isAddress) return [name]
  const written = headers.find(({ key }) => key === 'from')?.value ?? ''
  const behind = /\(([^()@]{1,200})\)\s*$/.exec(written)?.[1]?.trim()
  if (behind !== undefined) return [behind]
  const [local = ''] = (isAddress ? name : (from?.address ?? '')).split(/@| at /)
  return local === '' ? [] : [local]
}

function bodyOf({ html, text }: Email, files: readonly MailFile[]) {
  const body = html === undefined ? htmlOfText(withoutFooter(text ?? '')) : withoutFooter(html)
  const shown = new Set([...body.matchAll(/cid:[^"'\s<>()]+/gi)].map(([it]) => cidIn(it)))
  // What belongs to a page, and is not shown there, is of no use.
  const below = files.filter(({ id, file }) => !shown.has(id) && file.related !== true)
  return {
    html: [body, ...below.map(htmlOfFile)].join('\n'),
    rules: {
      element: (element: Parameters<typeof attribute>[0]) => {
        const href = attribute(element, 'href')
        return element.tagName === 'a' && /unsubscribe|list-manage|optout/i.test(href)
          ? ('unwrap' as const)
          : undefined
      },
    },
  }
}

function htmlOfFile({ id, name, file }: MailFile): string {
  const address = `cid:${encodeURIComponent(id)}`
  if (mediaTypeOf(name).startsWith('image/')) return `<p><img src="${address}"></p>`
  const shown = textAsHtml(file.filename ?? name)
  return `<p><a href="${address}">${shown}</a></p>`
}

/** The id that an address refers to, in small letters: mails spell them in several ways. */
function cidIn(address: string): string {
  return decode(/^cid:(.+)$/is.exec(address)?.[1] ?? '').toLowerCase()
}

/** Types of files that travel with an issue, and the extension of those that have no name. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/jpg': 'jpg',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'image/avif': 'avif',
  'application/pdf': 'pdf',
  'audio/mpeg': 'mp3',
  'audio/mp4': 'm4a',
  'audio/ogg': 'ogg',
  'video/mp4': 'mp4',
  'video/webm': 'webm',
}

interface MailFile {
  /** As the text refers to it: `cid:` and this, in small letters. */
  readonly id: string
  readonly name: string
  readonly file: Attachment
}

function filesOf({ attachments }: Email): MailFile[] {
  const files = new Map<string, MailFile>()
  for (const [at, file] of attachments.entries()) {
    const { filename, mimeType, contentId = '' } = file
    const extension = EXTENSIONS[mimeType] ?? EXTENSIONS[mediaTypeOf(filename ?? '')]
    if (extension === undefined) continue
    const id = contentId.replace(/^<|>$/g, '')
    const own = filename?.replace(/\.\w+$/, '') || `file-${at + 1}`
    const stem = id === '' ? `attached/${plain(own)}` : `cid/${plain(id)}`
    const name = files.has(`${stem}.${extension}`) ? `${stem}-${at + 1}` : stem
    const named = `${name}.${extension}`
    files.set(named, { id: (id || named).toLowerCase(), name: named, file })
  }
  return [...files.values()]
}

function plain(text: string): string {
  return text.replaceAll(/[^\w.@-]+/g, '-').slice(0, 100)
}

interface MboxFile {
  readonly archive: Archive
  readonly name: string
  /** Of the numbers of its mails, where there are several files. */
  readonly prefix: string
}

/** The files within a mail. Their bytes are read from the mbox again when the issue is published. */
function archiveOf(mbox: MboxFile, offset: number, files: readonly MailFile[]): Archive {
  const sizes = new Map(files.map((it) => [it.name, bytesOf(it.file).byteLength]))
  return {
    names: [...sizes.keys()],
    size: (name) => sizes.get(name),
    async *stream(name) {
      for await (const mail of mailsOf(mbox, offset)) {
        const again = filesOf(await parsed(mail)).find((it) => it.name === name)
        if (again !== undefined) yield bytesOf(again.file)
        return
      }
    },
    async close() {},
  }
}

function bytesOf({ content }: Attachment): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content, 'base64') : new Uint8Array(content)
}
