import { isAscii, isUtf8 } from 'node:buffer'
import { HyperletterError } from '../errors.ts'
import { MAX_BODY_BYTES } from '../format/records/bodies.ts'
import { invalidDraft } from './source.ts'
import { MAX_HEAD_BYTES } from './front-matter.ts'

/** The largest head and the largest body. */
const MAX_TEXT_BYTES = MAX_HEAD_BYTES + MAX_BODY_BYTES
/** What pictures that stand in a text may add to it. */
const MAX_PICTURES_BYTES = 64 * 1024 * 1024
/** Largest file that can be a draft. */
export const MAX_DRAFT_BYTES = MAX_TEXT_BYTES + MAX_PICTURES_BYTES

const LINE_FEED = 0x0a
const RE_ENCODE = 'Save the file as UTF-8 and publish it again.'

/**
 * The text of a Markdown file, without a byte order mark; line ends stay as they are.
 * @throws INVALID_DRAFT for binary files and anything that is not UTF-8, naming the first wrong byte.
 */
export function decodeDraft(bytes: Buffer): string {
  if (startsWith(bytes, 0xff, 0xfe) || startsWith(bytes, 0xfe, 0xff)) {
    throw invalidDraft('The file is UTF-16, not UTF-8.', { hint: RE_ENCODE })
  }
  const nul = bytes.indexOf(0)
  if (nul >= 0) throw notText(nul, lineAt(bytes, nul))
  // Of which this makes a text in a fraction of the time.
  if (isAscii(bytes)) return bytes.toString('latin1')
  if (!isUtf8(bytes)) {
    const offset = firstWrongByte(bytes)
    throw invalidDraft(`The file is not UTF-8: byte ${offset} cannot be read.`, {
      line: lineAt(bytes, offset),
      hint: RE_ENCODE,
    })
  }
  return withoutByteOrderMark(bytes.toString('utf8'))
}

/**
 * Checks text that came by a pipe as `decodeDraft` checks a file.
 * @throws INVALID_DRAFT, TOO_LARGE
 */
export function checkDraftText(text: string): string {
  checkDraftSize(Buffer.byteLength(text))
  const nul = text.indexOf('\0')
  if (nul >= 0) {
    const before = text.slice(0, nul)
    throw notText(Buffer.byteLength(before), before.split('\n').length)
  }
  if (!text.isWellFormed()) throw invalidDraft('The text is not well-formed Unicode.')
  return withoutByteOrderMark(text)
}

/** @throws TOO_LARGE if a file of this size cannot be a draft. */
export function checkDraftSize(sizeBytes: number): void {
  if (sizeBytes > MAX_DRAFT_BYTES) throw tooLarge(sizeBytes)
}

/** @throws TOO_LARGE if no draft can have a text so long, where the pictures in it are taken out. */
export function checkTextSize(text: string): void {
  checkSize(text, MAX_TEXT_BYTES)
}

/** @throws TOO_LARGE over the limit of a body; INVALID_DRAFT if there is nothing to read in it. */
export function checkBody(body: string): void {
  checkSize(body, MAX_BODY_BYTES)
  if (!/\S/.test(body)) {
    throw invalidDraft('The draft is empty: there is no text below the head.', {
      hint: 'Write some text, save the file and publish it again.',
    })
  }
}

function checkSize(text: string, most: number): void {
  // A UTF-16 code unit takes at most 3 bytes: most texts need no counting.
  if (text.length * 3 <= most) return
  const sizeBytes = Buffer.byteLength(text)
  if (sizeBytes > most) throw tooLarge(sizeBytes)
}

function tooLarge(sizeBytes: number): HyperletterError {
  const message = `The draft has ${sizeBytes} bytes; the text of an issue has at most ${MAX_BODY_BYTES}.`
  return new HyperletterError('TOO_LARGE', message, {
    hint: 'Publish it in several issues, and keep pictures in files of their own.',
  })
}

function notText(offset: number, line: number): HyperletterError {
  return invalidDraft(`The file is binary, not text: byte ${offset} is NUL.`, {
    line,
    hint: 'A draft is a Markdown file; pictures travel when its text shows them.',
  })
}

const INVISIBLE = new Set(['\ufeff', '\u200b', '\u2060'])

// Editors that disagree put several, or other marks that show nothing.
function withoutByteOrderMark(text: string): string {
  let start = 0
  while (INVISIBLE.has(text[start] ?? '')) start++
  return start === 0 ? text : text.slice(start)
}

function startsWith(bytes: Buffer, first: number, second: number): boolean {
  return bytes[0] === first && bytes[1] === second
}

function lineAt(bytes: Buffer, offset: number): number {
  let line = 1
  for (
    let at = bytes.indexOf(LINE_FEED);
    at >= 0 && at < offset;
    at = bytes.indexOf(LINE_FEED, at + 1)
  ) {
    line++
  }
  return line
}

// Decoding puts U+FFFD in place of what is wrong; all text before it takes as many bytes as it came from.
function firstWrongByte(bytes: Buffer): number {
  const text = bytes.toString('utf8')
  let offset = 0
  let from = 0
  for (let at = text.indexOf('\ufffd'); at >= 0; at = text.indexOf('\ufffd', from)) {
    offset += Buffer.byteLength(text.slice(from, at))
    const written =
      bytes[offset] === 0xef && bytes[offset + 1] === 0xbf && bytes[offset + 2] === 0xbd
    if (!written) return offset
    offset += 3
    from = at + 1
  }
  return offset
}
