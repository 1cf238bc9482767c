import { concat } from '../format/bytes.ts'

/** What a part of a file is kept as: from `start` on, up to but without `end`. */
interface Part {
  readonly start: number
  readonly end: number
}

const ascii = (bytes: Uint8Array, start: number, length: number) =>
  String.fromCharCode(...bytes.subarray(start, start + length))

/** Tags of TIFF 6.0 and Exif 2.32. */
const ORIENTATION = 0x0112
const GPS = 0x8825

const XMP = 'http://ns.adobe.com/xap/1.0/\0'
const EXIF = 'Exif\0\0'

/**
 * A picture or film without the place at which it was taken: a JPEG, PNG or WebP file whose Exif or XMP data say a place
 * loses all of these data but its orientation; in a HEIC, AVIF, MP4 or QuickTime file the place is overwritten by zeros.
 * Any other file comes back as it is, one that is damaged too.
 */
export function withoutLocation(bytes: Uint8Array): Uint8Array {
  return cleaned(bytes, false)
}

/**
 * A picture without anything but what it shows, how it is turned, and its colour profile: no Exif, XMP or IPTC data, no
 * comments, texts or times, and nothing behind its end. GIF files, too.
 */
export function withoutMetadata(bytes: Uint8Array): Uint8Array {
  return cleaned(bytes, true)
}

function cleaned(bytes: Uint8Array, isStrict: boolean): Uint8Array {
  try {
    if (bytes[0] === 0xff && bytes[1] === 0xd8) return cleanJpeg(bytes, isStrict)
    if (ascii(bytes, 0, 8) === '\u0089PNG\r\n\u001a\n') return cleanPng(bytes, isStrict)
    if (ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 4) === 'WEBP') {
      return cleanWebp(bytes, isStrict)
    }
    if (ascii(bytes, 4, 4) === 'ftyp') return withoutPlaces(bytes)
    if (isStrict && /^GIF8[79]a/.test(ascii(bytes, 0, 6))) return cleanGif(bytes)
  } catch (error) {
    // It ends where it should go on.
    if (!(error instanceof RangeError)) throw error
  }
  return bytes
}

// Segments of a length each, up to the one after which the picture itself begins (ITU T.81, B.1.1).
function cleanJpeg(bytes: Uint8Array, isStrict: boolean): Uint8Array {
  const view = viewOf(bytes)
  const kept: Uint8Array[] = [bytes.subarray(0, 2)]
  let isLocated = isStrict
  let at = 2
  while (view.getUint8(at) === 0xff && view.getUint8(at + 1) !== 0xda) {
    if (view.getUint8(at + 1) === 0xff) {
      // Fill before a marker.
      at++
      continue
    }
    const end = at + 2 + view.getUint16(at + 2)
    const isExif = ascii(bytes, at + 4, EXIF.length) === EXIF
    const isXmp = ascii(bytes, at + 4, XMP.length) === XMP
    if (view.getUint8(at + 1) === 0xe1 && (isExif || isXmp)) {
      const data = bytes.subarray(at + 4 + (isExif ? EXIF : XMP).length, end)
      isLocated ||= isExif ? tiffOf(data).isLocated : saysPlace(data)
      const { orientation } = isExif ? tiffOf(data) : {}
      if (orientation !== undefined) kept.push(orientationSegment(orientation))
    } else if (!isStrict || isPicture(bytes, at)) kept.push(bytes.subarray(at, end))
    at = end
  }
  const end = isStrict ? endOfJpeg(bytes, at) : bytes.byteLength
  kept.push(bytes.subarray(at, end))
  return isLocated ? concat(kept) : bytes
}

/** Whether a segment is needed to show the picture: no application's own but JFIF, a colour profile and Adobe's transform. */
function isPicture(bytes: Uint8Array, at: number): boolean {
  const marker = bytes[at + 1] ?? 0
  if (marker === 0xe2) return ascii(bytes, at + 4, 11) === 'ICC_PROFILE'
  return marker === 0xe0 || marker === 0xee || (marker < 0xe0 && marker > 0) || marker === 0xff
}

/** Behind the mark that ends a picture; within its data, a zero follows each 0xff. */
function endOfJpeg(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(0xff, start); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    if (bytes[at + 1] === 0xd9) return at + 2
  }
  return bytes.byteLength
}

// Chunks of a length, a name, data and a checksum each (PNG, 5.3).
function cleanPng(bytes: Uint8Array, isStrict: boolean): Uint8Array {
  const view = viewOf(bytes)
  const kept: Part[] = [{ start: 0, end: 8 }]
  let isLocated = isStrict
  for (let at = 8; at < bytes.byteLength;) {
    const name = ascii(bytes, at + 4, 4)
    const isLast = name === 'IEND'
    const end = isLast && !isStrict ? bytes.byteLength : at + 12 + view.getUint32(at)
    const data = bytes.subarray(at + 8, end - 4)
    if (name === 'eXIf' || name === 'tEXt' || name === 'iTXt' || name === 'zTXt') {
      isLocated ||= name === 'eXIf' ? tiffOf(data).isLocated : saysPlace(data)
    } else if (!isStrict || name !== 'tIME') kept.push({ start: at, end })
    if (isLast) break
    at = end
  }
  return isLocated ? concat(kept.map((it) => bytes.subarray(it.start, it.end))) : bytes
}

// Chunks of a name, a length and data each, padded to an even length (RIFF).
function cleanWebp(whole: Uint8Array, isStrict: boolean): Uint8Array {
  const view = viewOf(whole)
  const bytes = isStrict ? whole.subarray(0, 8 + view.getUint32(4, true)) : whole
  const kept: Uint8Array[] = [bytes.slice(0, 12)]
  let isLocated = isStrict
  for (let at = 12; at < bytes.byteLength;) {
    const length = view.getUint32(at + 4, true)
    const end = at + 8 + length + (length % 2)
    const name = ascii(bytes, at, 4)
    const data = bytes.subarray(at + 8, at + 8 + length)
    if (name === 'EXIF') isLocated ||= tiffOf(withoutPrefix(data)).isLocated
    else if (name === 'XMP ') isLocated ||= saysPlace(data)
    else kept.push(name === 'VP8X' ? withoutFlags(bytes.slice(at, end)) : bytes.subarray(at, end))
    at = end
  }
  if (!isLocated) return bytes
  const clean = concat(kept)
  viewOf(clean).setUint32(4, clean.byteLength - 8, true)
  return clean
}

// A screen, then extensions and images of sub-blocks, each with its length before it (GIF89a, appendix A).
function cleanGif(bytes: Uint8Array): Uint8Array {
  const view = viewOf(bytes)
  const tableBytes = (flags: number) => ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1))
  let at = 13 + tableBytes(view.getUint8(10))
  const kept: Uint8Array[] = [bytes.subarray(0, at)]
  for (let kind = view.getUint8(at); kind !== 0x3b; kind = view.getUint8(at)) {
    const start = at
    const label = view.getUint8(at + 1)
    at += kind === 0x21 ? 2 : 11 + tableBytes(view.getUint8(at + 9))
    for (let length = view.getUint8(at); length > 0; length = view.getUint8(at)) at += length + 1
    at++
    const isLoop = /^(?:NETSCAPE2|ANIMEXTS1)/.test(ascii(bytes, start + 3, 9))
    const isKept = kind !== 0x21 || label === 0xf9 || label === 0x01 || (label === 0xff && isLoop)
    if (isKept) kept.push(bytes.subarray(start, at))
  }
  return concat([...kept, bytes.subarray(at, at + 1)])
}

/** The header of an extended file no longer says that there are Exif and XMP data. */
function withoutFlags(chunk: Uint8Array): Uint8Array {
  chunk[8] = (chunk[8] ?? 0) & ~0b1100
  return chunk
}

function withoutPrefix(data: Uint8Array): Uint8Array {
  return ascii(data, 0, EXIF.length) === EXIF ? data.subarray(EXIF.length) : data
}

interface Tiff {
  readonly isLocated: boolean
  /** 1 to 8; absent where the picture is upright. */
  readonly orientation?: number
}

/** What the first directory of Exif data says. Data that cannot be read may hide a place. */
function tiffOf(data: Uint8Array): Tiff {
  const view = viewOf(data)
  try {
    const isLittle = view.getUint16(0) === 0x4949
    const start = view.getUint32(4, isLittle)
    const entries = Array.from({ length: view.getUint16(start, isLittle) }, (_, i) => {
      const at = start + 2 + i * 12
      return { tag: view.getUint16(at, isLittle), value: view.getUint16(at + 8, isLittle) }
    })
    const orientation = entries.find(({ tag }) => tag === ORIENTATION)?.value ?? 1
    const isLocated = entries.some(({ tag }) => tag === GPS)
    return orientation > 1 && orientation <= 8 ? { isLocated, orientation } : { isLocated }
  } catch (error) {
    if (error instanceof RangeError) return { isLocated: true }
    throw error
  }
}

/** Whether XMP names a place; true for compressed XMP, which is not read. */
function saysPlace(data: Uint8Array): boolean {
  const text = new TextDecoder('latin1').decode(data)
  return /GPS(?:Latitude|Longitude|Coordinates|Position)|raw profile type (?:exif|app1|xmp)/i.test(
    text,
  )
}

/** Exif data that say nothing but how the picture is turned. */
function orientationSegment(orientation: number): Uint8Array {
  const segment = new Uint8Array(4 + EXIF.length + 26)
  const view = viewOf(segment)
  view.setUint16(0, 0xffe1)
  view.setUint16(2, segment.byteLength - 2)
  segment.set(new TextEncoder().encode(EXIF), 4)
  const tiff = 4 + EXIF.length
  view.setUint32(tiff, 0x4d4d002a)
  view.setUint32(tiff + 4, 8)
  view.setUint16(tiff + 8, 1)
  view.setUint16(tiff + 10, ORIENTATION)
  view.setUint16(tiff + 12, 3)
  view.setUint32(tiff + 14, 1)
  view.setUint16(tiff + 18, orientation)
  return segment
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Brands of files that are pictures; their Exif data lie among those of the picture. */
const PICTURE_BRAND = /^(?:hei|hev|mif|msf|avi)/

/** What says a place in XMP, in the `©xyz` of films, and in ISO 6709 as QuickTime has it. */
const PLACE =
  /GPS(?:Latitude|Longitude|Altitude|Position|Coordinates)\w{0,10}(?:="[^"]{1,100}"|>[^<]{1,100}<)|[+-]\d{2}\.\d{2,8}[+-]\d{3}\.\d{2,8}(?:[+-]\d{1,6}(?:\.\d{1,6})?)?/g

const latin1 = new TextDecoder('latin1')

/**
 * A file of boxes, each of a length, a name and data (ISO 14496-12, 4.2): HEIC, AVIF, MP4, QuickTime. Its parts refer to
 * each other by their offsets, so zeros overwrite the place, and nothing moves.
 * @throws RangeError where it ends in the middle
 */
function withoutPlaces(bytes: Uint8Array): Uint8Array {
  const clean = bytes.slice()
  const view = viewOf(bytes)
  const nameAt = (at: number) => latin1.decode(bytes.subarray(at, at + 4))
  const isStill = PICTURE_BRAND.test(nameAt(8))
  let isLocated = false
  for (let at = 0; at + 8 <= bytes.byteLength;) {
    const short = view.getUint32(at)
    const length = short === 1 ? Number(view.getBigUint64(at + 8)) : short
    const end = length < 8 ? bytes.byteLength : Math.min(bytes.byteLength, at + length)
    const isLookedAt = isStill || nameAt(at + 4) !== 'mdat'
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

/** The bytes of a value of each type of TIFF 6.0. */
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
