import type Corestore from 'corestore'
import { onStore } from '../../storage-errors.ts'

// What is used of the storage below a Corestore beyond its public face.
interface Inside {
  resumeCore(discoveryKey: Uint8Array): Promise<{
    read(): {
      getHead(): Promise<{ length: number } | null>
      getHints(): Promise<{ contiguousLength: number } | null>
      tryFlush(): void
    }
    close(): Promise<void>
  } | null>
}

/** How far a log in the store is, without opening it; that takes twenty times as long, and memory. */
export function readLogHead(
  store: Corestore,
  discoveryKey: Uint8Array,
): Promise<{ readonly length: number; readonly held: number } | undefined> {
  return onStore(async () => {
    const core = await (store.storage as unknown as Inside).resumeCore(discoveryKey)
    if (core === null) return undefined
    try {
      const read = core.read()
      const found = Promise.all([read.getHead(), read.getHints()])
      read.tryFlush()
      const [head, hints] = await found
      // The hint may be behind: it is written with the next change of the log.
      return { length: head?.length ?? 0, held: hints?.contiguousLength ?? 0 }
    } finally {
      await core.close()
    }
  })
}
