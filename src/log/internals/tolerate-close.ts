import type Hypercore from 'hypercore'
import { hasCode } from '../../errors.ts'
import { translateStorageError } from '../../storage-errors.ts'
import { internalsOf } from './internals.ts'

/**
 * Lets a core be closed while a new length arrives. Hypercore then looks in the background whether blocks that were
 * asked for came with it, which must not throw, and does where the store is closed by then.
 */
export function tolerateClose(core: Hypercore): void {
  const { replicator } = internalsOf(core)
  if (Object.hasOwn(replicator, '_resolveBlocksLocally')) return
  const usual = (replicator as Partial<typeof replicator>)._resolveBlocksLocally?.bind(replicator)
  // Another version has nothing of that name.
  if (usual === undefined) return
  // It stays: what was begun before goes on after whoever asked for this is gone.
  replicator._resolveBlocksLocally = async () => {
    try {
      await usual()
    } catch (error) {
      if (!hasCode(translateStorageError(error), 'ABORTED')) throw error
    }
  }
}
