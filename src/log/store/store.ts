import type Corestore from 'corestore'
import type { ReplicationStream } from 'hypercore'
import { defined } from '../../defined.ts'
import type { SigningKeyPair } from '../../format/crypto.ts'
import { onStore } from '../../storage-errors.ts'
import { HypercoreLog, LOG_OPTIONS } from '../hypercore-log.ts'
import { asBuffer, manifestOf } from '../keys.ts'
import { KeyValueLog } from './key-value-log.ts'

/** What a log is opened with, beside its key. Nothing of it is kept in the store. */
export interface LogSecrets {
  /** Makes it one that this device signs. */
  readonly signing?: SigningKeyPair | undefined
  /** 32 bytes. */
  readonly encryptionKey?: Uint8Array | undefined
}

// What is used of the storage below a Corestore beyond its public face.
interface StorageInternals {
  resumeCore(discoveryKey: Uint8Array): Promise<{
    read(): {
      getHead(): Promise<{ length: number } | null>
      getHints(): Promise<{ contiguousLength: number } | null>
      tryFlush(): void
    }
    close(): Promise<void>
  } | null>
}

/** All logs of one directory. Whoever uses one more than once opens it once: it has one dispatcher of events. */
export class Store {
  readonly #corestore: Corestore

  /** @param corestore open. */
  constructor(corestore: Corestore) {
    this.#corestore = corestore
  }

  /** A log by its 32-byte key, whatever is here of it. Whoever asks closes it. @throws DISK_FULL, ABORTED */
  openLog(key: Uint8Array, secrets: LogSecrets = {}): Promise<HypercoreLog> {
    return this.#open({ key }, secrets)
  }

  /** A new log that this device signs. */
  createLog(signing: SigningKeyPair, encryptionKey?: Uint8Array): Promise<HypercoreLog> {
    const manifest = manifestOf(signing.publicKey)
    return this.#open({ manifest }, { signing, encryptionKey })
  }

  /** How far a log in the store is, without opening it; that takes twenty times as long, and memory. */
  readHead(
    discoveryKey: Uint8Array,
  ): Promise<{ readonly length: number; readonly held: number } | undefined> {
    return onStore(async () => {
      const storage = this.#corestore.storage as unknown as StorageInternals
      const core = await storage.resumeCore(discoveryKey)
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

  /** A key-value store in a log of this device's own. @param name of it in this directory. */
  openKeyValues(name: string): Promise<KeyValueLog> {
    const { storage, ns: namespace } = this.#corestore
    return KeyValueLog.open({
      isMade: async () => (await onStore(() => storage.getAlias({ name, namespace }))) !== null,
      // Not active: Corestore offers what is to every peer, and its discovery key would identify this device.
      open: () => this.#corestore.get({ name, active: false }),
    })
  }

  /** A key pair that this directory always gives by this name. */
  keyPair(name: string): Promise<SigningKeyPair> {
    return onStore(() => this.#corestore.createKeyPair(name))
  }

  /** Serves every log to a peer who knows its key, and downloads those that are open. */
  replicate(connection: ReplicationStream['noiseStream']): void {
    this.#corestore.replicate(connection)
  }

  /** Calls back with the discovery key of each log that is opened from now on, also because a peer asks for it. */
  onOpening(listener: (discoveryKey: Uint8Array) => void): void {
    this.#corestore.watch(({ discoveryKey }) => listener(discoveryKey))
  }

  get database(): Corestore['storage']['db'] {
    return this.#corestore.storage.db
  }

  /**
   * Closes all that is open and gives the lock back, also where it fails: a Corestore that could not open does not close
   * its database, nor one with a core that could not be made for want of room.
   */
  async close(): Promise<void> {
    try {
      await this.#corestore.close()
    } finally {
      await this.#corestore.storage.close()
    }
  }

  async #open(
    identity: { readonly key: Uint8Array } | { readonly manifest: ReturnType<typeof manifestOf> },
    { signing, encryptionKey }: LogSecrets,
  ): Promise<HypercoreLog> {
    const store = this.#corestore
    const encryption = encryptionKey === undefined ? undefined : { key: encryptionKey }
    const options = { ...LOG_OPTIONS, ...defined({ encryption }) }
    const made = await onStore(async () => store.get({ ...identity, ...options }))
    if (signing === undefined) return HypercoreLog.open(made)
    // Made with a key pair, a core would keep it in the store; given to a later session, it is not kept.
    await onStore(() => made.ready())
    const keyPair = {
      publicKey: asBuffer(signing.publicKey),
      secretKey: asBuffer(signing.secretKey),
    }
    const signed = await onStore(async () => store.get({ key: made.id ?? '', keyPair, ...options }))
    const log = await HypercoreLog.open(signed)
    await made.close()
    return log
  }
}
