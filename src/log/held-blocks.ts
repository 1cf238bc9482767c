import type Hypercore from 'hypercore'
import { onStore } from '../storage-errors.ts'
import type { BlockRange } from '../format/block-ranges.ts'

// What is used of a core beyond its public face.
interface Inside {
  readonly core: {
    readonly bitfield: {
      countSet(start: number, length: number): number
      get(index: number): boolean
    }
  }
  readonly state: { clear(start: number, end: number, cleared: null): Promise<void> }
}

/** How many blocks of `range` are on this machine. */
export function countHeld(core: Hypercore, { start, end }: BlockRange): number {
  // The bitfield behind `has` counts in one pass; a walk with `has` would take a call a block.
  const { bitfield } = (core as unknown as Inside).core
  return bitfield.countSet(start, Math.min(end, core.length) - start)
}

/** Indexes of blocks of `range` that are not on this machine; no more than one more than `most`. */
export function missingIn(core: Hypercore, { start, end }: BlockRange, most: number): number[] {
  const { bitfield } = (core as unknown as Inside).core
  const missing: number[] = []
  for (let index = start; index < end && missing.length <= most; index++) {
    if (!bitfield.get(index)) missing.push(index)
  }
  return missing
}

/**
 * Takes blocks off this disk and tells peers that they cannot be had here any more. Their hashes
 * stay: they prove the blocks beside them, and a bundle of the log is made of them.
 */
export async function dropBlocks(core: Hypercore, { start, end }: BlockRange): Promise<void> {
  const { state } = core as unknown as Inside
  // `core.clear` also deletes the hash of a held block before the range, which then can be served
  // to nobody; without its deletions of hashes it is right.
  const keepingHashes = new Proxy(state, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function' || name === 'clear') return value
      const method = value.bind(target) as (...args: unknown[]) => unknown
      if (name !== 'createWriteBatch') return method
      return () => Object.assign(method() as object, { deleteTreeNode: () => undefined })
    },
  })
  await onStore(() => keepingHashes.clear(start, end, null))
}
