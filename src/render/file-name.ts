import { singleLine, stripControls } from './plain.ts'

/** Longest file name, in bytes; most file systems allow 255, and a temporary name must fit as well. */
const MAX_NAME_BYTES = 200

const MAX_SLUG_LENGTH = 60

// Names that are devices on Windows, whatever follows the first dot.
const RESERVED = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i

/**
 * A name of a file, made from somebody else's, that every system takes and that harms none: no control
 * or special characters, no device, nothing hidden, nothing that leads upwards.
 * @param segment Without `/` and `\`.
 */
export function safeFileName(segment: string): string {
  const printable = stripControls(segment)
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029<>:"|?*]/gu, '_')
    .replace(/[. ]+$/, '')
    .trimStart()
  const short = shorten(printable)
  const isSafe = short !== '' && !short.startsWith('.') && !RESERVED.test(short)
  return isSafe ? short : `_${short}`
}

// Keeps the extension: programs choose by it.
function shorten(name: string): string {
  if (sizeOf(name) <= MAX_NAME_BYTES) return name
  const extension = /\.[^.]{1,16}$/.exec(name)?.[0] ?? ''
  let stem = name.slice(0, name.length - extension.length)
  const room = MAX_NAME_BYTES - sizeOf(extension)
  while (sizeOf(stem) > room) stem = stem.slice(0, -1).replace(/[\uD800-\uDBFF]$/, '')
  return stem.replace(/[. ]+$/, '') + extension
}

/** Length in bytes, as UTF-8. */
function sizeOf(text: string): number {
  return new TextEncoder().encode(text).byteLength
}

/** Letters and digits of any script, small, joined by `-`. */
export function slugOf(title: string): string {
  const words = singleLine(title)
    .normalize('NFKC')
    .toLowerCase()
    .match(/[\p{L}\p{M}\p{N}]+/gu)
  return (words ?? [])
    .join('-')
    .slice(0, MAX_SLUG_LENGTH)
    .toWellFormed()
    .replace(/[-\uFFFD]+$/, '')
}
