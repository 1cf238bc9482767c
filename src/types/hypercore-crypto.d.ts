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
