import * as z from 'zod/mini'
import { line } from './text.ts'

/**
 * Sizes of content blocks. Every block of a content but its last is exactly as long as one of them, as stored
 * after `encoding` (and before the encryption of a private newsletter, which adds 8 bytes to a block).
 * Per-block cost dominates below 16 KiB, and blocks above 64 KiB queue too long behind slow uplinks.
 */
export const SMALL_BLOCK_BYTES = 16 * 1024
export const CONTENT_BLOCK_BYTES = 64 * 1024

/** Largest issue body, decoded. The longest real issues are 41 KiB; 2 MiB is a novel. */
export const MAX_BODY_BYTES = 2 * 1024 * 1024

/** Largest attachment, decoded. */
export const MAX_ATTACHMENT_BYTES = 256 * 1024 * 1024

/** Attachments of one issue: their descriptions must fit one record of 64 KiB. */
export const MAX_ATTACHMENTS = 128

const blockIndex = z.int().check(z.nonnegative())

/**
 * Where a content lies in its core. `bytes` is the decoded length: what a reader must be ready to
 * hold, known before anything is fetched. Without `encoding` it is the stored length too.
 */
export const contentFields = {
  block: blockIndex,
  blocks: z.int().check(z.positive()),
  bytes: z.int().check(z.positive()),
  mediaType: z
    .string()
    .check(
      z.maxLength(127),
      z.regex(/^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/, 'must be a media type'),
    ),
  /** `gzip`, or nothing. Others may come: such a content cannot be read, but its record is valid. */
  encoding: z.optional(
    z
      .string()
      .check(z.maxLength(32), z.regex(/^[a-z0-9][a-z0-9._-]*$/, 'must be the name of an encoding')),
  ),
}

export const content = z.looseObject(contentFields)
export type Content = z.infer<typeof content>

// Marks that reverse the order in which text is shown: they make `gpj.exe` look like `exe.jpg`.
const BIDI_CONTROL = /[\u202a-\u202e\u2066-\u2069]/

/**
 * The name of an attachment: a relative path with `/` between its segments, as the Markdown refers
 * to it. No `.` or `..` segment, no `\`, no `:`, so that it can become a file below one folder.
 */
export const attachmentName = line(255).check(
  z.refine(
    (name) =>
      name.split('/').every((part) => part !== '' && part !== '.' && part !== '..') &&
      !/[\\:]/.test(name),
    'must be a relative path without . or .. or \\ or :',
  ),
  z.refine((name) => !BIDI_CONTROL.test(name), 'must not contain marks that reverse text'),
)

export const attachment = z.looseObject({
  ...contentFields,
  name: attachmentName,
  alt: z.optional(line(1_024)),
})
export type Attachment = z.infer<typeof attachment>

/** Checks that the declared length and the number of blocks agree; returns the complaint, if any. */
export function contentComplaint(it: Content, maxBytes: number): string | undefined {
  if (it.bytes > maxBytes) return `is ${it.bytes} bytes long, more than ${maxBytes}`
  const most = Math.ceil(it.bytes / SMALL_BLOCK_BYTES)
  const isRight = it.encoding === undefined ? blockBytesOf(it) !== undefined : it.blocks <= most
  if (!isRight) {
    return `claims ${it.bytes} bytes in ${it.blocks} blocks`
  }
  return undefined
}

/** Size of the blocks of a content that is stored without `encoding`; none if it is wrong about itself. */
export function blockBytesOf({ bytes, blocks }: Content): number | undefined {
  return [CONTENT_BLOCK_BYTES, SMALL_BLOCK_BYTES].find((it) => blocks === Math.ceil(bytes / it))
}

/** True if two of the contents share a block. Ranges are small, so this sorts a copy. */
export function overlap(contents: readonly Content[]): boolean {
  const ranges = contents.toSorted((a, b) => a.block - b.block)
  return ranges.some((it, i) => {
    const next = ranges[i + 1]
    return next !== undefined && it.block + it.blocks > next.block
  })
}
