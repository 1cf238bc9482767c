import { Socket } from 'node:net'
import Hyperswarm, { type Connection } from 'hyperswarm'
import { withinMs } from '../async.ts'
import type { Logger } from '../logger.ts'

/** One of two connections to the same peer. */
export interface Rival {
  readonly isTcp: boolean
  /** Whether this device dialed. */
  readonly isInitiator: boolean
}

/**
 * What becomes of a second connection to a peer: it replaces the first, is refused, waits for a sign of life on the
 * first, or the stack decides.
 */
type Verdict = 'replace' | 'refuse' | 'wait' | 'stack'

/** Two peers that dial each other at the same moment are through by then. */
const SAME_MOMENT_MS = 3_000

/** How long leaving the network may take before it is forced; unannouncing 1,000 topics takes 28 s. */
const LEAVE_DEADLINE_MS = 2_500

/** How long tearing everything down may take. */
const FORCED_LEAVE_MS = 1_000

/** Whether a connection runs over TCP, in the local network. */
export function isOverTcp({ rawStream }: Pick<Connection, 'rawStream'>): boolean {
  return rawStream instanceof Socket
}

/**
 * Decides between two connections to one peer so that both sides keep the same one. TCP goes before UDX. No
 * peer dials over a path that it is connected by, so one that does has lost its connection, unless both dialed at the
 * same moment: then the dial of the greater key counts.
 * @param ageMs of the present one.
 */
export function resolveDuplicate(
  present: Rival & { readonly ageMs: number },
  coming: Rival,
  hasGreaterKey: boolean,
): Verdict {
  if (!present.isTcp && !coming.isTcp) return 'stack'
  if (!present.isTcp) return 'replace'
  if (!coming.isTcp) return 'wait'
  const isLost = present.isInitiator === coming.isInitiator || present.ageMs > SAME_MOMENT_MS
  if (isLost) return coming.isInitiator ? 'refuse' : 'replace'
  return coming.isInitiator === hasGreaterKey ? 'replace' : 'refuse'
}

/**
 * A swarm that leaves it to us what to do when the network changes, and which of two connections to keep. By
 * default it looks up all its topics at once; with a thousand of them nothing else gets through for a minute.
 */
export class PatchedHyperswarm extends Hyperswarm {
  readonly #acceptedAt = new WeakMap<Connection, number>()
  /** Connections whose end another one waits for. */
  readonly #waitedFor = new WeakSet<Connection>()

  /** Called by the package. */
  async _handleNetworkChange(): Promise<void> {}

  /** Called by the package. */
  async _handleNetworkUpdate(): Promise<void> {}

  /** Leaves all topics and the DHT after what runs beside it: cleanly if that is quick, else by force. */
  async goOffline(beside: { readonly close: () => Promise<void> }, logger: Logger): Promise<void> {
    const goDown = async () => {
      await beside.close()
      await this.destroy()
    }
    const left = goDown().catch((error: unknown) => {
      logger.debug({ err: String(error) }, 'leaving the network failed')
    })
    if (await withinMs(LEAVE_DEADLINE_MS, left)) return
    // Not the swarm by force: that waits for an announcement which may never get through.
    await withinMs(FORCED_LEAVE_MS, this.dht.destroy({ force: true }))
  }

  /** Called by the package for each connection that a peer opened, and by us for those over TCP. */
  override _handleServerConnection(connection: Connection): void {
    const present = this._allConnections.get(connection.remotePublicKey)
    if (present?.destroying === true) {
      this._handleServerConnectionSwap(present, connection)
      return
    }
    switch (present === undefined ? 'stack' : this.#decide(present, connection)) {
      case 'stack': {
        this.#acceptedAt.set(connection, performance.now())
        super._handleServerConnection(connection)
        return
      }
      case 'replace': {
        // Nothing is lost: what was asked for on it is asked for again on the other one.
        end(present)
        if (present !== undefined) this._handleServerConnectionSwap(present, connection)
        return
      }
      case 'wait': {
        if (present !== undefined) this.#wait(present, connection)
        return
      }
      case 'refuse':
        end(connection)
    }
  }

  // A peer that has the present one too ends its own call. One that lost it sends nothing on it any more.
  #wait(present: Connection, coming: Connection): void {
    const refuse = () => end(coming)
    if (this.#waitedFor.has(present)) {
      refuse()
      return
    }
    this.#waitedFor.add(present)
    present.rawStream.once('data', refuse)
    coming.once('close', () => {
      this.#waitedFor.delete(present)
      present.rawStream.off('data', refuse)
    })
    // A peer that lost it answers with a reset.
    present.sendKeepAlive()
    this._handleServerConnectionSwap(present, coming)
  }

  #decide(present: Connection, coming: Connection) {
    const ageMs = performance.now() - (this.#acceptedAt.get(present) ?? -Infinity)
    return resolveDuplicate(
      { isTcp: isOverTcp(present), isInitiator: present.isInitiator, ageMs },
      { isTcp: isOverTcp(coming), isInitiator: coming.isInitiator },
      Buffer.compare(coming.publicKey, coming.remotePublicKey) > 0,
    )
  }
}

function end(connection: Connection | undefined): void {
  connection?.on('error', () => undefined)
  connection?.destroy(new Error('Duplicate connection'))
}

export function turnAway(connection: Connection): void {
  connection.on('error', () => undefined)
  connection.destroy()
}
