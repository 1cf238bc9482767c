import { networkInterfaces } from 'node:os'

export interface OutageWatchOptions {
  /** Counts answers, and pings some nodes. */
  readonly dht: { readonly answers: number; pingSome(): void }
  /** The network may be another one than before, or was away; now there is an answer. */
  readonly onBack: (why: Change) => void
  /** The addresses of this machine as text; those of its interfaces when absent. */
  readonly addresses?: () => string
}

export type Change = 'outage' | 'sleep' | 'addresses'

const TICK_MS = 2_000

/** A tick that is this late by the wall clock means that the machine slept. */
const SLEPT_MS = 10_000

/** An idle node receives something every 3 s. After this time without an answer it pings, */
const ASK_AFTER_MS = 5_000

/** and after this time the network counts as gone. */
const GONE_AFTER_MS = 12_000

/**
 * Notices that the network comes back: after an outage of the network or of the DHT alone, after the
 * machine slept, and with other addresses. The stack notices the last of these only, and waits for its
 * next round, up to 12 minutes, with the others.
 */
export class OutageWatch {
  readonly #options: OutageWatchOptions
  readonly #addresses: () => string
  readonly #timer: NodeJS.Timeout
  #known: string
  #answers = 0
  #answeredAt = Date.now()
  #tickAt = Date.now()
  #change: Change | undefined

  constructor(options: OutageWatchOptions) {
    this.#options = options
    this.#addresses = options.addresses ?? addressesHere
    this.#known = this.#addresses()
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    const now = Date.now()
    const { dht, onBack } = this.#options
    const isLate = now - this.#tickAt > TICK_MS + SLEPT_MS
    this.#tickAt = now
    const addresses = this.#addresses()
    // An answer from before does not count after these.
    if (isLate || addresses !== this.#known) {
      this.#change = isLate ? 'sleep' : 'addresses'
      this.#known = addresses
      this.#answers = dht.answers
      this.#answeredAt = now - ASK_AFTER_MS
    }
    if (dht.answers !== this.#answers) {
      this.#answers = dht.answers
      this.#answeredAt = now
      const change = this.#change
      this.#change = undefined
      if (change !== undefined) onBack(change)
    }
    const silentMs = now - this.#answeredAt
    if (silentMs >= ASK_AFTER_MS) dht.pingSome()
    if (silentMs >= GONE_AFTER_MS) this.#change ??= 'outage'
  }
}

function addressesHere(): string {
  const all = Object.values(networkInterfaces()).flatMap((it) => it ?? [])
  const outside = all.filter((it) => !it.internal && !it.address.startsWith('fe80:'))
  return outside
    .map((it) => it.address)
    .toSorted()
    .join(' ')
}
