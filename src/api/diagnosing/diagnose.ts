import type { Engine } from '../../engine/engine.ts'
import { mirrorSource } from '../../engine/mirrors/mirror-source.ts'
import { HyperletterError } from '../../errors.ts'
import type { Feed } from '../../format/feed.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { LibraryEntry } from '../../engine/library/library.ts'
import { short } from '../../logger.ts'
import type { Work } from '../work.ts'
import {
  failed,
  ok,
  warning,
  within,
  type Check,
  checkClock,
  checkDisk,
  checkDht,
  checkPeers,
  checkReachability,
  checkRelaying,
  checkRoom,
} from './checks.ts'

const CHECK_MS = 8_000

export const diagnose: Work<'diagnose'> = async (engine) => {
  const network = await engine.network()
  const [clock, disk, dht, newsletters, gateway] = await Promise.all([
    within('clock', CHECK_MS, () => checkClock(engine)),
    within('disk', CHECK_MS, () => checkDisk(engine.config)),
    within('DHT', CHECK_MS, (signal) => checkDht(network, signal)),
    within('newsletters', CHECK_MS, () => checkNewsletters(engine)),
    within('gateway', CHECK_MS, (signal) => checkGateway(engine, signal)),
  ])
  // Of use only once the DHT had its time.
  const facts = network.swarm.diagnosis.facts()
  return {
    publicKey: facts.publicKey,
    checks: [
      ...clock,
      ...disk,
      ...dht,
      ...checkReachability(facts, engine.config),
      checkRoom(engine.config, facts),
      checkPeers(facts),
      ...checkRelaying(network.swarm.relaying.facts(), engine.config),
      ...newsletters,
      ...(await checkMirrors(engine)),
      ...gateway,
    ],
  }
}

async function checkNewsletters(engine: Engine): Promise<Check> {
  const entries = engine.library.list()
  if (entries.length === 0) {
    return ok('newsletters', 'None yet: `hyperletter subscribe <link>` adds one.')
  }
  const why = ({ feedKey }: LibraryEntry) => `hyperletter why ${short(feedKey)}`
  const damaged = entries.filter((it) => it.problem !== undefined)
  if (damaged[0] !== undefined) {
    const names = damaged.map((it) => it.title ?? short(it.feedKey)).join(', ')
    return failed('newsletters', `Damaged: ${names}.`, `\`${why(damaged[0])}\` says more.`)
  }
  // Those that rest have nothing to do just now; a thousand of them are not opened for this.
  const looks = await Promise.all(entries.map(({ feedKey }) => isCompleteIfOpen(engine, feedKey)))
  const complete = looks.filter((it) => it !== undefined)
  const whole = complete.filter(Boolean).length
  const resting = entries.length - complete.length
  const message = `${whole} of ${complete.length} are here in full${resting > 0 ? `; ${resting} rest` : ''}.`
  const first = entries.find((_, i) => looks[i] === false)
  if (first === undefined) return ok('newsletters', message)
  return warning('newsletters', message, `\`${why(first)}\` says what is missing.`)
}

/** Web servers that were of no use the last time; nothing where there are none. */
async function checkMirrors(engine: Engine): Promise<readonly Check[]> {
  const lists = await Promise.all(
    engine.library.list().map(async (entry) => {
      const mirrors = await engine.mirrors.list(entry)
      return mirrors.map((it) => ({ ...it, feedKey: entry.feedKey }))
    }),
  )
  const all = lists.flat()
  const bad = all.filter(({ state }) => state !== 'good' && state !== 'not-asked')
  const [first] = bad
  if (all.length === 0) return []
  if (first === undefined) return [ok('mirrors', `${all.length}, none of which has failed.`)]
  const message = `${bad.length} of ${all.length} are not used. ${first.address}: ${first.message ?? first.state}`
  const next = `\`hyperletter mirror list ${short(first.feedKey)}\` says more.`
  return [warning('mirrors', message, next)]
}

/** Whether the gateway is open, and found under the address that links say; nothing where none is set. */
export async function checkGateway(
  { gateway }: Pick<Engine, 'gateway'>,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const found = gateway()
  if (found === undefined) return []
  const { address, tabs, problem } = found
  if (problem !== undefined)
    return [warning('gateway', problem, 'docs/reach.md says how to set it.')]
  try {
    const request = { limit: MAX_MANIFEST_BYTES, signal }
    const bytes = await mirrorSource(address, { isTyped: true }).get(MANIFEST, request)
    if (!new TextDecoder().decode(bytes).includes('"Hyperletter"')) {
      const message = `Another server answers at ${address}.`
      return [warning('gateway', message, 'docs/reach.md says how to set it.')]
    }
  } catch (error) {
    const message = `${address} does not answer here: ${HyperletterError.from(error).message}`
    return [warning('gateway', message, 'The server with TLS before it must pass requests on.')]
  }
  return [ok('gateway', `${address} answers; ${tabs} browser tabs are connected.`)]
}

/** What a gateway has and other servers do not; a few lines. */
const MANIFEST = 'manifest.webmanifest'
const MAX_MANIFEST_BYTES = 4_096

async function isCompleteIfOpen(engine: Engine, feedKey: FeedKey): Promise<boolean | undefined> {
  await using session = await engine.feeds.ifOpen(feedKey)
  return session && (await isComplete(session.feed))
}

/** Whether there is something of a newsletter, and all of it is here that has its place here. */
export async function isComplete(feed: Feed): Promise<boolean> {
  return feed.length > 0 && (await feed.isComplete().catch(() => false))
}
