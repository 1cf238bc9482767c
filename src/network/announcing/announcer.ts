export interface AnnouncerOptions {
  /** Announces a topic and looks it up, from now on. */
  readonly join: (topic: Uint8Array) => void
  readonly leave: (topic: Uint8Array) => Promise<void>
}

/** Between two topics that can wait: a thousand are all announced within two minutes of the start. */
const GAP_MS = 100

/**
 * Joins topics one after another, in the order in which they were added. All at once, a thousand of
 * them keep the DHT busy for more than a minute, and the one that somebody waits for is among them.
 */
export class Announcer {
  readonly #options: AnnouncerOptions
  /** Topics in hex that are to be joined. */
  readonly #waiting = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: AnnouncerOptions) {
    this.#options = options
  }

  /** Announces a topic when its turn comes. */
  add(topic: Uint8Array): void {
    this.#waiting.add(hex(topic))
    this.#timer ??= setInterval(() => this.#next(), GAP_MS)
    // What is announced matters only while something else keeps the process.
    this.#timer.unref()
  }

  /** Announces a topic now. */
  addNow(topic: Uint8Array): void {
    this.#waiting.delete(hex(topic))
    this.#options.join(topic)
  }

  async delete(topic: Uint8Array): Promise<void> {
    if (!this.#waiting.delete(hex(topic))) await this.#options.leave(topic)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#waiting.clear()
  }

  #next(): void {
    const [topic] = this.#waiting
    if (topic === undefined) {
      clearInterval(this.#timer)
      this.#timer = undefined
    } else this.addNow(Buffer.from(topic, 'hex'))
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
