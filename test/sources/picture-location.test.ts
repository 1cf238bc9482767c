import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat } from '../../src/format/bytes.ts'
import { readDraft } from '../../src/sources/markdown-file.ts'
import { withoutLocation, withoutMetadata } from '../../src/sources/picture-location.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const bytesOf = (text: string) => Uint8Array.from(text, (it) => it.codePointAt(0) ?? 0)

const uint = (value: number, bytes: number, isLittle: boolean) => {
  const digits = Array.from({ length: bytes }, (_, i) => (value >>> (8 * i)) & 0xff)
  return Uint8Array.from(isLittle ? digits : digits.toReversed())
}

/** Exif data whose first directory has the given tags, each with a short value. */
function exif(tags: Readonly<Record<number, number>>, isLittle = true): Uint8Array {
  const entries = Object.entries(tags).map(([tag, value]) =>
    concat([
      uint(Number(tag), 2, isLittle),
      uint(3, 2, isLittle),
      uint(1, 4, isLittle),
      uint(value, 2, isLittle),
      uint(0, 2, isLittle),
    ]),
  )
  const head = [bytesOf(isLittle ? 'II' : 'MM'), uint(42, 2, isLittle), uint(8, 4, isLittle)]
  return concat([...head, uint(entries.length, 2, isLittle), ...entries, bytesOf('59°N 10°E')])
}

const [ORIENTATION, MODEL, GPS] = [0x0112, 0x0110, 0x8825]
const XMP = '<x:xmpmeta exif:GPSLatitude="59,54N"/>'
const PICTURE = bytesOf('\u00ff\u00da the picture itself \u00ff\u00d9')

const segment = (marker: number, data: Uint8Array) =>
  concat([Uint8Array.of(0xff, marker), uint(data.byteLength + 2, 2, false), data])

const jpeg = (...segments: Uint8Array[]) =>
  concat([Uint8Array.of(0xff, 0xd8), ...segments, PICTURE])

const chunk = (name: string, data: Uint8Array) =>
  concat([uint(data.byteLength, 4, false), bytesOf(name), data, bytesOf('crc!')])

const png = (...chunks: Uint8Array[]) =>
  concat([bytesOf('\u0089PNG\r\n\u001a\n'), ...chunks, chunk('IEND', new Uint8Array())])

const riff = (name: string, data: Uint8Array) =>
  concat([bytesOf(name), uint(data.byteLength, 4, true), data, new Uint8Array(data.byteLength % 2)])

function webp(...chunks: Uint8Array[]): Uint8Array {
  const body = concat([bytesOf('WEBP'), ...chunks])
  return concat([bytesOf('RIFF'), uint(body.byteLength, 4, true), body])
}

const EXIF_SEGMENT = (data: Uint8Array) => segment(0xe1, concat([bytesOf('Exif\0\0'), data]))
const PROFILE = segment(0xe2, bytesOf('ICC_PROFILE\0 colours'))

/** A file of boxes with an Exif item that has a directory of places, whose latitude lies elsewhere. */
function heic(isLittle: boolean): Uint8Array {
  const number = (value: number, bytes: number) => uint(value, bytes, isLittle)
  const entry = (tag: number, type: number, count: number, value: number) =>
    concat([number(tag, 2), number(type, 2), number(count, 4), number(value, 4)])
  const tiff = concat([
    bytesOf(isLittle ? 'II' : 'MM'),
    number(42, 2),
    number(8, 4),
    number(2, 2),
    entry(ORIENTATION, 3, 1, 6),
    entry(GPS, 4, 1, 38),
    number(0, 4),
    number(1, 2),
    entry(2, 5, 3, 56),
    number(0, 4),
    bytesOf('latitude, in 24 bytes…  ').slice(0, 24),
    bytesOf(' the picture itself'),
  ])
  const box = (name: string, data: Uint8Array) =>
    concat([uint(data.byteLength + 8, 4, false), bytesOf(name), data])
  const item = concat([bytesOf('\0\0\0\u0006Exif\0\0'), tiff])
  return concat([box('ftyp', bytesOf('heic\0\0\0\0mif1')), box('mdat', item)])
}

const latin1 = (bytes: Uint8Array) => new TextDecoder('latin1').decode(bytes)

describe('the place of a picture', () => {
  it.each([true, false])(
    'is overwritten in HEIC, and nothing moves (little endian: %s)',
    (isLittle) => {
      const before = heic(isLittle)
      const after = withoutLocation(before)
      expect(after).toHaveLength(before.byteLength)
      expect(latin1(before)).toContain('latitude')
      expect(latin1(after)).not.toContain('latitude')
      expect(latin1(after)).toContain(' the picture itself')
      expect(withoutLocation(after.slice(0, 60))).toEqual(after.slice(0, 60))
    },
  )

  it('is overwritten in films', () => {
    const box = (name: string, text: string) =>
      concat([uint(text.length + 8, 4, false), bytesOf(name), bytesOf(text)])
    const film = (place: string, picture: string) =>
      concat([box('ftyp', 'isom'), box('moov', `…\u00a9xyz${place}/`), box('mdat', picture)])
    const place = '+59.9139+010.7522'
    expect(withoutLocation(film(place, place))).toEqual(film('+00.0000+000.0000', place))
    const plain = film('no place', 'x')
    expect(withoutLocation(plain)).toBe(plain)
  })

  it.each([true, false])(
    'is taken out of a JPEG, and its orientation stays (little-endian: %s)',
    (isLittle) => {
      const photo = jpeg(
        EXIF_SEGMENT(exif({ [MODEL]: 1, [ORIENTATION]: 6, [GPS]: 1 }, isLittle)),
        PROFILE,
      )
      const upright = exif({ [ORIENTATION]: 6 }, false).subarray(0, 22)
      const clean = jpeg(EXIF_SEGMENT(concat([upright, uint(0, 4, false)])), PROFILE)
      expect(withoutLocation(photo)).toEqual(clean)
    },
  )

  it('is taken out of a JPEG that says it in XMP, or twice', () => {
    const xmp = segment(0xe1, bytesOf(`http://ns.adobe.com/xap/1.0/\0${XMP}`))
    const located = EXIF_SEGMENT(exif({ [GPS]: 1 }))
    for (const photo of [jpeg(xmp, PROFILE), jpeg(located, PROFILE, xmp), jpeg(PROFILE, located)]) {
      expect(withoutLocation(photo)).toEqual(jpeg(PROFILE))
    }
  })

  it('is taken out of a PNG, with what stands behind its end', () => {
    const data = chunk('IDAT', bytesOf('the picture'))
    for (const place of [
      chunk('eXIf', exif({ [GPS]: 1 })),
      chunk('iTXt', bytesOf(`XML\0${XMP}`)),
    ]) {
      expect(withoutLocation(png(place, data))).toEqual(png(data))
      expect(withoutLocation(concat([png(place, data), bytesOf('more')]))).toEqual(
        concat([png(data), bytesOf('more')]),
      )
    }
  })

  it('is taken out of a WebP, whose header then no longer tells of it', () => {
    const picture = riff('VP8 ', bytesOf('the picture'))
    const header = (flags: number) =>
      riff('VP8X', concat([Uint8Array.of(flags), new Uint8Array(9)]))
    const place = riff('EXIF', exif({ [GPS]: 1 }))
    expect(withoutLocation(webp(header(0b11100), picture, place))).toEqual(
      webp(header(0b10000), picture),
    )
  })

  it('goes with all else that is no picture where that is asked for', () => {
    const comment = segment(0xfe, bytesOf('by Ada'))
    const photo = jpeg(EXIF_SEGMENT(exif({ [MODEL]: 1, [ORIENTATION]: 1 })), comment, PROFILE)
    expect(withoutMetadata(concat([photo, bytesOf('more')]))).toEqual(jpeg(PROFILE))
    const data = chunk('IDAT', bytesOf('the picture'))
    const text = png(chunk('tEXt', bytesOf('Author\0Ada')), chunk('tIME', bytesOf('x')), data)
    expect(withoutMetadata(concat([text, bytesOf('more')]))).toEqual(png(data))
    const picture = riff('VP8 ', bytesOf('the picture'))
    const xmp = webp(picture, riff('XMP ', bytesOf('by Ada')))
    expect(withoutMetadata(concat([xmp, bytesOf('more')]))).toEqual(webp(picture))
    const gif = (...blocks: string[]) =>
      bytesOf(['GIF89a\x01\0\x01\0\0\0\0', ...blocks, ';'].join(''))
    const pixel = ',\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0'
    const loop = '!\u00ff\x0bNETSCAPE2.0\x03\x01\0\0\0'
    const noise = ['!\u00fe\x06by Ada\0', '!\u00ff\x0bXMP DataXMP\x03Ada\0']
    expect(withoutMetadata(gif(loop, ...noise, pixel))).toEqual(gif(loop, pixel))
  })

  it.each([
    ['a JPEG without a place', jpeg(EXIF_SEGMENT(exif({ [MODEL]: 1, [ORIENTATION]: 6 })), PROFILE)],
    [
      'a PNG without a place',
      png(chunk('tEXt', bytesOf('Author\0Ada')), chunk('IDAT', bytesOf('x'))),
    ],
    [
      'a WebP without a place',
      webp(riff('VP8 ', bytesOf('x')), riff('EXIF', exif({ [MODEL]: 1 }))),
    ],
    ['a GIF', bytesOf('GIF89a GPSLatitude')],
    ['a JPEG that is cut off', jpeg(EXIF_SEGMENT(exif({ [GPS]: 1 }))).subarray(0, 30)],
  ])('leaves %s byte for byte', (_, bytes) => {
    expect(withoutLocation(bytes)).toBe(bytes)
  })

  it('fails for no bytes at all', () => {
    const starts = [
      Uint8Array.of(0xff, 0xd8, 0xff),
      bytesOf('\u0089PNG\r\n\u001a\n'),
      bytesOf('RIFF????WEBP'),
    ]
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 64 }), (start, rest) => {
        const bytes = concat([start, rest])
        for (const clean of [withoutLocation, withoutMetadata]) {
          expect(clean(bytes).byteLength).toBeLessThanOrEqual(bytes.byteLength + 40)
        }
      }),
    )
  })

  it('stays out of an issue unless its author keeps it', async () => {
    const folder = await temporaryDirectory()
    const photo = jpeg(EXIF_SEGMENT(exif({ [GPS]: 1 })), PROFILE)
    await writeFile(join(folder, 'photo.jpg'), photo)
    const data = `data:image/jpeg;base64,${Buffer.from(photo).toString('base64')}`
    await writeFile(join(folder, 'a.md'), `# A\n\n![x](photo.jpg) ![x](${data})\n`)
    const bytes = async (keepLocation: boolean) => {
      const { attachments } = await readDraft(join(folder, 'a.md'), { keepLocation })
      return Promise.all(attachments.map(async (it) => new Uint8Array(await it.open())))
    }
    expect(await bytes(false)).toEqual([jpeg(PROFILE), jpeg(PROFILE)])
    expect(await bytes(true)).toEqual([photo, photo])
  })
})
