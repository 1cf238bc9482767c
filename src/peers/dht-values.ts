import type HyperDHT from 'hyperdht'
import type { Logger } from '../logger.ts'
import { withinMs } from '../within.ts'

/** How long the DHT may take to store or find a value. */
const DEADLINE_MS = 10_000

/** Ed25519, 32 and 64 bytes. */
export interface MutableKeyPair {
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
}

/**
 * Puts a small value into the DHT under a public key. A later one has a higher `seq`.
 * @returns whether nodes took it in time.
 */
export async function putMutable(
  dht: HyperDHT,
  { keyPair, value, seq }: { keyPair: MutableKeyPair; value: Uint8Array; seq: number },
  logger: Logger,
): Promise<boolean> {
  // The DHT keeps what it is given until it has sent it, and signs with buffers only.
  const pair = {
    publicKey: Buffer.from(keyPair.publicKey),
    secretKey: Buffer.from(keyPair.secretKey),
  }
  const put = dht.mutablePut(pair, Buffer.from(value), { seq }).then(
    ({ closestNodes }) => closestNodes.length > 0,
    (error: unknown) => {
      logger.debug({ err: String(error) }, 'no node took a value')
      return false
    },
  )
  let isStored = false
  await withinMs(
    DEADLINE_MS,
    put.then((done) => (isStored = done)),
  )
  return isStored
}

/** What the DHT holds under a public key; its nodes keep the value of the highest `seq`. */
export interface MutableValue {
  readonly value: Uint8Array
  readonly seq: number
}

/** The newest value under a public key, if one is found in time; it is put again, so that it lasts. */
export async function getMutable(
  dht: HyperDHT,
  publicKey: Uint8Array,
  logger: Logger,
): Promise<MutableValue | undefined> {
  const key = Buffer.from(publicKey)
  let found: MutableValue | undefined
  const get = dht.mutableGet(key).then(
    (it) => (found = it ?? undefined),
    (error: unknown) => logger.debug({ err: String(error) }, 'no value found'),
  )
  await withinMs(DEADLINE_MS, get)
  if (found !== undefined) dht.mutableGet(key, { refresh: () => true }).catch(() => undefined)
  return found
}
