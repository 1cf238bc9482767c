import { HyperletterError } from '../../errors.ts'

/** A mail of an mbox file, or of a file of its own. */
export interface Mail {
  /** From 1. */
  readonly number: number
  /** Where its envelope begins in the file, in bytes. */
  readonly offset: number
  /** As its envelope says it; empty without one. */
  readonly envelopeDate: string
  /** The archive of a list that Mailman 2 keeps, which has no marks of a list in its mails. */
  readonly isPipermail: boolean
  /** The mail without what the file adds to it. @throws TOO_LARGE */
  bytes(): Buffer
}

const MAX_MAIL_BYTES = 48 * 1024 * 1024
const LINE_FEED = 0x0a

/** A line that begins a mail: an address, or how Mailman and Thunderbird write one, and a date as `asctime` makes it; Thunderbird once wrote neither. */
const ENVELOPE =
  /^From (\S+(?: at \S+)?|"[^"]{1,200}"\S*|-)?\s*((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\s+[A-Z][a-z]{2}\s+\d{1,2}\s+\d{1,2}:\d{2}.{0,40})$|^From$/

/**
 * The mails of an mbox file, in a stream. A mail begins where an envelope stands at the start or below a blank line; one
 * `>` is taken from lines that were quoted because they look like one.
 * @param isOne The file is one mail without an envelope, as `.eml` files are.
 */
export async function* mailsIn(
  bytes: AsyncIterable<Uint8Array>,
  isOne = false,
): AsyncGenerator<Mail> {
  let number = 0
  let position = 0
  let offset = 0
  let envelope: readonly string[] | undefined = isOne ? [] : undefined
  let lines: Buffer[] = []
  let length = 0
  let isBlank = true
  const mail = (): Mail | undefined => {
    if (envelope === undefined) return undefined
    const parts = lines
    const isTooLarge = length > MAX_MAIL_BYTES
    const [, sender = '', envelopeDate = ''] = envelope
    return {
      number: ++number,
      offset,
      envelopeDate: envelopeDate.trim(),
      isPipermail: sender.includes(' at '),
      bytes() {
        if (!isTooLarge) return Buffer.concat(parts)
        throw new HyperletterError('TOO_LARGE', `The mail has more than ${MAX_MAIL_BYTES} bytes.`)
      },
    }
  }
  for await (const line of linesIn(bytes)) {
    const begins = !isOne && isBlank && startsWith(line, 'From ') ? envelopeIn(line) : undefined
    isBlank = /^\r?\n?$/.test(line.toString('latin1', 0, 3)) && line.length < 3
    const at = position
    position += line.length
    if (begins === undefined) {
      length += line.length
      // What is too large is read to its end, and not kept.
      if (length > MAX_MAIL_BYTES) lines = []
      else lines.push(isOne ? line : unquoted(line))
      continue
    }
    const done = mail()
    if (done !== undefined) yield done
    envelope = begins
    offset = at
    lines = []
    length = 0
  }
  const last = mail()
  if (last !== undefined) yield last
}

/** Lines with their ends; one that is very long comes in parts. */
async function* linesIn(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0)
  for await (const part of bytes) {
    const all = rest.length === 0 ? Buffer.from(part) : Buffer.concat([rest, part])
    let start = 0
    for (let end = all.indexOf(LINE_FEED); end >= 0; end = all.indexOf(LINE_FEED, start)) {
      yield all.subarray(start, end + 1)
      start = end + 1
    }
    rest = all.subarray(start)
    if (rest.length > 1024 * 1024) {
      yield rest
      rest = Buffer.alloc(0)
    }
  }
  if (rest.length > 0) yield rest
}

function envelopeIn(line: Buffer): RegExpExecArray | undefined {
  if (line.length > 512) return undefined
  return ENVELOPE.exec(line.toString('latin1').trimEnd()) ?? undefined
}

function unquoted(line: Buffer): Buffer {
  return line[0] === 0x3e && /^>+From /.test(line.toString('latin1', 0, 64))
    ? line.subarray(1)
    : line
}

function startsWith(line: Buffer, text: string): boolean {
  return line.toString('latin1', 0, text.length) === text
}
