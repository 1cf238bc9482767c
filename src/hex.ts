/** Bytes as lower-case hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  if (typeof Buffer !== 'undefined') {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  }
  return Array.from(bytes, (it) => it.toString(16).padStart(2, '0')).join('')
}
