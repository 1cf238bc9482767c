import type Hyperswarm from 'hyperswarm'
import type { PeerDiscoverySession } from 'hyperswarm'
import type { Logger } from '../../logger.ts'
import { hex } from '../../hex.ts'
import { withinMs } from '../../within.ts'

/** How long leaving one topic may take; with no DHT in reach the stack takes 5 s. */
const LEAVE_TOPIC_MS = 1_000

/** The topics that a swarm announces and looks up. */
export class Topics {
  readonly #swarm: Hyperswarm
  readonly #logger: Logger
  readonly #sessions = new Map<string, PeerDiscoverySession>()
  #isListening = false

  constructor(swarm: Hyperswarm, logger: Logger) {
    this.#swarm = swarm
    this.#logger = logger
  }

  /** Announces and looks up a topic until `leave`. Does not wait. */
  join(topic: Uint8Array): void {
    const session = this.#sessions.get(hex(topic)) ?? this.#open(topic, this.#isListening)
    if (!session.isServer) void this.#announce(session)
  }

  /** Looks up a topic until `leave`, and does not announce it before `join`. */
  lookUp(topic: Uint8Array): void {
    if (!this.#sessions.has(hex(topic))) this.#open(topic, false)
  }

  /** Looks the topic up once more, and announces it, now. */
  refresh(topic: Uint8Array): void {
    const session = this.#sessions.get(hex(topic))
    if (session !== undefined) void this.#refresh(session)
  }

  /** Unannounces a topic; if that takes long, it goes on by itself. */
  async leave(topic: Uint8Array): Promise<void> {
    if (!this.#sessions.delete(hex(topic))) return
    await withinMs(LEAVE_TOPIC_MS, this.#swarm.leave(topic))
  }

  #open(topic: Uint8Array, server: boolean): PeerDiscoverySession {
    const session = this.#swarm.join(topic, { server, client: true })
    this.#sessions.set(hex(topic), session)
    return session
  }

  // Before it announces anything the stack makes this node known, which takes some round trips; looking up can do without.
  async #announce(session: PeerDiscoverySession): Promise<void> {
    try {
      await this.#swarm.listen()
      this.#isListening = true
    } catch (error) {
      this.#logger.debug({ err: String(error) }, 'not known in the DHT yet')
    }
    await this.#refresh(session)
  }

  // Also where that fails now, the stack announces it with its next round.
  async #refresh(session: PeerDiscoverySession): Promise<void> {
    try {
      await session.refresh({ server: true, client: true })
    } catch (error) {
      this.#logger.debug({ err: String(error) }, 'look-up failed')
    }
  }
}
