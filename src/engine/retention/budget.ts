import { bytesUnderCap, writeBufferFor } from '../../log/store/disk.ts'

/** Of a cap: above it nothing more is fetched. */
const FULL = 0.97

/** The storage's own logs, in write buffers. */
const LOGS = 2.2

/** Of what fits: what was dropped may lie on the disk before it is taken off. */
const DEAD_SHARE = 0.04
const DEAD_AT_LEAST_BYTES = 2 ** 20

/** What fits under a cap, in bytes. */
export class Budget {
  /** As the store was opened. */
  readonly #bufferBytes: number
  #capBytes: number
  /** Room that turned out to be taken by something else. */
  #lostBytes = 0

  constructor(capBytes: number) {
    this.#capBytes = capBytes
    this.#bufferBytes = writeBufferFor(capBytes)
  }

  /** `Infinity` for none. */
  get capBytes(): number {
    return this.#capBytes
  }

  set capBytes(capBytes: number) {
    this.#capBytes = capBytes
    this.#lostBytes = 0
  }

  /** What newsletters may take. */
  get bytes(): number {
    return Math.max(0, this.#underCap - this.#lostBytes)
  }

  /** What the storage takes for itself, and is not in `bytes`. */
  get storageBytes(): number {
    return this.#capBytes - this.#underCap
  }

  /** What may be used before nothing more is fetched. */
  get fullBytes(): number {
    return this.#capBytes * FULL
  }

  get logBytes(): number {
    return LOGS * this.#bufferBytes
  }

  /** How much of what was dropped may stay on the disk for a while. */
  get bearableBytes(): number {
    const fit = this.bytes
    return Math.max(DEAD_AT_LEAST_BYTES, fit === Infinity ? 0 : fit * DEAD_SHARE)
  }

  /** The least that is worth taking off the disk when it is done thoroughly. */
  get leastDeadBytes(): number {
    return DEAD_AT_LEAST_BYTES
  }

  /** Something takes room that no newsletter accounts for. */
  lose(bytes: number): void {
    this.#lostBytes += Math.max(0, bytes)
  }

  /** It turned out to be accounted for. */
  regain(bytes = Infinity): void {
    this.#lostBytes = Math.max(0, this.#lostBytes - bytes)
  }

  get #underCap(): number {
    return bytesUnderCap(this.#capBytes, this.#bufferBytes)
  }
}
