export interface IntroducedDialsOptions {
  /** Begins to connect to a peer. */
  readonly dial: (peer: Uint8Array) => void
  /** Stops trying; a connection stays. */
  readonly stop: (peer: Uint8Array) => void
}

/** A peer that was dialled on somebody's word and does not answer by then is given up. */
const DIAL_DEADLINE_MS = 15_000

/** Peers being dialled on somebody's word at a time, over all topics. */
const MAX_DIALS = 64

/** Dials on one peer's word that are under way or came to nothing; nobody is believed beyond that. */
const MAX_OPEN_WORDS = 16

/** A dial that came to nothing is forgiven after this: honest tellers err too, one by one. */
const FORGIVE_MS = 10 * 60_000

interface Dial {
  readonly timer: NodeJS.Timeout
  /** Whose word it was, in hex. */
  readonly teller: string
}

/** Dials peers on other peers' word, and believes nobody too much: a liar costs a few dials in all. */
export class IntroducedDials {
  readonly #options: IntroducedDialsOptions
  readonly #dials = new Map<string, Dial>()
  /** Teller → dials on its word that did not lead to a connection so far. */
  readonly #openWords = new Map<string, number>()

  constructor(options: IntroducedDialsOptions) {
    this.#options = options
  }

  /** Dials a peer that is not connected; gives up after a while. Both keys are in hex. */
  begin(peer: string, teller: string): void {
    const openWords = this.#openWords.get(teller) ?? 0
    if (openWords >= MAX_OPEN_WORDS || this.#dials.size >= MAX_DIALS) return
    if (this.#dials.has(peer)) return
    this.#openWords.set(teller, openWords + 1)
    const timer = setTimeout(() => {
      this.#end(peer)
      setTimeout(() => this.#closeWord(teller), FORGIVE_MS).unref()
    }, DIAL_DEADLINE_MS)
    this.#dials.set(peer, { timer, teller })
    this.#options.dial(Buffer.from(peer, 'hex'))
  }

  /** A peer is connected: who told of it was right. */
  connected(peer: string): void {
    const teller = this.#dials.get(peer)?.teller
    if (teller === undefined) return
    this.#closeWord(teller)
    this.#end(peer)
  }

  close(): void {
    for (const { timer } of this.#dials.values()) clearTimeout(timer)
    this.#dials.clear()
  }

  #closeWord(teller: string): void {
    const openWords = (this.#openWords.get(teller) ?? 1) - 1
    if (openWords === 0) this.#openWords.delete(teller)
    else this.#openWords.set(teller, openWords)
  }

  // Once connected, or given up, the peer is an ordinary one: no endless redialling.
  #end(peer: string): void {
    clearTimeout(this.#dials.get(peer)?.timer)
    if (this.#dials.delete(peer)) this.#options.stop(Buffer.from(peer, 'hex'))
  }
}
