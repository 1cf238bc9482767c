import type { Config } from '../../config/config.ts'
import type { Network } from '../../engine/network/network.ts'
import type { NetworkFacts } from '../../peers/diagnosis.ts'
import { failed, ok, warning, type Check } from './check.ts'

/** What the codes of the stack mean for a person. */
const FAILURES: Readonly<Record<string, string>> = {
  PEER_NOT_FOUND: 'gone, or announced only',
  PEER_CONNECTION_FAILED: 'did not answer',
  HOLEPUNCH_ABORTED: 'a router in between let nothing through',
  HOLEPUNCH_PROBE_TIMEOUT: 'a router in between let nothing through',
  CANNOT_HOLEPUNCH: 'a router in between let nothing through',
  REMOTE_NOT_HOLEPUNCHABLE: 'their router lets nothing through',
  REMOTE_NOT_HOLEPUNCHING: 'their router lets nothing through',
  HOLEPUNCH_DOUBLE_RANDOMIZED_NATS: 'both routers change ports',
  REMOTE_ABORTED: 'they ended it',
  HANDSHAKE_INVALID: 'somebody else answered',
  SERVER_INCOMPATIBLE: 'another version of the network',
  SERVER_ERROR: 'they refused',
  ECONNRESET: 'broke off',
  ETIMEDOUT: 'stopped answering',
}

/** Whether the DHT answers. Without it only peers in the same room are found, which may be enough. */
export async function checkDht(network: Network, signal: AbortSignal): Promise<Check> {
  const { asked, answered } = await network.swarm.diagnosis.askNodes(signal)
  const { nodes, connections } = network.swarm.diagnosis.facts()
  if (answered > 0) {
    return ok('DHT', `${answered} of ${asked} nodes answered just now; ${nodes} are known.`)
  }
  const say = connections > 0 ? warning : failed
  return say(
    'DHT',
    asked === 0 ? 'No node of it is known.' : `None of ${asked} nodes answers.`,
    'Check that this machine is online and that its firewall lets UDP out; a private network needs --bootstrap.',
  )
}

/** How others reach this device. */
export function checkReachability(
  { nat, seenAt, port }: NetworkFacts,
  config: Pick<Config, 'udpPort' | 'host'>,
): Check[] {
  if (config.host?.startsWith('127.') === true) {
    const message = 'Only from this machine: nothing else is bound.'
    return [ok('reachable', message), portCheck(port, config.udpPort)]
  }
  const at = seenAt === undefined ? '' : ` at ${seenAt.host}${seenAt.port ? `:${seenAt.port}` : ''}`
  const forward = `Let the router send UDP port ${port ?? config.udpPort ?? 49737} to this machine, if you can.`
  const checks = {
    open: () => ok('reachable', `Others reach this device directly${at}.`),
    consistent: () => ok('reachable', `Behind a router or firewall that others can pass${at}.`),
    random: () =>
      warning(
        'reachable',
        `Behind a router that changes ports${at}; some cannot pass it.`,
        forward,
      ),
    unknown: () => warning('reachable', 'No peer has reported the address of this device yet.'),
  }
  return [checks[nat](), portCheck(port, config.udpPort)]
}

/** Peers that were found, and why connections failed. */
export function checkPeers({ connections, knownPeers, attempts }: NetworkFacts): Check {
  const { tried, connected, failed: failures } = attempts
  const why = new Map<string, number>()
  for (const [code, times] of Object.entries(failures)) {
    const words = FAILURES[code] ?? code
    why.set(words, (why.get(words) ?? 0) + times)
  }
  const reasons = [...why].map(([words, times]) => `${words} (${times})`).join(', ')
  const failing = reasons === '' ? '' : ` Failed: ${reasons}.`
  const found = `${connections} connected, ${knownPeers} found, ${connected} of ${tried} attempts succeeded.`
  if (connections > 0) return ok('peers', found + failing)
  if (knownPeers === 0) return warning('peers', 'No peer was found yet.')
  return warning(
    'peers',
    found + failing,
    'Peers that were found may be off just now; `hyperletter why <newsletter>` says more.',
  )
}

/** Whether peers in the same room are found. */
export function checkRoom(
  { localDiscovery }: Pick<Config, 'localDiscovery'>,
  { tcpConnections }: Pick<NetworkFacts, 'tcpConnections'>,
): Check {
  const now = `${tcpConnections} connected over TCP.`
  return localDiscovery
    ? ok('local network', `Peers in the same network are found without a DHT, ${now}`)
    : ok('local network', 'Not searched: it is switched off, or only this machine is bound.')
}

function portCheck(port: number | undefined, wanted: number | undefined): Check {
  if (port === undefined) return warning('UDP port', 'None is bound yet.')
  if (wanted === undefined || wanted === port) return ok('UDP port', String(port))
  return warning(
    'UDP port',
    `${wanted} is taken by another program; this one has ${port}.`,
    'End the other one, or choose another port with --udp-port.',
  )
}
