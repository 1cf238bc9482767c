import type Hyperswarm from 'hyperswarm'
import type { Bans } from './bans.ts'

/** How often it is looked whose ban is over. */
const UNBAN_EVERY_MS = 60_000

export interface PeerBlocklistOptions {
  readonly swarm: Hyperswarm
  readonly bans: Bans
}

/** Peers, by their keys in hex, that are not talked to: banned for what they did, or with another history of a log. */
export class PeerBlocklist {
  readonly #swarm: Hyperswarm
  readonly #bans: Bans
  readonly #shunned = new Set<string>()
  readonly #timer: NodeJS.Timeout

  constructor({ swarm, bans }: PeerBlocklistOptions) {
    this.#swarm = swarm
    this.#bans = bans
    this.#timer = setInterval(() => this.#unban(), UNBAN_EVERY_MS)
    this.#timer.unref()
  }

  has(peer: string): boolean {
    return this.#shunned.has(peer) || this.#bans.isBanned(peer)
  }

  /** Of this peer nothing is accepted for the life of this process. */
  add(peer: string): void {
    this.#shunned.add(peer)
    this.refuse(peer)
  }

  /** Has the swarm dial a peer no more, until its ban is over. */
  refuse(peer: string): void {
    this.#swarm.peers.get(peer)?.ban(true)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  // The swarm remembers for ever whom the firewall turned away.
  #unban(): void {
    for (const [peer, info] of this.#swarm.peers) {
      if (info.banned && !this.has(peer)) info.ban(false)
    }
  }
}
