import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import { onStore } from '../../storage-errors.ts'

/** Where a log of this device's own is. */
export interface LogPlace {
  /** Whether it was ever opened. */
  readonly isMade: () => Promise<boolean>
  /** A session of it, writable; the log is made if there is none. */
  readonly open: () => Hypercore
}

/** The place of a core of this device's own, by its name. @param store open. */
export function namedCore(store: Corestore, name: string): LogPlace {
  const { storage, ns: namespace } = store
  return {
    isMade: async () => (await onStore(() => storage.getAlias({ name, namespace }))) !== null,
    open: () => store.get({ name }),
  }
}
