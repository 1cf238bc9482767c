import HyperDHT from 'hyperdht'
import type { Address, Config } from '../config/config.ts'
import { defined } from '../defined.ts'
import { codeOf, HyperletterError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { withinMs } from '../within.ts'
import { ReannouncingDht, type KeyPair } from './reannouncing-dht.ts'

export type { ReannouncingDht as Dht }

/**
 * A node of the DHT, which bootstraps at once. A network that is given it closes it; otherwise the caller does, with
 * `destroy`.
 */
export function openDht({
  bootstrap,
  host,
  udpPort,
}: Pick<Config, 'bootstrap' | 'host' | 'udpPort'>): ReannouncingDht {
  return new ReannouncingDht({
    ...defined({ bootstrap, host, port: udpPort }),
    // No firewall stands between peers of one machine, and punching holes in none mostly fails.
    ...(host?.startsWith('127.') === true ? { firewalled: false } : {}),
  })
}

export interface BootstrapOptions {
  readonly host: string
  /** 1 to 65535; any free one when absent. */
  readonly port?: number | undefined
  readonly signal: AbortSignal
  readonly onReady: (address: Address) => void
}

/** Plain nodes beside the bootstrap node: announcements need a few nodes to live on. */
const EXTRA_NODES = 3

/**
 * Runs the DHT of a private network (an office, a test) until the signal: a bootstrap node that
 * others name with `--bootstrap`, and a few plain nodes on the same machine.
 * @throws INVALID_INPUT if the port is taken.
 */
export async function runBootstrapNode({
  host,
  port,
  signal,
  onReady,
}: BootstrapOptions): Promise<void> {
  const first = await openBootstrapper(host, port)
  const nodes = [first]
  try {
    const address = { host, port: first.address()?.port ?? first.port }
    for (let i = 0; i < EXTRA_NODES; i++) {
      const node = new HyperDHT({
        bootstrap: [address],
        host,
        port: 0,
        ephemeral: false,
        firewalled: false,
      })
      nodes.push(node)
      await node.fullyBootstrapped()
    }
    onReady(address)
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  } finally {
    await Promise.all(nodes.map((node) => node.destroy({ force: true })))
  }
}

async function openBootstrapper(host: string, port: number | undefined): Promise<HyperDHT> {
  const node = new HyperDHT({
    bootstrap: [],
    host,
    port: port ?? 0,
    anyPort: port === undefined,
    ephemeral: false,
    firewalled: false,
  })
  try {
    await node.fullyBootstrapped()
    return node
  } catch (error) {
    // It fails with the same error once more.
    await node.destroy({ force: true }).catch(() => undefined)
    if (codeOf(error) !== 'EADDRINUSE') throw error
    throw new HyperletterError('INVALID_INPUT', `Port ${port} of ${host} is taken.`, {
      hint: 'Choose another with --port, or leave it out to take any free one.',
      cause: error,
    })
  }
}

/** How long the DHT may take to store or find a value. */
const VALUE_DEADLINE_MS = 10_000

/**
 * Puts a small value into the DHT under a public key. A later one has a higher `seq`.
 * @returns whether nodes took it in time.
 */
export async function putMutable(
  dht: HyperDHT,
  { keyPair, value, seq }: { keyPair: KeyPair; value: Uint8Array; seq: number },
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
    VALUE_DEADLINE_MS,
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
  await withinMs(VALUE_DEADLINE_MS, get)
  if (found !== undefined) dht.mutableGet(key, { refresh: () => true }).catch(() => undefined)
  return found
}
