declare module 'hyperswarm' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex } from 'node:stream'
  import type HyperDHT from 'hyperdht'
  import type { Address, HyperDHTOptions } from 'hyperdht'
  import type { AnyKeyPair, KeyPair } from 'hypercore-crypto'

  /** Missing or undefined over anything but UDP. */
  export interface RawStream extends Duplex {
    readonly bytesReceived?: number
  }

  /** Encrypted stream. A streamx Duplex: near a Node one, but without `closed`, `errored` and the like. */
  export interface Connection extends Duplex {
    /** Authenticated. Null before the handshake, never null in a 'connection' event. */
    readonly remotePublicKey: Buffer
    readonly publicKey: Buffer
    readonly handshakeHash: Buffer
    readonly isInitiator: boolean
    readonly rawStream: RawStream
    /** False when it failed; never rejects. */
    readonly opened: Promise<boolean>
    readonly destroying: boolean
    readonly rawBytesRead: number
    readonly rawBytesWritten: number
    setKeepAlive(intervalMs: number): void
    /** Destroys it when nothing has come for so long. */
    setTimeout(ms: number): void
    sendKeepAlive(): void
    flush(): Promise<boolean>
  }

  export interface PeerInfo extends EventEmitter {
    /** Empty on a connection the peer opened: only lookups fill it. */
    readonly topics: Buffer[]
    readonly banned: boolean
    /** In memory only, emits no 'ban', and leaves the open connection as it is. */
    ban(banned: boolean): void
  }

  export interface JoinOptions {
    server?: boolean
    client?: boolean
  }

  /** One `join`. The topic is left when its last session is destroyed. */
  export interface PeerDiscoverySession {
    readonly isServer: boolean
    readonly destroyed: boolean
    /** The query is done; says nothing of connections, and waits out an unreachable network. */
    flushed(): Promise<boolean>
    /** Rejects with neither client nor server; false when the query failed. */
    refresh(options?: JoinOptions): Promise<boolean | undefined>
    destroy(): Promise<void>
  }

  export interface HyperswarmOptions {
    /** There is no `host` option: to bind elsewhere than 0.0.0.0 pass a DHT. */
    dht?: HyperDHT
    keyPair?: AnyKeyPair
    /** 64 unless given; limits only the connections we open. */
    maxPeers?: number
    maxParallel?: number
    /** True REJECTS, and bans. Also asked for outgoing connections, then with a null payload. */
    firewall?: (remotePublicKey: Buffer, payload: unknown) => boolean
  }

  export interface HyperswarmEvents {
    connection: [connection: Connection, peer: PeerInfo]
  }

  class Hyperswarm extends EventEmitter<HyperswarmEvents> {
    constructor(options?: HyperswarmOptions)

    readonly keyPair: KeyPair
    readonly dht: HyperDHT
    /** Open connections only. */
    readonly connections: ReadonlySet<Connection>
    /** By public key in hex. */
    readonly peers: ReadonlyMap<string, PeerInfo>
    readonly destroyed: boolean
    maxPeers: number

    /** Server and client unless told otherwise. */
    join(topic: Uint8Array, options?: JoinOptions): PeerDiscoverySession
    /** Ends all sessions of the topic; never rejects for a network failure. */
    leave(topic: Uint8Array): Promise<void>
    joinPeer(publicKey: Uint8Array): void
    /** What a look-up calls for each peer that it found. Not meant for others, and the only way to name an address. */
    _handlePeer(
      peer: { publicKey: Buffer; relayAddresses: readonly Address[] },
      topic: Buffer,
    ): void
    /** The connection to each peer, also one that is not open yet. Not meant for others, as what follows. */
    readonly _allConnections: { get(publicKey: Uint8Array): Connection | undefined }
    /** What the DHT calls for each connection that a peer opened. */
    _handleServerConnection(connection: Connection): void
    /** Hands a connection to the above when the present one is closed, unless it closes itself before. */
    _handleServerConnectionSwap(present: Connection, coming: Connection): void
    /** Whether a peer is turned away, as `firewall` says; also this device itself. */
    _handleFirewall(publicKey: Buffer, payload: null): boolean
    /** Keeps the open connection. */
    leavePeer(publicKey: Uint8Array): void
    listen(): Promise<void>
    /** True does not mean online; waits seconds for dead announcers. False when the swarm was destroyed. */
    flush(): Promise<boolean>
    /** Destroys the DHT too, also one that was passed in. Slow with many topics; `force` skips unannouncing. */
    destroy(options?: { force?: boolean }): Promise<void>
  }

  export default Hyperswarm
}

declare module '@hyperswarm/secret-stream' {
  import type { Duplex } from 'node:stream'
  import type { Duplex as StreamxDuplex } from 'streamx'
  import type { AnyKeyPair } from 'hypercore-crypto'
  import type { Connection } from 'hyperswarm'

  export interface SecretStreamOptions {
    keyPair: AnyKeyPair
    /** Of Noise. XX when absent: it shows the key of who is called to everybody who calls. */
    pattern?: 'XX' | 'IK'
    /** Public key of the responder, which IK needs. */
    remotePublicKey?: Uint8Array
    /** Milliseconds of silence after which an empty message is sent; those of the other side are then swallowed. */
    keepAlive?: number
  }

  /** Begins the handshake at once. It believes any length that a frame says of itself, up to 16 MiB. */
  const SecretStream: new (
    isInitiator: boolean,
    rawStream: Duplex | StreamxDuplex,
    options: SecretStreamOptions,
  ) => Connection
  export default SecretStream
}

declare module 'hyperdht' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex } from 'node:stream'
  import type { AnyKeyPair, KeyPair } from 'hypercore-crypto'

  export interface Address {
    host: string
    port: number
  }

  export interface HyperDHTOptions {
    /** "host:port" or addresses. `[]` means none; `false` and undefined mean the public nodes. */
    bootstrap?: readonly (string | Address)[]
    nodes?: readonly Address[]
    /** Address to bind, 0.0.0.0 unless given. */
    host?: string
    /** 0 and undefined both mean 49737; another is taken when it is in use, unless `anyPort` is false. */
    port?: number
    anyPort?: boolean
    keyPair?: AnyKeyPair
    /** Left out, the node decides for itself after some 20 minutes. */
    ephemeral?: boolean
    firewalled?: boolean
  }

  /** One walk to the nodes nearest to a target; a streamx Readable of what they answer. */
  export interface Query extends EventEmitter<QueryEvents> {
    /** Nodes that answered. */
    readonly successes: number
    /** The nearest of them, nearest first. */
    readonly closestNodes: readonly Address[]
    /** Ends it early; `finished` then rejects. */
    destroy(): void
    /** Resolves when it is done; an announcement is then known to nodes near the topic. */
    finished(): Promise<void>
  }

  export interface QueryEvents {
    /** For `announce` and `lookup`: what one node answered. */
    data: [reply: { readonly peers: readonly { readonly publicKey: Buffer }[] }]
    close: []
    error: [error: Error]
  }

  export interface QueryOptions {
    /** Where to begin, nearest first. */
    closestNodes?: readonly Address[] | null
    /** Removes older announcements of the same key on the way. */
    clear?: boolean
  }

  export interface HyperDHTEvents {
    ready: []
    'network-change': [interfaces: unknown]
    close: []
  }

  class HyperDHT extends EventEmitter<HyperDHTEvents> {
    constructor(options?: HyperDHTOptions)

    static keyPair(seed?: Uint8Array): KeyPair
    static hash(data: Uint8Array): Buffer

    readonly defaultKeyPair: KeyPair
    /** Null for an ephemeral node. */
    readonly id: Buffer | null
    /** Our address as others see it: null and 0 until enough of them have said so. */
    readonly host: string | null
    readonly port: number
    readonly randomized: boolean
    readonly firewalled: boolean
    readonly destroyed: boolean

    /** Resolves, too, when no bootstrap node answers. */
    fullyBootstrapped(): Promise<void>
    /** The same as `fullyBootstrapped`; deprecated. */
    ready(): Promise<void>
    /** Null until bound. */
    address(): { host: string; family: number; port: number } | null
    localAddress(): Address | null
    /** Puts the key pair's address under a topic, at the 20 nodes nearest to it; yields who is there already. */
    announce(
      topic: Uint8Array,
      keyPair: AnyKeyPair,
      relayAddresses?: readonly Address[],
      options?: QueryOptions,
    ): Query
    lookup(topic: Uint8Array, options?: QueryOptions): Query
    unannounce(topic: Uint8Array, keyPair: AnyKeyPair, options?: QueryOptions): Promise<void>
    /** Where it began; the host of one may be a name. */
    readonly bootstrapNodes: readonly Address[]
    /** Rejects if nobody answers, some seconds later. */
    ping(node: Address): Promise<unknown>
    /** Known nodes, to pass as `nodes` next time. */
    toArray(options?: { limit?: number }): Address[]
    /** Nodes keep the value for 48 hours; one with a higher `seq` replaces it. Rejects where too few nodes answer. */
    mutablePut(
      keyPair: { publicKey: Uint8Array; secretKey: Uint8Array },
      value: Uint8Array,
      options?: { seq?: number },
    ): Promise<{ closestNodes: readonly Address[] }>
    /** The value with the highest `seq` that the key signed. With `refresh` it is put again, as it is. */
    mutableGet(
      publicKey: Uint8Array,
      options?: { refresh?: () => boolean },
    ): Promise<{ seq: number; value: Buffer } | null>
    /** Dials a peer. The stream is open after the handshake; without an `error` listener a failure ends the process. */
    connect(key: Uint8Array, options?: object): Duplex
    /** Answers who connects to the key; `announce` or its own look-up leads there. */
    createServer(): { listen(keyPair?: AnyKeyPair): Promise<void> }
    readonly stats: { readonly requests: { readonly responses: number; readonly timeouts: number } }
    /** `force` skips closing the servers, and so unannouncing. */
    destroy(options?: { force?: boolean }): Promise<void>
  }

  export default HyperDHT
}

declare module 'hyperdht/testnet.js' {
  import type HyperDHT from 'hyperdht'
  import type { Address, HyperDHTOptions } from 'hyperdht'

  export interface Testnet extends Iterable<HyperDHT> {
    readonly bootstrap: Address[]
    readonly nodes: HyperDHT[]
    /** On 127.0.0.1 and ephemeral unless told otherwise; destroyed with the testnet. */
    createNode(options?: HyperDHTOptions): HyperDHT
    destroy(): Promise<void>
  }

  /** 10 nodes unless given; a host other than 127.0.0.1 makes them bind 0.0.0.0. */
  function createTestnet(
    size?: number,
    options?: {
      bootstrap?: readonly Address[]
    },
  ): Promise<Testnet>
  export default createTestnet
}
