import type { Operations, Output } from '../../../api/contract/contract.ts'
import { collect } from '../../../format/bytes.ts'
import { bitmapOf } from '../../../render/bitmap.ts'
import { singleLine } from '../../../render/plain.ts'
import type { Context } from '../../context.ts'
import { shellWord } from '../../terminal/format.ts'

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
    const input = { newsletter: feedKey, number, name, edition }
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

/** A way in which a terminal takes pictures. */
type PictureProtocol = 'kitty' | 'iterm'

/** Largest file that is sent to a terminal. */
const MAX_PICTURE_BYTES = 4 * 1_024 * 1_024

/** A small file can claim more pixels than a terminal has memory for. */
const MAX_PIXELS = 40_000_000

/** Characters of base64 in one escape sequence, which the kitty protocol limits. */
const KITTY_CHUNK = 4_096

/** A character cell in pixels, about; pictures are not made larger than they are. */
const CELL = { width: 10, height: 20 }

/** No picture takes more lines than most windows have. */
const MAX_LINES = 30

/**
 * How the terminal takes pictures, where it plainly says so. None does through tmux or screen, and
 * asking the terminal would leave its answer on the command line of who types ahead.
 */
export function pictureProtocol(env: NodeJS.ProcessEnv): PictureProtocol | undefined {
  const { TERM = '', TERM_PROGRAM = '' } = env
  if (env['TMUX'] !== undefined || /^(?:screen|tmux|dumb)/.test(TERM)) return undefined
  if (/^xterm-(?:kitty|ghostty)$/.test(TERM) || env['KITTY_WINDOW_ID'] !== undefined) return 'kitty'
  if (TERM_PROGRAM === 'ghostty') return 'kitty'
  return ['iTerm.app', 'WezTerm'].includes(TERM_PROGRAM) ? 'iterm' : undefined
}

/**
 * Escape sequences that draw a picture at the cursor, and a line end.
 * @param columns That it may take.
 * @returns Undefined if it is no bitmap that this terminal takes, or claims to be too large.
 */
export function drawPicture(
  protocol: PictureProtocol,
  bytes: Uint8Array,
  columns: number,
): string | undefined {
  const bitmap = bitmapOf(bytes)
  if (bitmap === undefined || bytes.byteLength > MAX_PICTURE_BYTES) return undefined
  const { format, width, height } = bitmap
  if (format !== 'png' && format !== 'jpeg') return undefined
  if (width * height > MAX_PIXELS) return undefined
  const lines = Math.ceil(height / CELL.height)
  const natural = Math.ceil((width / CELL.width) * Math.min(1, MAX_LINES / lines))
  const cells = Math.max(1, Math.min(columns, natural))
  const base64 = Buffer.from(bytes).toString('base64')
  if (protocol === 'iterm') return iterm(base64, bytes.byteLength, cells)
  return format === 'png' ? kitty(base64, cells) : undefined
}

// https://iterm2.com/documentation-images.html
function iterm(base64: string, sizeBytes: number, columns: number): string {
  return `\u001b]1337;File=inline=1;size=${sizeBytes};width=${columns}:${base64}\u0007\n`
}

// https://sw.kovidgoyal.net/kitty/graphics-protocol/: a=T show at once, f=100 PNG, q=2 give no answer.
function kitty(base64: string, columns: number): string {
  let text = ''
  for (let start = 0; start < base64.length; start += KITTY_CHUNK) {
    const head = start === 0 ? `a=T,f=100,q=2,c=${columns},` : ''
    const more = start + KITTY_CHUNK < base64.length ? 1 : 0
    text += `\u001b_G${head}m=${more};${base64.slice(start, start + KITTY_CHUNK)}\u001b\\`
  }
  return `${text}\n`
}
