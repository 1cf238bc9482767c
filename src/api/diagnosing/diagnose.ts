import type { Engine } from '../../engine/engine.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { Output } from '../contract/contract.ts'
import { type Check, checkClock, checkDisk, failed, ok, warning, within } from './checks.ts'
import { checkDht, checkPeers, checkReachability, checkRoom } from './connectivity.ts'

/** How long each thing may take. */
const CHECK_MS = 8_000

/** Looks at everything that newsletters need; going online if that has not happened yet. */
export async function diagnose(engine: Engine): Promise<Output<'diagnose'>> {
  const network = await engine.network()
  const [clock, disk, dht, newsletters] = await Promise.all([
    within('clock', CHECK_MS, () => checkClock(engine)),
    within('disk', CHECK_MS, () => checkDisk(engine.config)),
    within('DHT', CHECK_MS, (signal) => checkDht(network, signal)),
    within('newsletters', CHECK_MS, () => checkNewsletters(engine)),
  ])
  // Of use only once the DHT had its time.
  const facts = network.swarm.facts()
  return {
    publicKey: facts.publicKey,
    checks: [
      ...clock,
      ...disk,
      ...dht,
      ...checkReachability(facts, engine.config),
      checkRoom(engine.config, facts),
      checkPeers(facts),
      ...newsletters,
    ],
  }
}

async function checkNewsletters(engine: Engine): Promise<Check> {
  const entries = engine.library.list()
  if (entries.length === 0) {
    return ok('newsletters', 'None yet: `hyperletter subscribe <link>` adds one.')
  }
  const damaged = entries.filter((it) => it.problem !== undefined)
  if (damaged.length > 0) {
    const names = damaged.map((it) => it.title ?? it.feedKey.slice(0, 8)).join(', ')
    return failed('newsletters', `Damaged: ${names}.`, '`hyperletter why <newsletter>` says more.')
  }
  // Those that rest have nothing to do just now; a thousand of them are not opened for this.
  const looks = await Promise.all(entries.map(({ feedKey }) => isComplete(engine, feedKey)))
  const complete = looks.filter((it) => it !== undefined)
  const whole = complete.filter(Boolean).length
  const resting = entries.length - complete.length
  const message = `${whole} of ${complete.length} are here in full${resting > 0 ? `; ${resting} rest` : ''}.`
  if (whole === complete.length) return ok('newsletters', message)
  return warning('newsletters', message, '`hyperletter why <newsletter>` says what is missing.')
}

async function isComplete(engine: Engine, feedKey: FeedKey): Promise<boolean | undefined> {
  await using session = await engine.feeds.ifOpen(feedKey)
  if (session === undefined) return undefined
  return session.feed.length > 0 && (await session.feed.isComplete().catch(() => false))
}
