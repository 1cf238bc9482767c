const DIGITS = Array.from({ length: 256 }, (_, it) => it.toString(16).padStart(2, '0'))

/** Bytes as lower-case hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  let text = ''
  for (const it of bytes) text += DIGITS[it]
  return text
}

/** The bytes that `hex` wrote. */
export function fromHex(digits: string): Uint8Array {
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  )
}
