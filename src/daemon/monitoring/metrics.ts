import { readdir } from 'node:fs/promises'
import type { Output } from '../../api/contract/contract.ts'
import { defined } from '../../defined.ts'
import { packageVersion } from '../../version.ts'

type Measures = Output<'measure'>
type Newsletter = Measures['newsletters'][number]

/** Enough of a feed key to tell newsletters apart. Titles are what strangers wrote, and change. */
const FEED_LABEL_LENGTH = 16

/** What there is to say of an engine. */
export function engineMetrics(measures: Measures): Metric[] {
  const { online, network, newsletters, dataBytes, freeBytes, problem } = measures
  const { usedBytes, capBytes } = measures
  const roles = ['author', 'subscriber', 'seeder'] as const
  return [
    gauge('hyperletter_online', 'Whether the network was joined.', Number(online)),
    gauge('hyperletter_storing', 'Whether anything can be stored.', problem === undefined ? 1 : 0),
    gauge('hyperletter_data_bytes', 'Size of the files in the data directory.', dataBytes),
    gauge('hyperletter_disk_free_bytes', 'Room that is left on its disk.', freeBytes),
    gauge('hyperletter_kept_bytes', 'Disk that what others wrote takes.', usedBytes),
    gauge('hyperletter_kept_cap_bytes', 'Disk that it may take.', capBytes),
    gauge(
      'hyperletter_newsletters',
      'Newsletters, by what this device is to them; one may be several.',
      roles.map((role) => ({
        labels: { role },
        value: newsletters.filter((it) => it.roles.includes(role)).length,
      })),
    ),
    ...(network === undefined ? [] : networkMetrics(network)),
    ...(measures.web === undefined ? [] : gatewayMetrics(measures.web)),
    ...newsletterMetrics(newsletters),
  ]
}

/** What there is to say of this process; the names are those of Prometheus' own libraries. */
export async function processMetrics(): Promise<Metric[]> {
  const { user, system } = process.cpuUsage()
  const startedAt = Date.now() / 1_000 - process.uptime()
  const files = await readdir('/proc/self/fd').catch(() => undefined)
  return [
    gauge('hyperletter_build_info', 'Which version runs, and on what.', [
      { labels: { version: packageVersion(), node: process.versions.node }, value: 1 },
    ]),
    counter('process_cpu_seconds_total', 'Processor time used.', (user + system) / 1e6),
    gauge(
      'process_start_time_seconds',
      'When the process began, in seconds since 1970.',
      startedAt,
    ),
    gauge('process_resident_memory_bytes', 'Memory in use.', process.memoryUsage.rss()),
    gauge('process_open_fds', 'Open file descriptors.', files?.length),
  ]
}

function networkMetrics(network: NonNullable<Measures['network']>): Metric[] {
  const failures = Object.entries(network.failed)
  return [
    gauge('hyperletter_peers_connected', 'Peers that are connected.', network.connections),
    gauge(
      'hyperletter_peers_local',
      'Those of them in the same local network, over TCP.',
      network.localConnections,
    ),
    gauge(
      'hyperletter_peers_relayed',
      'Those of them that are connected through a relay.',
      network.relayedConnections,
    ),
    gauge(
      'hyperletter_relay_pairs',
      'Pairs of peers that this device relays for.',
      network.relay?.pairs,
    ),
    counter('hyperletter_relay_bytes_total', 'Relayed for others.', network.relay?.bytes),
    gauge(
      'hyperletter_peers_known',
      'Peers that were found, connected or not.',
      network.knownPeers,
    ),
    gauge('hyperletter_peers_banned', 'Peers that are turned away.', network.bannedPeers),
    gauge('hyperletter_dht_nodes', 'Nodes of the DHT that are known.', network.dhtNodes),
    counter('hyperletter_dials_total', 'Attempts to connect to a peer.', network.attempts),
    counter('hyperletter_dials_connected_total', 'Those that succeeded.', network.connected),
    counter(
      'hyperletter_dials_failed_total',
      'Those that failed, by the code of the failure.',
      failures.map(([code, value]) => ({ labels: { code }, value })),
    ),
  ]
}

function gatewayMetrics({ tabs, uploadedBytes, problem }: NonNullable<Measures['web']>): Metric[] {
  return [
    gauge('hyperletter_gateway_up', 'Whether the gateway is open.', problem === undefined ? 1 : 0),
    gauge('hyperletter_gateway_tabs', 'Browser tabs that are connected.', tabs),
    counter('hyperletter_gateway_sent_bytes_total', 'Sent to browsers.', uploadedBytes),
  ]
}

function newsletterMetrics(newsletters: readonly Newsletter[]): Metric[] {
  const each = (
    name: string,
    help: string,
    make: typeof gauge,
    read: (it: Newsletter) => number | undefined,
  ): Metric => {
    const samples = newsletters.flatMap((it) => {
      const value = read(it)
      return value === undefined ? [] : [{ labels: { feed: labelOf(it) }, value }]
    })
    return make(`hyperletter_newsletter_${name}`, help, summed(samples))
  }
  const problems = newsletters.flatMap((it) => {
    const { problem: code } = it
    return code === undefined ? [] : [{ labels: { feed: labelOf(it), code }, value: 1 }]
  })
  const mirrors = newsletters.flatMap((it) =>
    Object.entries(it.mirrors).map(([state, value]) => ({
      labels: { feed: labelOf(it), state },
      value,
    })),
  )
  return [
    each('blocks', 'Length of the log, of open ones.', gauge, (it) => it.length),
    each('blocks_held', 'Blocks of it that are here.', gauge, (it) => it.heldBlocks),
    each('peers', 'Peers that replicate it.', gauge, (it) => it.peers),
    each('full_copies', 'Peers that hold all of it.', gauge, (it) => it.fullCopies),
    each(
      'sent_bytes_total',
      'Blocks sent to peers, over all runs.',
      counter,
      (it) => it.totals?.uploadedBytes,
    ),
    each(
      'received_bytes_total',
      'Blocks received, over all runs.',
      counter,
      (it) => it.totals?.downloadedBytes,
    ),
    each('mirror_bytes_total', 'Received from mirrors.', counter, (it) => it.mirrorBytes),
    gauge(
      'hyperletter_newsletter_mirrors',
      'Mirrors, by how it stands with them.',
      summed(mirrors),
    ),
    gauge('hyperletter_newsletter_problem', 'Logs that are damaged, by how.', summed(problems)),
  ]
}

/** One sample for all that have the same labels. */
function summed(samples: readonly Sample[]): Sample[] {
  const sums = new Map<string, Sample>()
  for (const { labels, value } of samples) {
    const name = JSON.stringify(labels)
    sums.set(name, { ...defined({ labels }), value: (sums.get(name)?.value ?? 0) + value })
  }
  return [...sums.values()]
}

// Every user of the machine can read /metrics: all private newsletters together have one label.
function labelOf({ feedKey, private: isPrivate }: Newsletter): string {
  return isPrivate ? 'private' : feedKey.slice(0, FEED_LABEL_LENGTH)
}

/** A value, samples with labels, or nothing to tell. */
type Value = number | readonly Sample[] | undefined

export function gauge(name: string, help: string, value: Value): Metric {
  return { name, help, type: 'gauge', samples: samplesOf(value) }
}

function counter(name: string, help: string, value: Value): Metric {
  return { name, help, type: 'counter', samples: samplesOf(value) }
}

function samplesOf(value: Value): readonly Sample[] {
  if (value === undefined) return []
  return typeof value === 'number' ? [{ value }] : value
}

/** One value of a metric, with what tells it from the others. */
interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

export interface Metric {
  /** By convention: what it counts, its unit in the plural, and `_total` for a counter. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly samples: readonly Sample[]
}

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Metrics in the text format of Prometheus, version 0.0.4. Those without a sample are left out. */
export function formatMetrics(metrics: readonly Metric[]): string {
  return metrics
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, help, type, samples }) => {
      const head = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`
      return head + samples.map((it) => formatSample(name, it)).join('')
    })
    .join('')
}

function formatSample(name: string, { labels = {}, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeValue(text)}"`)
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${formatValue(value)}\n`
}

function formatValue(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}

function escapeHelp(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')
}

function escapeValue(text: string): string {
  return escapeHelp(text).replace(/"/g, '\\"')
}
