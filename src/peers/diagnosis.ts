import { isIPv4 } from 'node:net'
import type HyperDHT from 'hyperdht'
import type { Address } from 'hyperdht'
import type Hyperswarm from 'hyperswarm'
import type { AttemptCounts, DialTracker } from './dials.ts'
import { orAborted, succeeds, timeoutSignal } from '../async.ts'
import { isOverTcp } from './patched-hyperswarm.ts'

/**
 * How others reach this device: `open` directly; `consistent`, behind a router that keeps to a port and
 * can be passed; `random`, behind one that takes another port for each peer.
 */
export type Nat = 'open' | 'consistent' | 'random' | 'unknown'

/** What the network of this device looks like from here, now. */
export interface NetworkFacts {
  /** Identifies this device to its peers, in hex. */
  readonly publicKey: string
  /** UDP port that is bound. */
  readonly port: number | undefined
  /** Where others see this device, once some of them have said so. */
  readonly seenAt: { readonly host: string; readonly port: number | undefined } | undefined
  readonly nat: Nat
  readonly nodes: number
  readonly connections: number
  /** Those of them that run over TCP, in the local network. */
  readonly tcpConnections: number
  /** Peers that were found, by whatever way, connected or not. */
  readonly knownPeers: number
  /** Peers that are turned away for what they did. */
  readonly bannedPeers: number
  readonly attempts: AttemptCounts
}

export interface DhtAnswers {
  /** Nodes that were asked just now. */
  readonly asked: number
  readonly answered: number
}

/** Nodes that are asked whether they are there. */
const MAX_ASKED = 6

/** How long the first query of a node that has just started is waited for. */
const FIRST_QUERY_MS = 3_000

/** What can be said of the network of this device, and asked of the DHT. */
export class Diagnosis {
  readonly #swarm: Hyperswarm
  readonly #dials: DialTracker
  readonly #bans: { readonly size: number }

  constructor(swarm: Hyperswarm, dials: DialTracker, bans: { readonly size: number }) {
    this.#swarm = swarm
    this.#dials = dials
    this.#bans = bans
  }

  /** What is known without asking anybody. */
  facts(): NetworkFacts {
    const { dht, keyPair, connections, peers } = this.#swarm
    return {
      publicKey: keyPair.publicKey.toString('hex'),
      port: dht.localAddress()?.port,
      seenAt: dht.host === null ? undefined : { host: dht.host, port: dht.port || undefined },
      nat: natOf(dht),
      nodes: dht.toArray().length,
      connections: connections.size,
      tcpConnections: [...connections].filter(isOverTcp).length,
      knownPeers: peers.size,
      bannedPeers: this.#bans.size,
      attempts: this.#dials.counts(),
    }
  }

  /**
   * Asks some DHT nodes whether they are there; where none is known, the bootstrap nodes.
   * Waits for the first query of a node that has just started, within the time.
   */
  async askNodes(signal: AbortSignal): Promise<DhtAnswers> {
    const { dht } = this.#swarm
    // Without an answer the first query takes until the end.
    const begun = timeoutSignal(FIRST_QUERY_MS, signal)
    await orAborted(dht.fullyBootstrapped(), begun).catch(() => undefined)
    const known = dht.toArray({ limit: MAX_ASKED })
    const nodes = known.length > 0 ? known : dht.bootstrapNodes.filter((it) => isIPv4(it.host))
    const asked = nodes.slice(0, MAX_ASKED)
    const answers = await Promise.all(asked.map((node) => isThere(dht, node, signal)))
    return { asked: asked.length, answered: answers.filter(Boolean).length }
  }

  /** Peers other than this device that announce a topic in the DHT, as far as they are found in time. */
  async countAnnouncers(topic: Uint8Array, signal: AbortSignal): Promise<number> {
    const { dht, keyPair } = this.#swarm
    const found = new Set<string>()
    const query = dht.lookup(topic)
    query.on('data', ({ peers }) => {
      for (const { publicKey } of peers) {
        if (!publicKey.equals(keyPair.publicKey)) found.add(publicKey.toString('hex'))
      }
    })
    // Not finished in time, or no node to ask: what was found counts.
    await orAborted(query.finished(), signal).catch(() => undefined)
    query.destroy()
    return found.size
  }
}

function natOf(dht: HyperDHT): Nat {
  if (!dht.firewalled) return 'open'
  if (dht.host === null) return 'unknown'
  return dht.randomized ? 'random' : 'consistent'
}

function isThere(dht: HyperDHT, node: Address, signal: AbortSignal): Promise<boolean> {
  return succeeds(orAborted(dht.ping(node), signal))
}
