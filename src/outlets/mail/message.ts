import { buffer } from 'node:stream/consumers'
import type { Operations, Output } from '../../api/contract/contract.ts'
import { ifCode } from '../../errors.ts'
import { escapeText } from '../../render/html/write.ts'
import { issueAt, originsOf } from '../../render/links.ts'
import { singleLine, stripControls } from '../../render/plain.ts'
import { renderTerminal } from '../../render/terminal/terminal.ts'
import { withoutTitle } from '../../site/pages/content.ts'
import { attachmentPath, issuePath, newsletterPath } from '../../site/pages/parts.ts'
import { renderIssue, INLINE_LENGTH } from '../../text-worker/text-worker.ts'
import { deliveryId, eventOf, type ArrivedIssue } from '../outlet.ts'
import {
  build,
  contentId,
  DOMAIN,
  messageId,
  TEXT_WIDTH,
  type Message,
  type MailPart,
  type Picture,
} from './mime.ts'

/** What messages are made of, and for whom. */
export interface Mailing {
  readonly operations: Pick<Operations, 'readIssue' | 'readAttachment' | 'listIssues'>
  /** The address of the reader: messages are from it, too. */
  readonly to: string
  /** Of the web reader on this machine. */
  readonly origin: string
}

type IssueText = Output<'readIssue'>

/** Pictures of one message; mail servers often refuse more than 25 MB, and Base64 adds a third. */
const MAX_PICTURE_BYTES = 12 * 1_024 * 1_024

/** What mail programs show; the others are links to the web reader. */
const PICTURES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])

/** HTML of one digest, in characters; of issues beyond, it has the titles. */
const MAX_DIGEST_CHARACTERS = 1_000_000

const READ_TIMEOUT_SECONDS = 30

/**
 * The message of an issue, or of a correction, which answers that; several are one digest. Undefined where nothing of it
 * is here any more.
 * @throws whatever `readIssue` does: what is not here yet is asked for again later.
 */
export async function compose(
  mailing: Mailing,
  issues: readonly [ArrivedIssue, ...ArrivedIssue[]],
  isDigest: boolean,
): Promise<Message | undefined> {
  return isDigest ? composeDigest(mailing, issues) : composeIssue(mailing, issues[0])
}

async function composeIssue(mailing: Mailing, issue: ArrivedIssue): Promise<Message | undefined> {
  const text = await read(mailing, issue)
  if (text === undefined) return undefined
  const { feedKey, number, newsletter } = issue
  const original = messageId(`${feedKey}/${number}`)
  const id = messageId(deliveryId(issue))
  const isCorrection = eventOf(issue) === 'corrected'
  const part = await partOf(mailing, text, MAX_PICTURE_BYTES)
  const { origin } = mailing
  return build(mailing.to, {
    id,
    name: newsletter,
    subject: isCorrection ? `Re: ${singleLine(text.title)}` : singleLine(text.title),
    date:
      text.retracted?.at ??
      (isCorrection ? text.amendedAt : undefined) ??
      issue.arrivedAt ??
      text.publishedAt,
    headers: {
      'List-Id': `<${feedKey}.${DOMAIN}>`,
      'List-Unsubscribe': `<${origin}${newsletterPath(feedKey)}>`,
      'List-Archive': `<${origin}${newsletterPath(feedKey)}>`,
      ...(text.language === undefined ? {} : { 'Content-Language': text.language }),
    },
    ...(isCorrection ? { inReplyTo: original, references: original } : {}),
    parts: [part],
    footer: [
      `${origin}${newsletterPath(feedKey)}`,
      `${newsletter} on this machine, where you can unsubscribe`,
    ],
  })
}

async function composeDigest(
  mailing: Mailing,
  issues: readonly ArrivedIssue[],
): Promise<Message | undefined> {
  const parts: MailPart[] = []
  const left: string[] = []
  let pictureBytes = MAX_PICTURE_BYTES
  let characters = MAX_DIGEST_CHARACTERS
  for (const issue of issues) {
    const text = await read(mailing, issue)
    if (text === undefined) continue
    const part = characters > 0 ? await partOf(mailing, text, pictureBytes) : titleOf(mailing, text)
    parts.push(part)
    left.push(singleLine(issue.newsletter))
    characters -= part.html.length
    pictureBytes -= part.pictures.reduce((sum, it) => sum + it.content.byteLength, 0)
  }
  if (parts.length === 0) return undefined
  const count = `${parts.length} issue${parts.length === 1 ? '' : 's'}`
  const newest = issues.map((it) => it.retractedAt ?? it.arrivedAt ?? it.publishedAt).toSorted()
  return build(mailing.to, {
    id: messageId(`digest/${issues.map(deliveryId).join(' ')}`),
    name: 'Hyperletter',
    subject: `${count}: ${[...new Set(left)].join(', ')}`,
    date: newest.at(-1) ?? new Date().toISOString(),
    headers: {
      'List-Id': `<digest.${DOMAIN}>`,
      'List-Unsubscribe': `<${mailing.origin}/newsletters>`,
    },
    parts,
    footer: [`${mailing.origin}/newsletters`, 'Your newsletters on this machine'],
  })
}

/** The newest edition; undefined if it left the library. */
async function read(
  { operations }: Mailing,
  { feedKey, number }: ArrivedIssue,
): Promise<IssueText | undefined> {
  const input = { newsletter: feedKey, number, timeoutSeconds: READ_TIMEOUT_SECONDS }
  return operations
    .readIssue(input)
    .catch(ifCode(undefined, 'NEWSLETTER_NOT_FOUND', 'ISSUE_NOT_FOUND'))
}

async function partOf(mailing: Mailing, issue: IssueText, maxBytes: number): Promise<MailPart> {
  const { operations, origin } = mailing
  const { feedKey, number, attachments, title } = issue
  const pictures: (Picture & { readonly address: string })[] = []
  const addresses = new Map<string, string>()
  const page = origin + issuePath(feedKey, number)
  let left = maxBytes
  for (const { name, mediaType, bytes } of attachments) {
    const address = attachmentPath(page, name)
    addresses.set(name, address)
    if (!PICTURES.has(mediaType) || bytes > left) continue
    const content = await buffer(operations.readAttachment({ newsletter: feedKey, number, name }))
    left -= content.byteLength
    pictures.push({
      cid: contentId(`${feedKey}/${number}/${name}`),
      contentType: mediaType,
      content,
      address,
    })
  }
  const all = await operations.listIssues({ newsletter: feedKey })
  const origins = originsOf(all)
  const html = await renderIssue(issue, {
    attachmentUrl: (name) => addresses.get(name),
    home: origin + newsletterPath(feedKey),
    origins,
    preview: `${origin}/add?link=`,
  })
  const cids = new Map(pictures.map((it) => [it.address, it.cid]))
  const text = issue.retracted === undefined ? plainText(issue, origins) : ''
  const content = issue.retracted === undefined ? styled(withoutTitle(html, title), cids) : ''
  const head = headOf(issue)
  return {
    text: `${singleLine(title)}\n${head.join('\n')}\n\n${text}\n${page}\n`,
    html:
      `<h1 style="margin:0 0 .2em;font-size:1.6em;line-height:1.2"><a href="${page}" style="color:inherit;text-decoration:none">${escapeText(singleLine(title))}</a></h1>` +
      head.map((it) => `<p style="margin:0 0 .4em;color:#666">${escapeText(it)}</p>`).join('') +
      content,
    // A picture that the text does not show would be one more file at its end.
    pictures: pictures.filter((it) => content.includes(`"cid:${it.cid}"`)),
  }
}

function titleOf({ origin }: Mailing, issue: IssueText): MailPart {
  const title = singleLine(issue.title)
  const page = origin + issuePath(issue.feedKey, issue.number)
  const html = `<p><a href="${page}">${escapeText(title)}</a></p>`
  return { text: `${title}\n${page}\n`, html, pictures: [] }
}

/** The lines above the text: newsletter, authors, date, and whether the issue was amended or retracted. */
function headOf(issue: IssueText): string[] {
  const { newsletter, authors = [], publishedAt, amendedAt, note, retracted } = issue
  const names = authors.map((it) => singleLine(it.name))
  const line = [singleLine(newsletter), ...names, publishedAt.slice(0, 10)].join(' · ')
  if (retracted !== undefined) {
    const { reason } = retracted
    return [
      line,
      `Retracted by its author${reason === undefined ? '.' : `: ${singleLine(reason)}`}`,
    ]
  }
  if (amendedAt === undefined) return [line]
  return [line, `Corrected${note === undefined ? '.' : `: ${singleLine(note)}`}`]
}

function plainText(issue: IssueText, origins: ReturnType<typeof originsOf>): string {
  const { markdown, title, attachments, importedFrom } = issue
  // To lay it out takes a thread of its own; Markdown is plain text, too.
  if (markdown.length > INLINE_LENGTH) return stripControls(markdown)
  return renderTerminal(markdown, {
    width: TEXT_WIDTH,
    color: false,
    title,
    attachments: attachments.map((it) => it.name),
    linkWords: (url) => {
      const found = issueAt(url, importedFrom, origins)
      return found === undefined ? undefined : `issue ${found.number}`
    },
  })
}

/** Styles of elements, as mail programs show them: many leave out style sheets. */
const STYLES: Readonly<Record<string, string>> = {
  a: 'color:#0b57d0',
  blockquote: 'margin:0 0 1em;padding:0 0 0 1em;border-left:3px solid #ccc;color:#555',
  code: 'font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.9em',
  figcaption: 'color:#666;font-size:.9em',
  figure: 'margin:0 0 1em',
  h1: 'margin:1.2em 0 .4em;font-size:1.5em;line-height:1.25',
  h2: 'margin:1.2em 0 .4em;font-size:1.3em;line-height:1.25',
  h3: 'margin:1.2em 0 .4em;font-size:1.1em;line-height:1.25',
  hr: 'margin:2em 0;border:0;border-top:1px solid #ccc',
  img: 'max-width:100%;height:auto',
  p: 'margin:0 0 1em',
  pre: 'margin:0 0 1em;padding:.7em;background:#f4f4f4;color:#222;white-space:pre-wrap',
  table: 'margin:0 0 1em;border-collapse:collapse',
  td: 'border:1px solid #ccc;padding:.2em .6em',
  th: 'border:1px solid #ccc;padding:.2em .6em',
}

/** A whole tag as `renderHtml` writes it: values are in double quotes, and none is in them. */
const TAG = /<([a-z][a-z0-9]*)((?: [a-z-]+="[^"]*")*)>/g

/**
 * HTML of `renderHtml` with its styles in each element, and with pictures that come along.
 * @param cids of pictures by their addresses.
 */
function styled(html: string, cids: ReadonlyMap<string, string>): string {
  return html.replace(TAG, (_, name: string, attributes: string) => {
    const style = STYLES[name] === undefined ? '' : ` style="${STYLES[name]}"`
    if (name !== 'img') return `<${name}${attributes}${style}>`
    const shown = attributes
      .replace(' loading="lazy"', '')
      .replace(/ src="([^"]*)"/, (whole, address: string) => {
        const cid = cids.get(address.replace(/&#x26;/g, '&').replace(/&#x27;/g, "'"))
        return cid === undefined ? whole : ` src="cid:${cid}"`
      })
    return `<${name}${shown}${style}>`
  })
}
