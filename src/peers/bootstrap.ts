import HyperDHT from 'hyperdht'
import type { Address } from '../config/config.ts'
import { codeOf, HyperletterError } from '../errors.ts'

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
