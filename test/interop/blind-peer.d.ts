declare module 'blind-peer' {
  import type Corestore from 'corestore'
  import type Hyperswarm from 'hyperswarm'

  /** Only what the tests use. */
  class BlindPeer {
    /** Closes what it opened itself: not a swarm that was given. */
    constructor(folder: string, options: { swarm: Hyperswarm; trustedPubKeys: Uint8Array[] })
    readonly publicKey: Buffer
    readonly store: Corestore
    listen(): Promise<void>
    close(): Promise<void>
  }
  export default BlindPeer
}

declare module 'blind-peering' {
  import type Corestore from 'corestore'
  import type Hypercore from 'hypercore'
  import type HyperDHT from 'hyperdht'

  /** Only what the tests use. */
  class BlindPeering {
    constructor(dht: HyperDHT, store: Corestore, options: { keys: Uint8Array[] })
    /** Resolves when connected, not when the core is held. */
    addCore(core: Hypercore, options: { announce: boolean }): Promise<void>
    close(): Promise<void>
  }
  export default BlindPeering
}
