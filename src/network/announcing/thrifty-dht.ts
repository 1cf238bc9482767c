import HyperDHT, { type Address, type Query, type QueryOptions } from 'hyperdht'
import type { KeyPair } from 'hypercore-crypto'

/** Nodes that an announcement is renewed at, of the 20 nearest that it went to at first. */
const NODES_TO_RENEW = 4

/** How often it goes to all of the nearest again, in case that other nodes are nearer by now. */
const FULL_EVERY_MS = 2 * 3_600_000

/** With so many nodes known, a query needs no bootstrap node to begin with. */
const ENOUGH_NODES = 20

type Resolve = (this: HyperDHT) => AsyncIterable<Address>

/**
 * A DHT node that renews announcements at a few nodes only, the nearest ones, which everybody who looks
 * a topic up asks in any case. Nodes forget an announcement after 20 minutes and the swarm renews it
 * every 10 to 12, so with a thousand topics this is most of an idle daemon's traffic.
 */
export class ThriftyDht extends HyperDHT {
  /** Topic in hex → when it was last announced to all of the nearest nodes. */
  readonly #fullAt = new Map<string, number>()

  override announce(
    topic: Uint8Array,
    keyPair: KeyPair,
    relayAddresses?: readonly Address[],
    options: QueryOptions = {},
  ): Query {
    const name = Buffer.from(topic).toString('hex')
    const known = options.closestNodes ?? []
    const fullAt = this.#fullAt.get(name) ?? -Infinity
    const isDue = Date.now() - fullAt > FULL_EVERY_MS
    if (isDue || options.clear === true || known.length < NODES_TO_RENEW) {
      this.#fullAt.set(name, Date.now())
      return super.announce(topic, keyPair, relayAddresses, options)
    }
    const closestNodes = known.slice(0, NODES_TO_RENEW)
    const some = { ...options, closestNodes, onlyClosestNodes: true }
    const query = super.announce(topic, keyPair, relayAddresses, some)
    query.once('close', () => {
      // One of them is gone: the next time looks for others.
      if (query.successes < NODES_TO_RENEW) this.#fullAt.delete(name)
    })
    return query
  }

  override unannounce(topic: Uint8Array, keyPair: KeyPair, options?: QueryOptions): Promise<void> {
    this.#fullAt.delete(Buffer.from(topic).toString('hex'))
    return super.unannounce(topic, keyPair, options)
  }

  // Called by the package at the start, and by each query that begins with fewer than 20 nodes: it would
  // ask all bootstrap nodes whether they are there.
  async *_resolveBootstrapNodes(): AsyncIterable<Address> {
    if (this.toArray().length >= ENOUGH_NODES) return
    const { _resolveBootstrapNodes: resolve } = HyperDHT.prototype as unknown as {
      _resolveBootstrapNodes: Resolve
    }
    yield* resolve.call(this)
  }
}
