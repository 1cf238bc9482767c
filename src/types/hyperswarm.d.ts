declare module 'hyperswarm' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex } from 'node:stream'
  import type HyperDHT from 'hyperdht'
  import type { Address, HyperDHTOptions } from 'hyperdht'
  import type { AnyKeyPair, KeyPair } from 'hypercore-crypto'

  /** Missing or undefined over anything but UDP. */
  export interface RawStream extends Duplex {
    readonly bytesReceived?: number
    /** Where packets go now: of a relayed connection, the relay. */
    readonly remoteHost?: string | null
    readonly remotePort?: number
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
    /** Dials that failed since the last success; more than three are not followed by another. */
    attempts: number
  }

  export interface JoinOptions {
    server?: boolean
    client?: boolean
  }

  /** One `join`. The topic is left when its last session is destroyed. */
  export interface PeerDiscoverySession {
    readonly isServer: boolean
    /** The query is done; says nothing of connections, and waits out an unreachable network. */
    flushed(): Promise<boolean>
    /** Rejects with neither client nor server; false when the query failed. */
    refresh(options?: JoinOptions): Promise<boolean | undefined>
  }

  export interface HyperswarmOptions {
    /** There is no `host` option: to bind elsewhere than 0.0.0.0 pass a DHT. */
    dht?: HyperDHT
    keyPair?: AnyKeyPair
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
    /** Dials peers now whose time to be dialed again had not come. */
    _requeue(peers: readonly PeerInfo[]): void
    /** Whether a peer is turned away, as `firewall` says; also this device itself. */
    _handleFirewall(publicKey: Buffer, payload: null): boolean
    /** Keeps the open connection. */
    leavePeer(publicKey: Uint8Array): void
    listen(): Promise<void>
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
    rawStream: Duplex | StreamxDuplex | null,
    options: SecretStreamOptions,
  ) => Connection
  export default SecretStream
}
