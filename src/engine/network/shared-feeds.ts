import type { Feed } from '../../format/feed.ts'
import { hex } from '../../hex.ts'
import type { PeerProtocol, ProtocolPeer } from '../../peers/peer-protocol.ts'

/** The newsletters that one protocol is about, and the peers of each that speak it. */
export class SharedFeeds<T, S> implements Iterable<Feed> {
  readonly #protocol: PeerProtocol<T, S>
  /** By the topic in hex. */
  readonly #feeds = new Map<string, Feed>()

  constructor(protocol: PeerProtocol<T, S>) {
    this.#protocol = protocol
  }

  /** @param topic in hex. */
  get(topic: string): Feed | undefined {
    return this.#feeds.get(topic)
  }

  add(feed: Feed): void {
    this.#feeds.set(hex(feed.log.discoveryKey), feed)
  }

  delete(feed: Feed): void {
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
    this.#feeds.clear()
    this.#protocol.close()
  }
}
