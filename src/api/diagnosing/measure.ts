import type { Engine } from '../../engine/engine.ts'
import { freeBytes } from '../../log/store/free-space.ts'
import type { LibraryEntry } from '../../engine/library/library.ts'
import type { Network } from '../../engine/network/network.ts'
import type { Output } from '../contract/contract.ts'
import { bytesBelow, problemOf } from './status.ts'

type Measures = Output<'measure'>

const NOTHING = { peers: 0, fullCopies: 0, uploadedBytes: 0, downloadedBytes: 0 }

/** Numbers for monitoring. Opens nothing and asks nobody. */
export async function measure(engine: Engine): Promise<Measures> {
  const network = await engine.networkIfOnline()
  const { dataDir } = engine.config
  const { capBytes } = engine.retention
  const [problem, usedBytes, dataBytes, free, newsletters] = await Promise.all([
    problemOf(engine),
    engine.retention.usedBytes(),
    bytesBelow(dataDir),
    freeBytes(dataDir),
    Promise.all(engine.library.list().map((it) => measureNewsletter(engine, network, it))),
  ])
  return {
    online: network !== undefined,
    ...(problem === undefined ? {} : { problem: { code: problem.code, message: problem.message } }),
    dataBytes,
    freeBytes: free,
    usedBytes,
    ...(capBytes === Infinity ? {} : { capBytes }),
    ...(network === undefined ? {} : { network: measureNetwork(network) }),
    newsletters,
  }
}

async function measureNewsletter(
  { feeds }: Engine,
  network: Network | undefined,
  { feedKey, encryptionKey, roles, problem }: LibraryEntry,
): Promise<Measures['newsletters'][number]> {
  await using session = await feeds.ifOpen(feedKey)
  const feed = session?.feed
  return {
    feedKey,
    private: encryptionKey !== undefined,
    roles: [...roles],
    ...(feed === undefined ? {} : { length: feed.length, heldBlocks: feed.heldBlocks }),
    ...(network?.status(feedKey) ?? NOTHING),
    ...(problem === undefined ? {} : { problem: problem.code }),
  }
}

function measureNetwork(network: Network): NonNullable<Measures['network']> {
  const { connections, tcpConnections, knownPeers, bannedPeers, nodes, attempts } =
    network.swarm.facts()
  return {
    connections,
    localConnections: tcpConnections,
    knownPeers,
    bannedPeers,
    dhtNodes: nodes,
    attempts: attempts.tried,
    connected: attempts.connected,
    failed: attempts.failed,
  }
}
