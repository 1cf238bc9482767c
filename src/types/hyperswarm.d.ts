declare module 'hyperswarm' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex } from 'node:stream'
  import type HyperDHT from 'hyperdht'
  import type { Address, HyperDHTOptions } from 'hyperdht'
  import type { AnyKeyPair, KeyPair } from 'hypercore-crypto'

  /** Missing or undefined over anything but UDP. */
  export interface RawStream extends Duplex {
    readonly remoteHost?: string
    readonly remotePort?: number
    readonly remoteFamily?: number
    readonly rtt?: number
    readonly bytesReceived?: number
    readonly bytesTransmitted?: number
  }

  /** Encrypted stream. A streamx Duplex: near a Node one, but without `closed`, `errored` and the like. */
  export interface Connection extends Duplex {
    /** Authenticated. Null before the handshake, never null in a 'connection' event. */
    readonly remotePublicKey: Buffer
    readonly publicKey: Buffer
    readonly handshakeHash: Buffer
    readonly isInitiator: boolean
    readonly rawStream: RawStream
    readonly noiseStream: Connection
    /** False when it failed; never rejects. */
    readonly opened: Promise<boolean>
    readonly connected: boolean
    readonly destroying: boolean
    readonly rawBytesRead: number
    readonly rawBytesWritten: number
    /** Taken by the Protomux instance once there is one. */
    userData: unknown
    /** Milliseconds of silence after which it is destroyed; 0 turns it off. */
    setTimeout(timeoutMs: number): void
    setKeepAlive(intervalMs: number): void
    sendKeepAlive(): void
    flush(): Promise<boolean>
  }

  export interface PeerInfo extends EventEmitter {
    readonly publicKey: Buffer
    /** Empty on a connection the peer opened: only lookups fill it. */
    readonly topics: Buffer[]
    readonly banned: boolean
    readonly proven: boolean
    readonly explicit: boolean
    readonly client: boolean
    readonly server: boolean
    readonly attempts: number
    readonly prioritized: boolean
    /** In memory only, emits no 'ban', and leaves the open connection as it is. */
    ban(banned: boolean): void
    reconnect(reconnect: boolean): void
  }

  export interface JoinOptions {
    server?: boolean
    client?: boolean
    limit?: number
  }

  /** One `join`. The topic is left when its last session is destroyed. */
  export interface PeerDiscoverySession {
    readonly topic: Buffer
    readonly isClient: boolean
    readonly isServer: boolean
    readonly destroyed: boolean
    /** The query is done; says nothing of connections, and waits out an unreachable network. */
    flushed(): Promise<boolean>
    /** Rejects with neither client nor server; false when the query failed. */
    refresh(options?: JoinOptions): Promise<boolean | undefined>
    destroy(): Promise<void>
  }

  /** A topic's discovery, shared by its sessions. */
  export interface PeerDiscovery {
    readonly topic: Buffer
    readonly isClient: boolean
    readonly isServer: boolean
    readonly destroyed: boolean
    readonly suspended: boolean
    flushed(): Promise<boolean>
    refresh(): Promise<boolean | undefined>
  }

  export interface HyperswarmOptions {
    /** There is no `host` option: to bind elsewhere than 0.0.0.0 pass a DHT. */
    dht?: HyperDHT
    bootstrap?: NonNullable<HyperDHTOptions['bootstrap']>
    port?: number
    keyPair?: AnyKeyPair
    seed?: Uint8Array
    /** 64 unless given; limits only the connections we open. */
    maxPeers?: number
    maxClientConnections?: number
    /** Stored but not enforced: use `firewall`. */
    maxServerConnections?: number
    maxParallel?: number
    /** True REJECTS, and bans. Also asked for outgoing connections, then with a null payload. */
    firewall?: (remotePublicKey: Buffer, payload: unknown) => boolean
    backoffs?: readonly number[]
    jitter?: number
  }

  export interface HyperswarmEvents {
    connection: [connection: Connection, peer: PeerInfo]
    update: []
    ban: [peer: PeerInfo, error: Error]
  }

  class Hyperswarm extends EventEmitter<HyperswarmEvents> {
    constructor(options?: HyperswarmOptions)

    readonly keyPair: KeyPair
    readonly dht: HyperDHT
    /** Open connections only. */
    readonly connections: ReadonlySet<Connection>
    readonly connecting: number
    /** By public key in hex. */
    readonly peers: ReadonlyMap<string, PeerInfo>
    readonly explicitPeers: ReadonlySet<PeerInfo>
    readonly listening: Promise<void> | null
    readonly destroyed: boolean
    readonly suspended: boolean
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
    status(topic: Uint8Array): PeerDiscovery | null
    topics(): IterableIterator<PeerDiscovery>
    listen(): Promise<void>
    /** True does not mean online; waits seconds for dead announcers. False when the swarm was destroyed. */
    flush(): Promise<boolean>
    clear(): Promise<unknown>
    suspend(): Promise<void>
    resume(): Promise<void>
    /** Destroys the DHT too, also one that was passed in. Slow with many topics; `force` skips unannouncing. */
    destroy(options?: { force?: boolean }): Promise<void>
  }

  export default Hyperswarm
}
