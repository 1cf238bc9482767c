import { isUtf8 } from 'node:buffer'
import type { Email } from 'postal-mime'
import { TextReader } from '../decode.ts'

/** The header of a mail, or of a part below the line of a boundary. */
const HEADS = /(^|\n--([^\r\n]{1,200})\r?\n)((?:[!-9;-~]+:[^\n]*\n(?:[ \t][^\n]*\n)*)+)/g
const BOUNDARY = /\bboundary\s*=\s*(?:"([^"\r\n]{1,200})"|([^\s;"]{1,200}))/gi
const TEXT_TYPE = /^content-type:\s*text\/[^\n]*(?:\n[ \t][^\n]*)*/im
const CHARSET = /(;\s*charset\s*=\s*)("[^"\r\n]*"|[^\s;]*)/i
/** Labels that mails carry whatever they are written in. */
const DOUBTFUL = /^(?:us-ascii|ascii|iso-?8859-1|latin-?1|windows-1252|cp1252|utf-?8|)$/i

/**
 * A mail whose texts are read as windows-1252 wherever their label says that, UTF-8 or nothing: no byte is lost in it,
 * and `withRightText` tells from the bytes what they are.
 */
export function readable(bytes: Buffer): Buffer {
  const mail = bytes.toString('latin1')
  const boundaries = new Set([...mail.matchAll(BOUNDARY)].map(([, a, b]) => a ?? b ?? ''))
  const unlabelled = mail.includes('\u001b$') ? 'iso-2022-jp' : 'windows-1252'
  const labelled = mail.replaceAll(
    HEADS,
    (whole, opening: string, boundary: string | undefined, head: string) => {
      if (opening !== '' && !boundaries.has(boundary?.trimEnd() ?? '')) return whole
      const type = TEXT_TYPE.exec(head)?.[0].trimEnd()
      const plain = isUtf8(Buffer.from(head, 'latin1')) ? head : utf8Of(head)
      if (type === undefined) {
        const isText = opening === '' && !/^content-type:/im.test(head)
        return isText
          ? `Content-Type: text/plain; charset=${unlabelled}\n${plain}`
          : opening + plain
      }
      const label = CHARSET.exec(type)?.[2]?.replaceAll('"', '') ?? ''
      if (!DOUBTFUL.test(label)) return opening + plain
      const told = `${type.replace(CHARSET, '')}; charset=${label === '' ? unlabelled : 'windows-1252'}`
      return opening + plain.replace(type, () => told)
    },
  )
  return Buffer.from(labelled, 'latin1')
}

/** Bytes of windows-1252, which headers should not have, as those of UTF-8. */
function utf8Of(head: string): string {
  return Buffer.from(TextReader.readAll(Buffer.from(head, 'latin1'), 'windows-1252')).toString(
    'latin1',
  )
}

/**
 * A mail with its texts and names in the encoding that their bytes are in.
 * @param bytes Of the mail.
 */
export function withRightText(email: Email, bytes: Buffer): Email {
  const mail = bytes.toString('latin1')
  // Then a footer in another one does not make all of it windows-1252.
  const isMixed = /charset\s*=\s*"?utf-?8/i.test(mail)
  const areWordsDoubtful = /=\?(?:us-ascii|iso-8859-1|windows-1252)\?/i.test(mail)
  const body = (it: string) =>
    isMixed
      ? it
          .split(/(?<=\n)/)
          .map(decoded)
          .join('')
      : decoded(it)
  const words = (it: string) => (areWordsDoubtful ? decoded(it) : it)
  const { html, text, subject, from } = email
  return {
    ...email,
    ...(html === undefined ? {} : { html: body(html) }),
    ...(text === undefined ? {} : { text: body(text) }),
    ...(subject === undefined ? {} : { subject: words(subject) }),
    ...(from === undefined ? {} : { from: { ...from, name: words(from.name) } }),
  }
}

/** Characters of windows-1252 and their bytes, from 0x80 to 0x9f. */
const SPECIAL = new Map(
  Array.from({ length: 32 }, (_, at) => {
    const reader = new TextReader('windows-1252')
    return [reader.read(Uint8Array.of(0x80 + at)) + reader.end(), 0x80 + at] as const
  }),
)
const CHARACTERS = new Map([...SPECIAL].map(([character, byte]) => [byte, character]))

/** What was read as windows-1252, as UTF-8 if it is that. */
function decoded(text: string): string {
  // eslint-disable-next-line no-control-regex
  if (!/[^\u0000-\u007f]/.test(text)) return text
  const latin1 = text.replaceAll(/[^\u0000-\u00ff]/g, (it) => {
    const byte = SPECIAL.get(it)
    return byte === undefined ? it : String.fromCharCode(byte)
  })
  const bytes = Buffer.from(latin1, 'latin1')
  // eslint-disable-next-line no-control-regex
  const isLossless = !/[^\u0000-\u00ff]/.test(latin1)
  if (isLossless && isUtf8(bytes)) return bytes.toString('utf8').replace(/^\ufeff/, '')
  // Some versions of Node.js make these of windows-1252.
  return text.replaceAll(/[\u0080-\u009f]/g, (it) => CHARACTERS.get(it.charCodeAt(0)) ?? it)
}
