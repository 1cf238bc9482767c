declare module 'hypercore' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex } from 'node:stream'
  import type { AnyKeyPair, TreeNode } from 'hypercore-crypto'
  import type { Connection } from 'hyperswarm'
  import type Protomux from 'protomux'

  /** What a core key is the hash of. */
  export interface Manifest {
    version: number
    hash: 'blake2b'
    allowPatch: boolean
    quorum: number
    signers: { signature: 'ed25519'; namespace: Buffer; publicKey: Buffer }[]
    prologue: { hash: Buffer; length: number } | null
    linked: Buffer[] | null
    userData: Buffer | null
  }

  export interface ManifestInput {
    /** 1 unless given; `linked` and `userData` need 2. */
    version?: number
    signers?: { publicKey: Uint8Array; namespace?: Uint8Array; signature?: 'ed25519' }[]
  }

  export interface SessionOptions {
    active?: boolean
    /** Does not keep the core open, and is not active unless it says so. Its own sessions are weak, too. */
    weak?: boolean
    /** Encryption of the parent session wins over this one. */
    encryption?: { key: Uint8Array } | null
  }

  /** Of RocksDB; its own defaults when absent. */
  export interface StorageOptions {
    /** Bytes that are collected in memory and in the write-ahead log before they become a file: 64 MiB. */
    writeBufferSize?: number
    /** Share of the files of blocks, oldest first, that compaction copies on its own: 0.25. */
    blobGarbageCollectionAgeCutOff?: number
    /** Takes no lock, and sees the store as it is when it opens. */
    readOnly?: boolean
  }

  /** Pending requests, filled by the core; cancel them with `Hypercore.destroyRequests`. */
  export type ActiveRequests = unknown[]

  export interface GetOptions {
    wait?: boolean
    /** Milliseconds; rejects with REQUEST_TIMEOUT. */
    timeout?: number
    /** Gives the stored bytes: still encrypted, with the padding. */
    raw?: boolean
  }

  export interface DownloadRange {
    start?: number
    /** Exclusive; -1, the default, follows the core for ever. */
    end?: number
  }

  export interface Download {
    /** Also resolves when the session closes or the range is cancelled: check `has` after it. */
    done(): Promise<boolean>
    destroy(): void
  }

  export interface PeerStats {
    wireRequest: { tx: number; rx: number }
  }

  export interface Peer {
    readonly remotePublicKey: Buffer
    /** 0 until the peer has synced: see `remoteSynced`. */
    readonly remoteLength: number
    readonly remoteFork: number
    /** Length of the peer's unbroken prefix of blocks. */
    readonly remoteContiguousLength: number
    readonly _remoteContiguousLength: number
    readonly remoteOpened: boolean
    readonly remoteSynced: boolean
    readonly remoteDownloading: boolean
    /** Lacks what the peer told as its unbroken prefix: ask `remoteContiguousLength` as well. */
    readonly remoteBitfield: { get(index: number): boolean }
    readonly stream: Connection
    readonly protomux: Protomux
    readonly stats: PeerStats
    readonly removed: boolean
  }

  /** `nodes` is how many tree levels the receiver lacks: its own `missingNodes(index)`. */
  export interface ProofRequest {
    block?: { index: number; nodes: number }
    hash?: { index: number; nodes: number }
    upgrade?: { start: number; length: number }
  }

  export interface Proof {
    fork: number
    block: { index: number; value: Buffer | null; nodes: TreeNode[] } | null
    hash: { index: number; nodes: TreeNode[] } | null
    seek: { bytes: number; nodes: TreeNode[] } | null
    upgrade: {
      start: number
      length: number
      nodes: TreeNode[]
      additionalNodes: TreeNode[]
      signature: Buffer
    } | null
    /** Null from `proof()`; the first proof for an empty core needs it set to the core's manifest. */
    manifest: Manifest | null
  }

  /** The tree a proof leads to, not stored. */
  export interface VerifiedTree {}

  export interface HypercoreEvents {
    ready: []
    close: []
    append: []
    truncate: [length: number, fork: number]
    /** Two signed histories: all sessions of the core close, on both sides. */
    conflict: [length: number, fork: number, proof: Proof]
    /** A peer sent a bad block; it is neither dropped nor banned. */
    'verification-error': [error: Error, request: unknown, response: unknown, peer: Peer]
    'invalid-request': [error: Error, request: unknown, peer: Peer]
    /** Bytes without the encryption padding; repeats are counted too. */
    upload: [index: number, sizeBytes: number, peer: Peer]
    download: [index: number, sizeBytes: number, peer: Peer, request: unknown]
    'peer-add': [peer: Peer]
    'peer-remove': [peer: Peer]
  }

  /** One session; sessions of one key share the core. Lengths are 0 and `peers` empty while it is not open. */
  class Hypercore extends EventEmitter<HypercoreEvents> {
    /** A store of its own. Closing the last session closes the storage. */
    constructor(
      storage: object,
      key: Uint8Array,
      options?: { allowFork?: boolean; encryption?: { key: Uint8Array } },
    )

    /** A 32-byte buffer is taken as the one signer's public key. */
    static key(
      manifest: ManifestInput | Manifest | Uint8Array,
      options?: { compat?: boolean; version?: number; namespace?: Uint8Array },
    ): Buffer
    /** Storage that a Corestore takes instead of a directory. */
    static defaultStorage(directory: string, options?: StorageOptions): object
    /** Also marks the array dead: a later or just started `get` with it rejects with REQUEST_CANCELLED. */
    static destroyRequests(requests: ActiveRequests, error?: Error): void

    /** Null until ready when opened by name. */
    readonly key: Buffer | null
    /** The key in z-base-32; null like `key`. */
    readonly id: string | null
    readonly discoveryKey: Buffer | null
    /** Null on a subscriber until the first sync. */
    readonly manifest: Manifest | null
    /** `secretKey` is missing or null on a core that is not ours. */
    readonly keyPair: { publicKey: Buffer; secretKey?: Buffer | null } | null
    readonly length: number
    readonly byteLength: number
    /** Own unbroken prefix of blocks. */
    readonly contiguousLength: number
    /** Longest unbroken prefix a peer was ever seen to have; a stored hint. */
    readonly remoteContiguousLength: number
    readonly fork: number
    /** False until ready. */
    readonly writable: boolean
    readonly closed: boolean
    /** The promise of `close`, kept after it; null before. */
    readonly closing: Promise<void> | null
    readonly peers: readonly Peer[]

    ready(): Promise<void>
    /** `error` rejects the pending requests of this session. */
    close(options?: { error?: Error }): Promise<void>
    /** One atomic batch, not fsynced. Over `maxLength` it appends nothing; the byteLength it gives includes padding. */
    append(
      blocks: Uint8Array | string | readonly (Uint8Array | string)[],
      options?: { maxLength?: number; keyPair?: AnyKeyPair },
    ): Promise<{ length: number; byteLength: number }>
    /** Null only when told not to wait; a wrong encryption key gives garbage, not an error. */
    get(index: number, options?: GetOptions): Promise<Buffer | null>
    has(start: number, end?: number): Promise<boolean>
    download(range?: DownloadRange): Download
    /** Drops local blocks; a later `get` fetches them from peers again. */
    clear(start: number, end?: number): Promise<unknown>
    truncate(
      length?: number,
      options?: number | { fork?: number; keyPair?: AnyKeyPair },
    ): Promise<void>
    /** False at once for a writable core without `force`, and when no peer is known: not the same as "empty". */
    update(options?: { wait?: boolean; force?: boolean }): Promise<boolean>
    /** Fetches block `length - 1` from peers if it is missing, and so can wait for ever. */
    treeHash(length?: number): Promise<Buffer>
    missingNodes(index: number): Promise<number>
    proof(request: ProofRequest): Promise<Proof>
    /** False for another fork or nothing new; rejects with INVALID_CHECKSUM or INVALID_SIGNATURE. */
    applyProof(proof: Proof, from?: Peer): Promise<boolean>
    /** Checks an upgrade proof's signature without applying it; rejects when it is bad. */
    verifyFullyRemote(proof: Proof): Promise<VerifiedTree>
    session(options?: SessionOptions): Hypercore
    /** Whether the last block is asked for together with a greater length. */
    setAlwaysLatestBlock(enabled: boolean): Promise<void>
    replicate(stream: Connection): Connection
    replicate(isInitiator: boolean, options?: { keepAlive?: boolean }): ReplicationStream
  }

  /** The raw side, to pipe; `noiseStream` is its encrypted side. */
  export interface ReplicationStream extends Duplex {
    readonly noiseStream: Connection
  }

  export default Hypercore
}

declare module 'hypercore/lib/merkle-tree.js' {
  import type { TreeNode } from 'hypercore-crypto'

  export const MerkleTree: {
    /** A node of the tree by its number, 2 × the index of a block for its leaf; null where it is not stored. */
    get(state: object, node: number): Promise<TreeNode | null>
  }
}

declare module 'hypercore-crypto' {
  export interface KeyPair {
    publicKey: Buffer
    /** 64 bytes: seed, then public key. */
    secretKey: Buffer
  }

  /** One that is given. */
  export interface AnyKeyPair {
    readonly publicKey: Uint8Array
    readonly secretKey: Uint8Array
  }

  /** A node of the Merkle tree; `size` is the bytes of data below it. */
  export interface TreeNode {
    index: number
    size: number
    hash: Uint8Array
  }

  const crypto: {
    /** Ed25519. The seed is 32 bytes; without one the pair is random. */
    keyPair(seed?: Uint8Array): KeyPair
    sign(message: Uint8Array, secretKey: Uint8Array): Buffer
    /** X25519. The seed is 32 bytes. */
    encryptionKeyPair(seed?: Uint8Array): KeyPair
    encrypt(message: Uint8Array, publicKey: Uint8Array): Buffer
    decrypt(sealed: Uint8Array, keyPair: AnyKeyPair): Buffer | null
    /** False, without throwing, for a signature or key of the wrong length. */
    verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean
    /** Leaf hash of a block, with its length in it. */
    data(block: Uint8Array): Buffer
    /** Order of the arguments does not matter: it sorts by index. */
    parent(a: TreeNode, b: TreeNode): Buffer
    tree(roots: readonly TreeNode[], out?: Buffer): Buffer
    /** BLAKE2b-256; an array is hashed as one concatenated message, without separators. */
    hash(data: Uint8Array | readonly Uint8Array[], out?: Buffer): Buffer
    /** Throws on a key that is not 32 bytes. */
    discoveryKey(key: Uint8Array): Buffer
    namespace(name: string | Uint8Array, count: number): Buffer[]
  }
  export default crypto
}

declare module 'hypercore-storage' {
  /** Over a database with the methods of rocksdb-native, which it closes. */
  const CorestoreStorage: new (database: object) => object
  export default CorestoreStorage
}
