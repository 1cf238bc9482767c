import { safeFileName } from '../../render/file-name.ts'

/** An attachment, and what it takes to name its file. */
interface Named {
  readonly name: string
  readonly mediaType: string
  readonly bytes: number
}

/**
 * Endings of files that no web server takes for a page or a program. SVG is not among them: opened by
 * itself it may run scripts of whoever wrote the issue, in the name of the whole site.
 */
const HARMLESS =
  /\.(?:png|apng|jpe?g|gif|webp|avif|mp4|m4v|mov|webm|ogv|mp3|m4a|ogg|oga|opus|wav|flac|aac|pdf|epub|zip|txt|csv)$/i

/** Pictures are found by servers by their ending. */
const ENDINGS: Readonly<Record<string, string>> = {
  'image/png': '.png',
  'image/apng': '.apng',
  'image/jpeg': '.jpg',
  'image/gif': '.gif',
  'image/webp': '.webp',
  'image/avif': '.avif',
}

/** Drawings up to this length are part of the page; larger ones are files to download. */
const MAX_DRAWING_BYTES = 256 * 1024

/** SVG that stands in the page as a `data:` address, where it runs and loads nothing. */
export function isDrawing({ mediaType, bytes }: Named): boolean {
  return mediaType === 'image/svg+xml' && bytes <= MAX_DRAWING_BYTES
}

/**
 * The name of the file of an attachment. The number keeps apart what some file systems take for the same name; only
 * one dot is left, as some servers look at every ending.
 * @param number Place among the attachments of its issue, from 1.
 */
export function fileNameOf({ name, mediaType }: Named, number: number): string {
  const last = safeFileName(name.split('/').at(-1) ?? '')
  const ending = HARMLESS.exec(last)?.[0] ?? ENDINGS[mediaType] ?? '.bin'
  const stem = last.endsWith(ending) ? last.slice(0, -ending.length) : last
  return `${number}-${stem.replace(/[^\p{L}\p{M}\p{N}_-]+/gu, '-')}${ending.toLowerCase()}`
}
