declare module 'hyperdht' {
  import type { EventEmitter } from 'node:events'
  import type { AnyKeyPair, KeyPair } from 'hypercore-crypto'
  import type { Connection, RawStream } from 'hyperswarm'

  export interface Address {
    host: string
    port: number
  }

  export interface HyperDHTOptions {
    /** "host:port" or addresses. `[]` means none; `false` and undefined mean the public nodes. */
    bootstrap?: readonly (string | Address)[]
    /** Address to bind, 0.0.0.0 unless given. */
    host?: string
    /** 0 and undefined both mean 49737; another is taken when it is in use, unless `anyPort` is false. */
    port?: number
    anyPort?: boolean
    /** Left out, the node decides for itself after some 20 minutes. */
    ephemeral?: boolean
    firewalled?: boolean
    /** False: it is not tested at the start whether a firewall stands before the node. */
    quickFirewall?: boolean
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

  export interface ConnectOptions {
    keyPair?: AnyKeyPair
    /** Public key of a blind relay. */
    relayThrough?: Uint8Array | null
    /** False refuses the way over the local network. */
    localConnection?: boolean
    /** False refuses to punch a hole. */
    holepunch?: () => boolean
    createHandshake?: (keyPair: AnyKeyPair, remotePublicKey: Buffer | null) => object
  }

  export interface Server extends EventEmitter<{ connection: [connection: Connection] }> {
    listen(keyPair?: AnyKeyPair): Promise<void>
    close(): Promise<void>
  }

  class HyperDHT extends EventEmitter<HyperDHTEvents> {
    constructor(options?: HyperDHTOptions)

    static keyPair(seed?: Uint8Array): KeyPair
    static hash(data: Uint8Array): Buffer

    readonly defaultKeyPair: KeyPair
    /** Our address as others see it: null and 0 until enough of them have said so. */
    readonly host: string | null
    readonly port: number
    readonly randomized: boolean
    readonly firewalled: boolean

    /** Resolves, too, when no bootstrap node answers. */
    fullyBootstrapped(): Promise<void>
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
    /**
     * Dials a peer. The stream is open after the handshake; without an `error` listener a failure ends the process.
     * A dial through a relay, or of a peer that names one, calls this again for the relay, without options.
     */
    connect(key: Uint8Array, options?: ConnectOptions): Connection
    /** Answers who connects to the key; `announce` or its own look-up leads there. */
    createServer(
      options?: {
        /** True rejects. */
        firewall?: (remotePublicKey: Buffer) => boolean
        shareLocalAddress?: boolean
        createHandshake?: ConnectOptions['createHandshake']
      },
      onconnection?: (connection: Connection) => void,
    ): Server
    /** A UDX stream that is not connected. @param options.firewall true rejects what comes from another address */
    createRawStream(options: {
      framed?: boolean
      firewall: (socket: unknown, port: number, host: string) => boolean
    }): RawStream
    /** Nodes that can reach a peer. */
    findPeer(
      publicKey: Uint8Array,
      options?: { nodes?: readonly Address[] | null; retries?: number },
    ): AsyncIterable<{ readonly from: Address }> & { destroy(): void }
    /** Not meant for others: passes the first message of a Noise handshake to a peer, by way of a node. */
    readonly _router: {
      peerHandshake(
        target: Uint8Array,
        handshake: { noise: Uint8Array; peerAddress?: Address },
        node: Address,
      ): Promise<{ readonly noise: Uint8Array }>
    }
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

declare module 'hyperdht/lib/noise-wrap.js' {
  import type { AnyKeyPair } from 'hypercore-crypto'

  /** The two messages of a Noise handshake, with a payload in each. */
  class NoiseWrap {
    /** @param remotePublicKey null for who is called. */
    constructor(keyPair: AnyKeyPair, remotePublicKey: Buffer | null)
    send(payload: object): Uint8Array
    recv(message: Uint8Array): object
  }
  export default NoiseWrap
}

declare module 'blind-relay' {
  import type { EventEmitter } from 'node:events'
  import type { Connection, RawStream } from 'hyperswarm'

  /** The channel of one device that asks to be paired. */
  export interface Session extends EventEmitter<{
    pair: [isInitiator: boolean, token: Buffer, stream: RawStream, remoteId: number]
    error: [error: Error]
    close: []
  }> {
    /** Not meant for others: the message that asks for a pair. */
    readonly _pair: { onmessage: (message: { readonly token: Buffer }) => void }
  }

  /** Asks a relay to be paired. */
  export class Client {
    static from(connection: Connection, options: { id: Uint8Array }): Client
    on(event: 'error', listener: (error: Error) => void): this
    /** Gives the id of the other side's stream. */
    pair(isInitiator: boolean, token: Uint8Array, stream: RawStream): EventEmitter
  }

  /** Pairs devices that name the same token, and passes on packets between them, which it cannot read. */
  export class Server {
    constructor(options: {
      createStream: (options: {
        firewall: (socket: unknown, port: number, host: string) => boolean
      }) => RawStream
    })
    accept(connection: Connection, options: { id: Uint8Array }): Session
  }
}
