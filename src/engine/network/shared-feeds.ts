import type { Feed } from '../../format/feed.ts'
import { hex } from '../../hex.ts'
import type { PeerProtocol, ProtocolPeer } from '../../peers/peer-protocol.ts'

/** The newsletters that one protocol is about, and the peers of each that speak it. */
export class SharedFeeds<T, S> implements Iterable<Feed> {
  readonly #protocol: PeerProtocol<T, S>
  /** By the topic in hex. */
  readonly #feeds = new Map<string, Feed>()
  readonly #onChanged: (feed: Feed) => void
  readonly #changed = new Set<Feed>()

  /** @param onChanged Called in the turn of the event loop after `changed`, once for each newsletter. */
  constructor(protocol: PeerProtocol<T, S>, onChanged: (feed: Feed) => void = () => {}) {
    this.#protocol = protocol
    this.#onChanged = onChanged
  }

  /** @param topic in hex. */
  get(topic: string): Feed | undefined {
    return this.#feeds.get(topic)
  }

  add(feed: Feed): void {
    this.#feeds.set(hex(feed.log.discoveryKey), feed)
  }

  /** Whoever waits for the newest issue needs the rest of this turn of the event loop to ask for it. */
  changed(feed: Feed): void {
    if (this.#changed.size === 0) {
      setImmediate(() => {
        const changed = [...this.#changed]
        this.#changed.clear()
        for (const it of changed) this.#onChanged(it)
      })
    }
    this.#changed.add(feed)
  }

  delete(feed: Feed): void {
    this.#changed.delete(feed)
    const topic = hex(feed.log.discoveryKey)
    if (this.#feeds.get(topic) === feed) this.#feeds.delete(topic)
  }

  [Symbol.iterator](): IterableIterator<Feed> {
    return this.#feeds.values()
  }

  peersOf({ log }: Feed): ProtocolPeer<T, S>[] {
    return log.peers.flatMap((it) => this.#protocol.get(it.publicKey) ?? [])
  }

  /** @returns to how many peers of the newsletter it goes. */
  send(feed: Feed, message: T, except?: ProtocolPeer<T, S>): number {
    const peers = this.peersOf(feed).filter((it) => it !== except)
    for (const peer of peers) peer.send(message)
    return peers.length
  }

  close(): void {
    this.#changed.clear()
    this.#feeds.clear()
    this.#protocol.close()
  }
}
