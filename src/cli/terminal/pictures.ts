/** A way in which a terminal takes pictures. */
type PictureProtocol = 'kitty' | 'iterm'

/** Largest file that is sent to a terminal. */
export const MAX_PICTURE_BYTES = 4 * 1_024 * 1_024

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

/** What the first bytes of a picture say of it. */
interface Bitmap {
  readonly format: 'png' | 'jpeg'
  /** In pixels. */
  readonly width: number
  readonly height: number
}

const PNG_START = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]
const PNG_HEADER = 0x49_48_44_52

/** Marks in a JPEG that no length follows. */
const BARE_MARKS = (mark: number) => mark === 0x01 || (mark >= 0xd0 && mark <= 0xd8)

/** Marks of a JPEG's frame, in which its size stands: all from C0 to CF but those of tables. */
const isFrame = (mark: number) =>
  mark >= 0xc0 && mark <= 0xcf && mark !== 0xc4 && mark !== 0xc8 && mark !== 0xcc

/** A PNG or JPEG by its bytes, whatever its name or its author call it. Undefined if it is neither. */
export function bitmapOf(bytes: Uint8Array): Bitmap | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found = pngOf(view) ?? jpegOf(view)
  return found !== undefined && found.width > 0 && found.height > 0 ? found : undefined
}

function pngOf(view: DataView): Bitmap | undefined {
  if (view.byteLength < 24 || PNG_START.some((byte, i) => view.getUint8(i) !== byte))
    return undefined
  if (view.getUint32(12) !== PNG_HEADER) return undefined
  return { format: 'png', width: view.getUint32(16), height: view.getUint32(20) }
}

function jpegOf(view: DataView): Bitmap | undefined {
  if (view.byteLength < 4 || view.getUint16(0) !== 0xff_d8) return undefined
  for (let at = 2; at + 9 <= view.byteLength;) {
    if (view.getUint8(at) !== 0xff) return undefined
    const mark = view.getUint8(at + 1)
    if (mark === 0xff) at++
    else if (BARE_MARKS(mark)) at += 2
    else if (isFrame(mark)) {
      return { format: 'jpeg', height: view.getUint16(at + 5), width: view.getUint16(at + 7) }
    } else at += 2 + Math.max(2, view.getUint16(at + 2))
  }
  return undefined
}
