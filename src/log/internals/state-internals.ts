import type { TreeNode } from '../../format/log.ts'

// The tree of a core and its storage, from the inside. `internals.ts` says what happens without each member.

/** A tree that grows in memory. */
export interface TreeInternals {
  signature: Buffer | null
  append(block: Uint8Array): void
  addNodesUnsafe(nodes: readonly TreeNode[]): void
  /** Whether the stored tree is still that of which this was made, or has only grown. */
  commitable(): boolean
  commit(tx: WriteInternals): void
}

/** What is kept of a core that could be found out anew. */
export interface Hints {
  contiguousLength: number
  readonly remoteContiguousLength: number
}

/** A write that is applied whole, or not at all. */
export interface WriteInternals {
  putBlock(index: number, block: Uint8Array): void
  putBitfieldPage(page: number, bits: Uint8Array): void
  setHints(hints: Hints): void
}

/** Several reads, sent to the database at once by `tryFlush`. */
export interface ReadInternals {
  getTreeNode(number: number): Promise<TreeNode | null>
  getBlock(index: number): Promise<Buffer | null>
  tryFlush(): void
}

export interface StateInternals {
  readonly length: number
  readonly fork: number
  readonly byteLength: number
  readonly signature: Buffer | null
  /** Continues the tree that is stored, and changes nothing of it. */
  createTreeBatch(): TreeInternals
  /** Appends in one write what was signed elsewhere; nothing if that would exceed `maxLength`. */
  append(
    blocks: readonly Uint8Array[],
    options: {
      readonly signature: Buffer
      readonly maxLength: number
      /** Called when nobody else appends any more. */
      readonly preappend: () => Promise<void>
    },
  ): Promise<unknown>
  readonly roots: readonly TreeNode[]
  readonly storage: { read(): ReadInternals }
  readonly mutex: { lock(): Promise<void> }
  createWriteBatch(): WriteInternals
  /** Applies the write that was created last. */
  flush(): Promise<boolean>
  /** Of `mutex`. */
  _unlock(): void
  /** Drops blocks, and hashes with them. */
  clear(this: StateInternals, ...given: unknown[]): Promise<unknown>
}
