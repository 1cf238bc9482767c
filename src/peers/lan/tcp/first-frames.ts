/** A frame begins with its length, little-endian. */
const LENGTH_BYTES = 3

/** The longest of a handshake is its first one, 96 bytes. */
const MAX_FRAME_BYTES = 128

/**
 * Reads along with the first frames of an encrypted stream, whose sender is not known yet, to tell whether one
 * says to be longer than any of a handshake: so much memory would be taken for it at once, up to 16 MiB.
 */
export class FirstFrames {
  #framesLeft: number
  #length = 0
  #lengthBytes = 0
  #bytesLeft = 0

  /** @param count how many frames are looked at; those after them may be of any length. */
  constructor(count: number) {
    this.#framesLeft = count
  }

  /** Whether what came so far is well, with this. */
  allow(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.byteLength && (this.#framesLeft > 0 || this.#bytesLeft > 0);) {
      if (this.#bytesLeft > 0) {
        const some = Math.min(this.#bytesLeft, bytes.byteLength - at)
        this.#bytesLeft -= some
        at += some
      } else {
        this.#length += (bytes[at] ?? 0) * 256 ** this.#lengthBytes
        at++
        this.#lengthBytes++
        if (this.#lengthBytes === LENGTH_BYTES && !this.#begin()) return false
      }
    }
    return true
  }

  #begin(): boolean {
    const length = this.#length
    this.#bytesLeft = length
    this.#framesLeft--
    this.#length = 0
    this.#lengthBytes = 0
    return length <= MAX_FRAME_BYTES
  }
}
