/** What the first bytes of a picture say of it. */
export interface Bitmap {
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
