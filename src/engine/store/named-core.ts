import type Corestore from 'corestore'
import type { LogPlace } from '../../library/log.ts'
import { onStore } from '../../storage-errors.ts'

/** The place of a core of this device's own, by its name. @param store open. */
export function namedCore(store: Corestore, name: string): LogPlace {
  const { storage, ns: namespace } = store
  return {
    isMade: async () => (await onStore(() => storage.getAlias({ name, namespace }))) !== null,
    open: () => store.get({ name }),
  }
}
