import { createHash } from 'node:crypto'
import MailComposer from 'nodemailer/lib/mail-composer'
import { escapeText } from '../../render/html/write.ts'
import { singleLine } from '../../render/plain.ts'

/** One message (RFC 5322), whole. */
export interface Message {
  readonly id: string
  readonly raw: Buffer
}

/** RFC 2606: nobody's, so no other message has such an id. */
export const DOMAIN = 'hyperletter.invalid'

/** An issue as one part of a message. */
export interface MailPart {
  readonly text: string
  readonly html: string
  readonly pictures: readonly Picture[]
}

export interface Picture {
  readonly cid: string
  readonly contentType: string
  readonly content: Buffer
}

/** Of the plain text, in columns. */
export const TEXT_WIDTH = 72

/** What a message is made of. */
export interface MailParts {
  readonly id: string
  readonly name: string
  readonly subject: string
  /** ISO 8601, of whoever may mean harm. */
  readonly date: string
  readonly headers: Readonly<Record<string, string>>
  readonly inReplyTo?: string
  readonly references?: string
  readonly parts: readonly MailPart[]
  readonly footer: readonly [address: string, words: string]
}

/** A message from the reader to the reader. @param to The address of the reader. */
export async function build(to: string, mail: MailParts): Promise<Message> {
  const { id, name, parts, headers, inReplyTo, references, footer } = mail
  const [address, words] = [footer[0], singleLine(footer[1])]
  const line = '<hr style="margin:2em 0;border:0;border-top:1px solid #ccc">'
  const html =
    '<!doctype html><html><head><meta charset="utf-8"></head><body style="margin:0;padding:1em">' +
    '<div style="max-width:38em;margin:0 auto;font:16px/1.6 system-ui,sans-serif">' +
    `${parts.map((it) => it.html).join(line)}${line}` +
    `<p style="color:#666;font-size:.9em"><a href="${address}" style="color:#666">${escapeText(words)}</a></p>` +
    '</div></body></html>'
  // What its author says of the future is not believed: mail would lie on top of all others until then.
  const date = new Date(Math.min(Date.parse(mail.date), Date.now()))
  const composed = new MailComposer({
    from: { name: singleLine(name), address: to },
    to: { name: '', address: to },
    subject: singleLine(mail.subject),
    date,
    messageId: id,
    headers: { 'Auto-Submitted': 'auto-generated', ...headers },
    ...(inReplyTo === undefined ? {} : { inReplyTo }),
    ...(references === undefined ? {} : { references }),
    text: `${parts.map((it) => it.text).join(`\n${'-'.repeat(TEXT_WIDTH)}\n\n`)}\n-- \n${words}\n${address}\n`,
    html,
    attachments: parts
      .flatMap((it) => it.pictures)
      .map(({ cid, contentType, content }) => ({
        cid,
        contentType,
        content,
        contentDisposition: 'inline',
        filename: false as const,
      })),
    // Nothing of what strangers wrote makes it fetch or read anything.
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: 'win',
  })
  const raw = await composed.compile().build()
  return { id, raw }
}

/** The same for one delivery, whenever it is made. */
export function messageId(delivery: string): string {
  return `<${digest(delivery)}@${DOMAIN}>`
}

/** The same for one picture, whenever it is sent. */
export function contentId(name: string): string {
  return `${digest(name)}@${DOMAIN}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40)
}
