import type { Work } from '../work.ts'
import type { Config } from '../../config/config.ts'
import { defined } from '../../defined.ts'
import type { Engine } from '../../engine/engine.ts'
import type { LibraryEntry } from '../../engine/library/library.ts'
import type { Network } from '../../engine/network/network.ts'
import { hasCode, HyperletterError } from '../../errors.ts'
import type { BlockRange } from '../../format/block-ranges.ts'
import type { Feed } from '../../format/feed.ts'
import { short } from '../../logger.ts'
import { missingRanges } from '../../format/selection.ts'
import { unheldOf } from '../../replication/copies.ts'
import { waitUntil } from '../../async.ts'
import type { Output } from '../contract/contract.ts'
import { tooLargeToList } from '../reading/listing.ts'
import { isComplete } from './diagnose.ts'

type Reason = Output<'explainNewsletter'>['reasons'][number]

/** How long a peer may take to appear, for who has just gone online. */
const PEER_TIMEOUT_MS = 6_000

/** How long what peers have is fetched, so that only what is really missing is explained. */
const FETCH_TIMEOUT_MS = 2_000

const DHT_TIMEOUT_MS = 6_000

export const explainNewsletter: Work<'explainNewsletter'> = async (
  engine,
  { newsletter },
  { signal } = {},
) => {
  const entry = engine.library.resolve(newsletter)
  const network = await engine.network()
  await using session = await engine.open(entry)
  const { feed } = session
  const { feedKey, title } = entry
  const peers = () => network.status(feedKey).peers
  if (!(await isComplete(feed))) {
    const hasPeer = async () => peers() > 0 || (await isComplete(feed))
    await waitUntil(hasPeer, { timeoutMs: PEER_TIMEOUT_MS, signal })
    if (peers() > 0) {
      await waitUntil(() => isComplete(feed), { timeoutMs: FETCH_TIMEOUT_MS, signal })
    }
  }
  const reasons = [
    ...damage(engine, entry),
    ...(await unreadable(feed, entry)),
    ...((await isComplete(feed))
      ? [complete(feed, entry)]
      : await missingBlocks(engine, network, feed)),
    ...leftOut(engine, entry),
    ...(await tooLarge(feed)),
    ...retracted(feed),
    ...(await mirrors(engine, entry)),
    ...gateway(engine, entry),
    ...relayed(network, feed),
  ]
  return {
    feedKey,
    ...defined({ title }),
    complete: await isComplete(feed),
    heldBlocks: feed.heldBlocks,
    length: feed.length,
    peers: peers(),
    reasons,
  }
}

function damage(engine: Engine, { problem }: LibraryEntry): Reason[] {
  const reasons: Reason[] = []
  if (problem !== undefined) {
    const next =
      'Ask the author which history is the honest one; `hyperletter repair` is for authors.'
    reasons.push({ code: 'fork', message: problem.message, next })
  }
  if (engine.full.aborted) {
    const { message } = HyperletterError.from(engine.full.reason)
    const next = 'Make room; the daemon then goes on by itself.'
    reasons.push({ code: 'disk-full', message, next })
  }
  return reasons
}

async function unreadable(feed: Feed, { roles }: LibraryEntry): Promise<Reason[]> {
  if (!roles.includes('subscriber') || feed.length === 0) return []
  const failure: unknown = await feed.profile({ wait: false }).catch((error: unknown) => error)
  if (!hasCode(failure, 'NEEDS_KEY')) return []
  const message = 'It is private, and its encryption key is missing or wrong.'
  const next = 'Ask the author for the full link, and subscribe with that.'
  return [{ code: 'needs-key', message, next }]
}

function complete(feed: Feed, { roles }: LibraryEntry): Reason {
  const all =
    feed.unwanted.length === 0
      ? `All ${feed.length} blocks are here and checked.`
      : 'Everything you chose to keep is here and checked.'
  const message = roles.includes('author') ? `This device writes it. ${all}` : all
  return { code: 'complete', message }
}

// Not missing either, but what somebody who asks may be looking for.
function leftOut({ retention }: Engine, { feedKey }: LibraryEntry): Reason[] {
  const issues = retention.leftOut(feedKey)
  if (issues === 0) return []
  const which = issues === 1 ? '1 issue is' : `${issues} issues are`
  const message = `${which} not kept, by what is set for it or the disk cap; reading one fetches it.`
  const next = `\`hyperletter keep ${short(feedKey)}\` shows and changes what is kept of it.`
  return [{ code: 'left-out', message, next }]
}

async function tooLarge(feed: Feed): Promise<Reason[]> {
  const cut = await feed.cutListing()
  const problem = cut && tooLargeToList(feed, cut)
  return problem ? [{ code: 'too-large', message: problem.message, next: problem.next }] : []
}

function retracted({ dropped }: Feed): Reason[] {
  const blocks = dropped.reduce((sum, { start, end }) => sum + end - start, 0)
  if (blocks === 0) return []
  const message = `${blocks} blocks were taken back by the author; they are not kept and not missing.`
  return [{ code: 'retracted', message }]
}

async function mirrors(engine: Engine, entry: LibraryEntry): Promise<Reason[]> {
  const found = await engine.mirrors.list(entry)
  if (found.length === 0 || entry.roles.includes('author')) return []
  const bad = found.filter(({ state }) => state !== 'good' && state !== 'not-asked')
  const why = bad.map(({ address, message }) => ` ${address}: ${message ?? 'not used.'}`).join('')
  const which = found.length === 1 ? '1 mirror has' : `${found.length} mirrors have`
  const message = `${which} its log on the web, and ${found.length - bad.length} can be asked for what no peer has.${why}`
  const next = `\`hyperletter mirror list ${short(entry.feedKey)}\` shows them.`
  return [{ code: 'mirrors', message, ...defined({ next: bad.length === 0 ? undefined : next }) }]
}

function gateway(engine: Engine, { feedKey }: LibraryEntry): Reason[] {
  const web = engine.gateway()
  if (web?.newsletters.includes(feedKey) !== true) return []
  const message = `Browsers read it at ${web.address}#${feedKey}, through the gateway here.`
  return [{ code: 'gateway', message }]
}

function relayed({ swarm }: Network, { log }: Feed): Reason[] {
  const through = log.peers.flatMap((it) => swarm.relaying.throughFor(it.publicKey) ?? [])
  if (through.length === 0) return []
  const by = [...new Set(through)].map(short).join(', ')
  const who = through.length === 1 ? '1 peer is' : `${through.length} peers are`
  const message = `${who} connected through a relay of ${by}: no other way leads there.`
  return [{ code: 'relayed', message }]
}

async function missingBlocks(engine: Engine, network: Network, feed: Feed): Promise<Reason[]> {
  const reasons: Reason[] = []
  if (feed.length === 0) {
    reasons.push({ code: 'nothing-yet', message: 'Nothing of it has arrived yet.' })
  }
  if (network.status(feed.feedKey).peers === 0) {
    return [...(await lonely(network, feed)), ...reasons]
  }
  return [...reasons, ...whereIsTheRest(engine.config, network, feed)]
}

/** Why no peer is connected. */
async function lonely(network: Network, feed: Feed): Promise<Reason[]> {
  const within = () => AbortSignal.timeout(DHT_TIMEOUT_MS)
  const { discoveryKey } = feed.log
  const [{ answered }, announcers] = await Promise.all([
    network.swarm.diagnosis.askNodes(within()),
    network.swarm.diagnosis.countAnnouncers(discoveryKey, within()),
  ])
  if (announcers > 0) return [unreachable(network, announcers)]
  if (answered === 0) {
    const message = 'The DHT does not answer, so nobody farther away than this room can be found.'
    return [{ code: 'no-dht', message, next: '`hyperletter doctor` looks at the network.' }]
  }
  const message = 'Nobody else announces it just now: neither the author nor a reader is online.'
  const next = 'It is fetched as soon as somebody comes, while the daemon runs.'
  return [{ code: 'nobody-announces', message, next }]
}

function unreachable(network: Network, announcers: number): Reason {
  const { bannedPeers, attempts } = network.swarm.diagnosis.facts()
  const others = announcers === 1 ? '1 other announces' : `${announcers} others announce`
  const codes = Object.keys(attempts.failed).join(', ')
  const why = codes === '' ? '' : ` Failures so far: ${codes}.`
  const banned =
    bannedPeers === 0 ? '' : ` ${bannedPeers} peers are turned away for what they sent before.`
  return {
    code: 'unreachable',
    message: `${others} it, but no connection stands.${why}${banned}`,
    next: 'They may have gone offline a while ago. `hyperletter doctor` looks at the network.',
  }
}

const MAX_RANGES = 256

const MAX_NAMED = 4

/** Of the blocks that are missing: which no connected peer holds, and which are on their way. */
export function whereIsTheRest(
  { downloadLimit }: Pick<Config, 'downloadLimit'>,
  network: Network,
  feed: Feed,
): Reason[] {
  const missing = missingRanges(feed.log, feed.unwanted, MAX_RANGES)
  const unheld = unheldOf(feed.log, missing)
  const onTheWay = blocksIn(missing) - blocksIn(unheld)
  const { peers } = network.status(feed.feedKey)
  return [
    ...(unheld.length === 0 ? [] : [nobodyHolds(unheld, peers)]),
    ...(onTheWay === 0 ? [] : [fetching(onTheWay, downloadLimit)]),
  ]
}

function nobodyHolds(ranges: readonly BlockRange[], peers: number): Reason {
  const named = ranges.slice(0, MAX_NAMED).map(nameOf).join(', ')
  const more = ranges.length > MAX_NAMED ? ' and more' : ''
  const who = peers === 1 ? 'The one connected peer does not hold' : `None of ${peers} peers holds`
  return {
    code: 'nobody-holds',
    message: `${who} ${named}${more}.`,
    next: 'It is fetched as soon as somebody comes who does, while the daemon runs.',
  }
}

function fetching(blocks: number, downloadLimit: number | undefined): Reason {
  const limited =
    downloadLimit === undefined || downloadLimit === Infinity
      ? ''
      : `, at no more than ${Math.round(downloadLimit / 1_000)} kB/s, as is set`
  return { code: 'fetching', message: `${blocks} blocks are being fetched from peers${limited}.` }
}

function nameOf({ start, end }: BlockRange): string {
  return end - start === 1 ? `block ${start}` : `blocks ${start} to ${end - 1}`
}

function blocksIn(ranges: readonly BlockRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0)
}
