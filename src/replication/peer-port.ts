/** What replication asks of the part that connects peers. Peers are named by their public keys, 32 bytes. */
export interface PeerPort {
  /** Looks a topic up once more, now. */
  refresh(topic: Uint8Array): void
  /**
   * Counts a provable misdeed; the third bans the peer for a while.
   * @param hangUp also end the connection before that: there is nothing more to wait for from it.
   */
  strike(peer: Uint8Array, what: string, options: { readonly hangUp: boolean }): void
  /** Ends the connection to a peer; no new one is accepted for the life of this process. */
  ban(peer: Uint8Array): void
  /** Ends all connections; those to peers that are still wanted come back within seconds. */
  reconnect(): void
}
