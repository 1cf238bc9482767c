import Hyperswarm, { type Connection } from 'hyperswarm'
import { resolveDuplicate, isOverTcp } from '../connections/duplicates.ts'

/**
 * A swarm that leaves it to us what to do when the network changes. Of itself it looks all its topics up
 * at once; with a thousand of them nothing else gets through for a minute.
 */
export class PatchedHyperswarm extends Hyperswarm {
  readonly #takenAt = new WeakMap<Connection, number>()
  /** Connections whose end another one waits for. */
  readonly #waitedFor = new WeakSet<Connection>()

  /** Called by the package. */
  async _handleNetworkChange(): Promise<void> {}

  /** Called by the package. */
  async _handleNetworkUpdate(): Promise<void> {}

  /** Called by the package for each connection that a peer opened, and by us for those over TCP. */
  override _handleServerConnection(connection: Connection): void {
    const present = this._allConnections.get(connection.remotePublicKey)
    if (present?.destroying === true) {
      this._handleServerConnectionSwap(present, connection)
      return
    }
    switch (present === undefined ? 'stack' : this.#decide(present, connection)) {
      case 'stack': {
        this.#takenAt.set(connection, performance.now())
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
    // Who lost it answers with a reset.
    present.sendKeepAlive()
    this._handleServerConnectionSwap(present, coming)
  }

  #decide(present: Connection, coming: Connection) {
    const ageMs = performance.now() - (this.#takenAt.get(present) ?? -Infinity)
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
