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
    own('online', 'Whether the network was joined.', Number(online)),
    own('storing', 'Whether anything can be stored.', problem === undefined ? 1 : 0),
    own('data_bytes', 'Size of the files in the data directory.', dataBytes),
    own('disk_free_bytes', 'Room that is left on its disk.', freeBytes),
    own('kept_bytes', 'Disk that what others wrote takes.', usedBytes),
    own('kept_cap_bytes', 'Disk that it may take.', capBytes),
    own(
      'newsletters',
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
    own('build_info', 'Which version runs, and on what.', [
      { labels: { version: packageVersion(), node: process.versions.node }, value: 1 },
    ]),
    metric('process_cpu_seconds_total', 'Processor time used.', (user + system) / 1e6),
    metric(
      'process_start_time_seconds',
      'When the process began, in seconds since 1970.',
      startedAt,
    ),
    metric('process_resident_memory_bytes', 'Memory in use.', process.memoryUsage.rss()),
    metric('process_open_fds', 'Open file descriptors.', files?.length),
  ]
}

function networkMetrics(network: NonNullable<Measures['network']>): Metric[] {
  const failures = Object.entries(network.failed)
  return [
    own('peers_connected', 'Peers that are connected.', network.connections),
    own(
      'peers_local',
      'Those of them in the same local network, over TCP.',
      network.localConnections,
    ),
    own(
      'peers_relayed',
      'Those of them that are connected through a relay.',
      network.relayedConnections,
    ),
    own('relay_pairs', 'Pairs of peers that this device relays for.', network.relay?.pairs),
    own('relay_bytes_total', 'Relayed for others.', network.relay?.bytes),
    own('peers_known', 'Peers that were found, connected or not.', network.knownPeers),
    own('peers_banned', 'Peers that are turned away.', network.bannedPeers),
    own('dht_nodes', 'Nodes of the DHT that are known.', network.dhtNodes),
    own('dials_total', 'Attempts to connect to a peer.', network.attempts),
    own('dials_connected_total', 'Those that succeeded.', network.connected),
    own(
      'dials_failed_total',
      'Those that failed, by the code of the failure.',
      failures.map(([code, value]) => ({ labels: { code }, value })),
    ),
  ]
}

function gatewayMetrics({ tabs, uploadedBytes, problem }: NonNullable<Measures['web']>): Metric[] {
  return [
    own('gateway_up', 'Whether the gateway is open.', problem === undefined ? 1 : 0),
    own('gateway_tabs', 'Browser tabs that are connected.', tabs),
    own('gateway_sent_bytes_total', 'Sent to browsers.', uploadedBytes),
  ]
}

function newsletterMetrics(newsletters: readonly Newsletter[]): Metric[] {
  const each = (
    name: string,
    help: string,
    read: (it: Newsletter) => number | undefined,
  ): Metric => {
    const samples = newsletters.flatMap((it) => {
      const value = read(it)
      return value === undefined ? [] : [{ labels: { feed: labelOf(it) }, value }]
    })
    return own(`newsletter_${name}`, help, summed(samples))
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
    each('blocks', 'Length of the log, of open ones.', (it) => it.length),
    each('blocks_held', 'Blocks of it that are here.', (it) => it.heldBlocks),
    each('peers', 'Peers that replicate it.', (it) => it.peers),
    each('full_copies', 'Peers that hold all of it.', (it) => it.fullCopies),
    each(
      'sent_bytes_total',
      'Blocks sent to peers, over all runs.',
      (it) => it.totals?.uploadedBytes,
    ),
    each(
      'received_bytes_total',
      'Blocks received, over all runs.',
      (it) => it.totals?.downloadedBytes,
    ),
    each('mirror_bytes_total', 'Received from mirrors.', (it) => it.mirrorBytes),
    own('newsletter_mirrors', 'Mirrors, by how it stands with them.', summed(mirrors)),
    own('newsletter_problem', 'Logs that are damaged, by how.', summed(problems)),
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

interface Sample {
  /** What tells it from the other values of the metric. */
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

export interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly samples: readonly Sample[]
}

/**
 * @param name by convention: what it counts, its unit in the plural, and `_total` for a counter.
 * @param value one number, samples with labels, or nothing to tell.
 */
function metric(name: string, help: string, value: number | readonly Sample[] | undefined): Metric {
  const samples = typeof value === 'number' ? [{ value }] : (value ?? [])
  return { name, help, type: name.endsWith('_total') ? 'counter' : 'gauge', samples }
}

/** One of Hyperletter's own. */
export const own: typeof metric = (name, ...about) => metric(`hyperletter_${name}`, ...about)

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
