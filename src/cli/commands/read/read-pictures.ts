import type { Operations, Output } from '../../../api/contract/contract.ts'
import { defined } from '../../../defined.ts'
import { singleLine } from '../../../render/plain.ts'
import type { Context } from '../../context.ts'
import { shellWord } from '../../terminal/format.ts'
import { drawPicture, MAX_PICTURE_BYTES, pictureProtocol } from '../../terminal/pictures.ts'

type Issue = Output<'readIssue'>

/** Pictures of one issue that are drawn, and what they may take together. */
const MAX_PICTURES = 20
const MAX_ALL_BYTES = 16 * 1_024 * 1_024

/** Bytes of the pictures of an issue by name: those the terminal can show, within bounds. */
export type Pictures = ReadonlyMap<string, Uint8Array>

/**
 * Fetches the pictures of an issue where the terminal can show them, and they are on this machine: a
 * text must not wait for its pictures.
 */
export async function fetchPictures(
  { io, out }: Context,
  operations: Operations,
  { feedKey, number, attachments, verified }: Issue,
  edition: number | undefined,
): Promise<Pictures> {
  const pictures = new Map<string, Uint8Array>()
  if (!verified || !out.isTerminal || pictureProtocol(io.env) === undefined) return pictures
  let left = MAX_ALL_BYTES
  for (const { name, mediaType, bytes, held } of attachments) {
    if (pictures.size >= MAX_PICTURES) break
    if (!held || !isPicture(mediaType) || bytes > Math.min(left, MAX_PICTURE_BYTES)) continue
    left -= bytes
    const input = { newsletter: feedKey, number, name, ...defined({ edition }) }
    const parts = operations.readAttachment(input, { signal: io.signal })
    // A picture that cannot be read any more is one that is not shown.
    const found = await collect(parts).catch(() => undefined)
    io.signal.throwIfAborted()
    if (found !== undefined) pictures.set(name, found)
  }
  return pictures
}

/** Draws the pictures below the text, each with its name and words, and offers to save the others. */
export async function showPictures(
  { io, out }: Context,
  newsletter: string,
  { number, attachments }: Issue,
  pictures: Pictures,
  width: number,
): Promise<void> {
  if (!out.isTerminal) return
  const protocol = pictureProtocol(io.env)
  let isOneHidden = false
  for (const { name, mediaType, alt } of attachments) {
    if (!mediaType.startsWith('image/')) continue
    const bytes = pictures.get(name)
    const drawn =
      protocol === undefined || bytes === undefined
        ? undefined
        : drawPicture(protocol, bytes, width)
    if (drawn === undefined) {
      isOneHidden = true
      continue
    }
    const words = alt === undefined ? '' : `: ${singleLine(alt)}`
    await out.text(`\n${drawn}${out.style.dim(`${singleLine(name)}${words}`)}\n`)
  }
  if (!isOneHidden) return
  const place = `${shellWord(newsletter)} ${number}`
  await out.note(
    `images: \`hyperletter save ${place}\` saves them, \`read ${place} --browser\` shows them`,
  )
}

function isPicture(mediaType: string): boolean {
  return mediaType === 'image/png' || mediaType === 'image/jpeg'
}

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of parts) {
    sizeBytes += chunk.byteLength
    if (sizeBytes > MAX_PICTURE_BYTES) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
