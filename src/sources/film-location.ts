/** Brands of files that are pictures; their Exif data lie among those of the picture. */
const PICTURE_BRAND = /^(?:hei|hev|mif|msf|avi)/

/** What says a place in XMP, in the `©xyz` of films, and in ISO 6709 as QuickTime has it. */
const PLACE =
  /GPS(?:Latitude|Longitude|Altitude|Position|Coordinates)\w{0,10}(?:="[^"]{1,100}"|>[^<]{1,100}<)|[+-]\d{2}\.\d{2,8}[+-]\d{3}\.\d{2,8}(?:[+-]\d{1,6}(?:\.\d{1,6})?)?/g

const latin1 = new TextDecoder('latin1')
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/**
 * A file of boxes, each of a length, a name and data (ISO 14496-12, 4.2): HEIC, AVIF, MP4, QuickTime. Its parts refer to
 * each other by their offsets, so zeros overwrite the place, and nothing moves.
 * @throws RangeError where it ends in the middle
 */
export function withoutPlaces(bytes: Uint8Array): Uint8Array {
  const clean = bytes.slice()
  const view = viewOf(bytes)
  const nameAt = (at: number) => latin1.decode(bytes.subarray(at, at + 4))
  const isPicture = PICTURE_BRAND.test(nameAt(8))
  let isLocated = false
  for (let at = 0; at + 8 <= bytes.byteLength;) {
    const short = view.getUint32(at)
    const length = short === 1 ? Number(view.getBigUint64(at + 8)) : short
    const end = length < 8 ? bytes.byteLength : Math.min(bytes.byteLength, at + length)
    const isLookedAt = isPicture || nameAt(at + 4) !== 'mdat'
    if (isLookedAt && wipePlaces(clean.subarray(at, end))) isLocated = true
    at = end
  }
  return isLocated ? clean : bytes
}

function wipePlaces(part: Uint8Array): boolean {
  const text = latin1.decode(part)
  let isLocated = false
  for (const { 0: mark, index } of text.matchAll(/Exif\0\0(?=II\*\0|MM\0\*)/g)) {
    if (wipeDirectory(part.subarray(index + mark.length))) isLocated = true
  }
  for (const { 0: place, index } of text.matchAll(PLACE)) {
    isLocated = true
    for (let at = 0; at < place.length; at++)
      if (/\d/.test(place.charAt(at))) part[index + at] = 0x30
  }
  return isLocated
}

/** The tag of the directory of places in Exif 2.32, and the bytes of a value of each type of TIFF 6.0. */
const GPS = 0x8825
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8]

/** Empties the directory of places in Exif data; their other parts stay where they are. */
function wipeDirectory(tiff: Uint8Array): boolean {
  const view = viewOf(tiff)
  const isLittle = view.getUint16(0) === 0x4949
  const start = view.getUint32(4, isLittle)
  const entries = view.getUint16(start, isLittle)
  for (let i = 0; i < entries; i++) {
    const entry = start + 2 + i * 12
    if (view.getUint16(entry, isLittle) !== GPS) continue
    const places = view.getUint32(entry + 8, isLittle)
    const count = view.getUint16(places, isLittle)
    for (let j = 0; j < count; j++) {
      const at = places + 2 + j * 12
      const type = TYPE_BYTES[view.getUint16(at + 2, isLittle)] ?? 1
      const bytes = type * view.getUint32(at + 4, isLittle)
      const value = view.getUint32(at + 8, isLittle)
      if (bytes > 4) tiff.fill(0, value, value + bytes)
    }
    tiff.fill(0, places, places + 2 + count * 12)
    return true
  }
  return false
}
