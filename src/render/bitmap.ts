/** What the first bytes of a picture say of it. */
export interface Bitmap {
  readonly format: 'png' | 'jpeg' | 'gif' | 'webp'
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

/** A picture by its first bytes, whatever its name or its author call it. Undefined if it is of no known kind. */
export function bitmapOf(bytes: Uint8Array): Bitmap | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found = pngOf(view) ?? jpegOf(view) ?? gifOf(view) ?? webpOf(view)
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

// https://www.w3.org/Graphics/GIF/spec-gif89a.txt, section 18
function gifOf(view: DataView): Bitmap | undefined {
  if (view.byteLength < 10 || view.getUint32(0) !== 0x47_49_46_38) return undefined
  return { format: 'gif', width: view.getUint16(6, true), height: view.getUint16(8, true) }
}

// https://developers.google.com/speed/webp/docs/riff_container, and RFC 6386, section 9.1, of what is lossy
function webpOf(view: DataView): Bitmap | undefined {
  const isWebp = view.byteLength >= 30 && view.getUint32(0) === 0x52_49_46_46
  if (!isWebp || view.getUint32(8) !== 0x57_45_42_50) return undefined
  const size = (width: number, height: number) => ({ format: 'webp', width, height }) as const
  switch (view.getUint32(12)) {
    case 0x56_50_38_20:
      return size(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff)
    case 0x56_50_38_4c: {
      const bits = view.getUint32(21, true)
      return size((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1)
    }
    case 0x56_50_38_58: {
      const of24Bits = (at: number) => view.getUint16(at, true) + (view.getUint8(at + 2) << 16) + 1
      return size(of24Bits(24), of24Bits(27))
    }
    default:
      return undefined
  }
}
