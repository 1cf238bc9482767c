import { isUtf8 } from 'node:buffer'
import type { Attachment, Email } from 'postal-mime'
import { HyperletterError } from '../../errors.ts'
import { decode } from '../../render/links.ts'
import type { Archive } from '../archive.ts'
import { TextReader } from '../decode.ts'
import { parseDate } from '../date.ts'
import { attribute } from '../html/tree.ts'
import {
  invalidDraft,
  skippedFor,
  type DraftSource,
  type Withheld,
  type SourceItem,
} from '../source.ts'
import { mailsIn, type Mail } from './mbox-mails.ts'
import { draftOfPost, isWithheld, originOf, withheldPost } from './post.ts'
import { contextOf, type ExportOptions } from './shown-pictures.ts'

/** Headers by which a mailing list, or its archive, marks what everybody on it got. */
const OF_A_LIST =
  /^(?:list-id|list-post|list-archive|x-mailing-list|mailing-list|x-google-groups?|x-mailman-version|x-beenthere)$/
const EXTENSIONS = ['png', 'jpg', 'gif', 'webp', 'avif']
const ANSWER =
  /^\s*(?:re|aw|sv|vs|antw|odp|rif|ynt|回复|回覆|答复|fwd?|wg|tr)\s*(?:\[\d+\])?\s*[:：]/i

/**
 * The mails that began something on a mailing list: answers are left out, as are mails that no list sent.
 * @param names Of the mbox files in the archive; some lists have one for each month.
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
        for await (const mail of mailsIn(archive.stream(name))) {
          signal?.throwIfAborted()
          yield await readMail(mail, file, seen, options)
        }
      }
    },
    close: () => archive.close(),
  }
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
    const pictures = picturesOf(file, mail.offset, email)
    return await draftOfPost(
      {
        id: origin,
        title: titleOf(email),
        date: dateOf(mail, email),
        authors: authorsOf(email),
        body: bodyOf(email),
      },
      { ...contextOf(options), archive: pictures, namesOf: cidOf },
    )
  } catch (error) {
    return skippedFor(origin, error)
  }
}

async function parsed(mail: Mail): Promise<Email> {
  const { default: PostalMime } = await import('postal-mime')
  try {
    return await PostalMime.parse(withRightCharset(mail.bytes()), { forceRfc822Attachments: true })
  } catch (cause) {
    if (cause instanceof HyperletterError) throw cause
    throw invalidDraft('The mail cannot be read.', { cause })
  }
}

// Mails that are UTF-8 often say something else, or nothing.
function withRightCharset(bytes: Buffer): Buffer {
  const isAscii = !bytes.some((it) => it > 0x7f)
  if (isAscii || !isUtf8(bytes)) return bytes
  const text = bytes.toString('utf8')
  const wrong = /(charset\s*=\s*"?)(?:us-ascii|ascii|iso-8859-1|latin1|windows-1252)\b/gi
  return Buffer.from(text.replaceAll(wrong, '$1utf-8'))
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
  return repaired(subject)
    .replace(/^\s*\[[^\]]{1,80}\]\s*/, '')
    .trim()
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
  const name = repaired(from?.name ?? '')
    .replace(/ via [^<>@]{1,80}$/i, '')
    .trim()
  // Addresses are not for everybody. Mailman writes `mara at tides.example (Mara Quay)`.
  const isAddress = /^\S+(?:@| at )\S+$/.test(name)
  if (name !== '' && !isAddress) return [name]
  const written = repaired(headers.find(({ key }) => key === 'from')?.value ?? '')
  const behind = /\(([^()@]{1,200})\)\s*$/.exec(written)?.[1]?.trim()
  if (behind !== undefined) return [behind]
  const [local = ''] = (isAddress ? name : (from?.address ?? '')).split(/@| at /)
  return local === '' ? [] : [local]
}

function bodyOf({ html, text }: Email) {
  const source =
    html === undefined ? htmlOf(withoutFooter(repaired(text ?? ''))) : withoutFooter(repaired(html))
  return {
    html: source,
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

/** What a mailing list puts below each mail, as text or HTML. */
const FOOTER = /(?:<(?:div|p|pre|br)\b[^<>]{0,200}>\s{0,8})*_{20}[^]*$/
const MAX_FOOTER_CHARACTERS = 2_000

function withoutFooter(body: string): string {
  const [footer = ''] = FOOTER.exec(body.slice(-MAX_FOOTER_CHARACTERS)) ?? []
  const isOfList = /mailing list|listinfo|unsubscribe|postorius/i.test(footer)
  return isOfList ? body.slice(0, -footer.length) : body
}

/** Plain text as HTML: paragraphs, line breaks, quotes and links, and no signature. */
function htmlOf(text: string): string {
  const [body = ''] = text.replaceAll('\r\n', '\n').split(/^-- $/m)
  return body
    .split(/\n[ \t]*\n/)
    .map((part) => {
      const lines = part.split('\n')
      const items = listIn(part)
      if (items !== undefined) return items
      const isQuote = lines.every((it) => it.startsWith('>'))
      const inner = lines.map((it) => linked(isQuote ? it.replace(/^>\s?/, '') : it)).join('<br>\n')
      return isQuote ? `<blockquote><p>${inner}</p></blockquote>` : `<p>${inner}</p>`
    })
    .join('\n')
}

const ITEM = /^[ \t]*(?:[-*•]|\d{1,3}[.)])[ \t]+(?=\S)/

/** Lines that each begin with the same kind of mark, or go on indented, as a list. */
function listIn(part: string): string | undefined {
  const lines = part.trimEnd().split('\n')
  const isOrdered = /^[ \t]*\d/.test(part)
  const isList = lines.every((it) =>
    ITEM.test(it) ? /^[ \t]*\d/.test(it) === isOrdered : /^[ \t]+\S/.test(it),
  )
  if (!ITEM.test(part) || !isList || lines.length < 2) return undefined
  const items = lines.map((it) =>
    ITEM.test(it) ? `<li>${linked(it.replace(ITEM, ''))}` : linked(it.trim()),
  )
  const start = /\d+/.exec(lines[0] ?? '')?.[0] ?? ''
  return isOrdered
    ? `<ol start="${start}">${items.join('\n')}</ol>`
    : `<ul>${items.join('\n')}</ul>`
}

function linked(line: string): string {
  const escaped = line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
  return escaped.replaceAll(/https?:\/\/(?:(?!&lt;|&quot;)[^\s>()])+/g, (url) => {
    const end = /[.,;:!?]+$/.exec(url)?.[0] ?? ''
    const bare = url.slice(0, url.length - end.length)
    return `<a href="${bare}">${bare}</a>${end}`
  })
}

/** What versions of Node.js that decode windows-1252 wrongly make of bytes from 0x80 to 0x9f. */
function repaired(text: string): string {
  return text.replaceAll(/[\u0080-\u009f]/g, (it) => {
    const reader = new TextReader('windows-1252')
    return reader.read(Uint8Array.of(it.charCodeAt(0))) + reader.end()
  })
}

function cidOf(address: string): string[] {
  const id = /^cid:(.+)$/i.exec(address)?.[1]
  return id === undefined ? [] : EXTENSIONS.map((it) => `${fileName(decode(id))}.${it}`)
}

interface MboxFile {
  readonly archive: Archive
  readonly name: string
  /** Of the numbers of its mails, where there are several files. */
  readonly prefix: string
}

/** The pictures within a mail. Their bytes are read from the file again when the issue is published. */
function picturesOf({ archive, name: file }: MboxFile, offset: number, email: Email): Archive {
  const sizes = new Map<string, number>()
  for (const it of email.attachments) {
    if (isPicture(it)) sizes.set(nameOf(it), bytesOf(it).byteLength)
  }
  return {
    names: [...sizes.keys()],
    size: (name) => sizes.get(name),
    async *stream(name) {
      for await (const mail of mailsIn(archive.stream(file, offset))) {
        const { attachments } = await parsed(mail)
        const again = attachments.find((it) => isPicture(it) && nameOf(it) === name)
        if (again !== undefined) yield bytesOf(again)
        return
      }
    },
    async close() {},
  }
}

function isPicture({ mimeType, contentId }: Attachment): boolean {
  return contentId !== undefined && /^image\/(?:png|jpe?g|gif|webp|avif)$/i.test(mimeType)
}

function nameOf({ contentId = '', mimeType }: Attachment): string {
  const extension = mimeType
    .toLowerCase()
    .replace(/^image\/(?:jpe?g$)?/, (it) => (it.length > 6 ? 'jpg' : ''))
  return `${fileName(contentId.replace(/^<|>$/g, ''))}.${extension}`
}

function fileName(id: string): string {
  return `cid/${id.replaceAll(/[^\w.@-]+/g, '-').slice(0, 100)}`
}

function bytesOf({ content }: Attachment): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content, 'base64') : new Uint8Array(content)
}
