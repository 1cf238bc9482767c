export interface KnownPeersOptions {
  readonly dial: (peer: Uint8Array) => void
  /** Stops trying; a connection stays. */
  readonly stop: (peer: Uint8Array) => void
}

/** Peers that are called again after an outage: those that were there last. */
const MAX_PEERS = 64

/** When they are called, in milliseconds after the network came back: theirs may come back later. */
const CALL_AT_MS = [0, 3_000, 7_000, 12_000, 30_000]

/** When that is given up. */
const GIVE_UP_MS = 60_000

/** Calls those with whom there was a connection before the network went away. */
export class KnownPeers {
  readonly #options: KnownPeersOptions
  /** Public keys in hex, those that were there last at the end; and whether they are there now. */
  readonly #peers = new Map<string, boolean>()
  #timers: NodeJS.Timeout[] = []

  constructor(options: KnownPeersOptions) {
    this.#options = options
  }

  connected(peer: string): void {
    this.#peers.delete(peer)
    this.#peers.set(peer, true)
    const [oldest] = this.#peers.keys()
    if (this.#peers.size > MAX_PEERS && oldest !== undefined) this.#peers.delete(oldest)
  }

  disconnected(peer: string): void {
    if (!this.#peers.delete(peer)) return
    this.#peers.set(peer, false)
  }

  /** Not to be called again. */
  forget(peer: string): void {
    this.#peers.delete(peer)
  }

  /** Calls, some times over, those who are not there. */
  dialAll(): void {
    this.close()
    const called = new Set<string>()
    const call = () => {
      for (const [peer, isThere] of this.#peers) {
        if (isThere) continue
        called.add(peer)
        this.#options.dial(Buffer.from(peer, 'hex'))
      }
    }
    const giveUp = () => {
      for (const peer of called) this.#options.stop(Buffer.from(peer, 'hex'))
    }
    this.#timers = [
      ...CALL_AT_MS.map((atMs) => setTimeout(call, atMs)),
      setTimeout(giveUp, GIVE_UP_MS),
    ]
    for (const timer of this.#timers) timer.unref()
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers = []
  }
}
