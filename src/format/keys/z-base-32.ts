/** z-base-32 (https://philzimmermann.com/docs/human-oriented-base-32-encoding.txt), as Hypercore's tools write keys. */
const ALPHABET = 'ybndrfg8ejkmcpqxot1uwisza345h769'

/** Bytes as text: 5 bits a character, the last filled up with zeros. */
export function encodeZ32(bytes: Uint8Array): string {
  let text = ''
  let pending = 0
  let bits = 0
  for (const byte of bytes) {
    pending = ((pending << 8) | byte) & 0xfff
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(pending >>> (bits - 5)) & 31]
  }
  return bits === 0 ? text : text + ALPHABET[(pending << (5 - bits)) & 31]
}

/** The whole bytes in `text`; bits that are over count for nothing. @throws Error on another character. */
export function decodeZ32(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array((text.length * 5) >>> 3)
  let pending = 0
  for (let i = 0; i < text.length; i++) {
    const value = ALPHABET.indexOf(text.charAt(i))
    if (value === -1) throw new Error(`Character ${i} is not one of z-base-32.`)
    pending = ((pending << 5) | value) & 0xfff
    const end = (i + 1) * 5
    if (end % 8 < 5) bytes[(end >>> 3) - 1] = pending >>> (end % 8)
  }
  return bytes
}
