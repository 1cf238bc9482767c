import Hyperswarm from 'hyperswarm'

/**
 * A swarm that leaves it to us what to do when the network changes. Of itself it looks all its topics up
 * at once; with a thousand of them nothing else gets through for a minute.
 */
export class CalmSwarm extends Hyperswarm {
  /** Called by the package. */
  async _handleNetworkChange(): Promise<void> {}

  /** Called by the package. */
  async _handleNetworkUpdate(): Promise<void> {}
}
