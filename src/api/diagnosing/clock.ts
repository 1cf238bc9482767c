import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from '../../engine/engine.ts'
import { ok, warning, type Check } from './check.ts'

/** No copy of this version is older: a clock before it is wrong. */
const RELEASED_AT = Date.UTC(2026, 0, 1)

/** Authors' clocks differ by as much without anybody noticing. */
const TOLERANCE_MS = 10 * 60_000

const SET_IT = 'Let the system set the clock by itself, from the network.'

/**
 * Whether the clock can be right. Nobody is asked for the time: what was written here before and what
 * others published is not later than now, unless some clock is wrong. Issues are dated by it.
 */
export async function checkClock(engine: Engine, now = Date.now()): Promise<Check> {
  const time = new Date(now).toISOString()
  if (now < RELEASED_AT) return warning('clock', `It shows ${time}, which is long ago.`, SET_IT)
  const { storeDir, dataDir } = engine.config
  const files = ['CORESTORE', 'db', '.'].map((it) => join(storeDir, it))
  const written = await Promise.all([...files, dataDir].map(modifiedAt))
  const newest = Math.max(...written)
  if (newest > now + TOLERANCE_MS) {
    const later = new Date(newest).toISOString()
    return warning('clock', `It shows ${time}, but files here were written at ${later}.`, SET_IT)
  }
  const ahead = await publishedAfter(engine, now + TOLERANCE_MS)
  if (ahead.length > 1) {
    return warning(
      'clock',
      `It shows ${time}, but ${ahead.length} newsletters have issues of later: it may be slow.`,
      SET_IT,
    )
  }
  return ok('clock', time)
}

async function publishedAfter(engine: Engine, time: number): Promise<string[]> {
  const later: string[] = []
  for (const entry of engine.library.list()) {
    await using session = await engine.feeds.ifOpen(entry.feedKey)
    const newest = await session?.feed.newest({ wait: false }).catch(() => undefined)
    if (newest !== undefined && Date.parse(newest.record.publishedAt) > time) {
      later.push(entry.feedKey)
    }
  }
  return later
}

async function modifiedAt(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0
}
