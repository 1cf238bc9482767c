import { randomUUID } from 'node:crypto'
import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../../config/config.ts'
import type { Engine } from '../../engine/engine.ts'
import { codeOf } from '../../errors.ts'
import { freeBytes } from '../../log/store/disk.ts'
import { failed, ok, warning, type Check } from './check.ts'

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

const MIB = 1024 * 1024

/** Below this the store may not even be able to tidy itself up. */
const TOO_LITTLE_BYTES = 64 * MIB
const LITTLE_BYTES = 1_024 * MIB

/** Whether there is room, and everything belongs to this user alone. */
export async function checkDisk(
  config: Pick<Config, 'dataDir' | 'keysDir'>,
): Promise<readonly Check[]> {
  return [await room(config.dataDir), await writing(config.dataDir), await privacy(config)]
}

async function room(dataDir: string): Promise<Check> {
  const leftBytes = await freeBytes(dataDir)
  const free = `${Math.floor(leftBytes / MIB).toLocaleString('en')} MiB are free`
  const next = 'Make room, or bound what is kept with --disk-cap.'
  if (leftBytes < TOO_LITTLE_BYTES) return failed('disk space', `Only ${free}.`, next)
  if (leftBytes < LITTLE_BYTES) return warning('disk space', `Only ${free}.`, next)
  return ok('disk space', `${free}.`)
}

async function writing(dataDir: string): Promise<Check> {
  const path = join(dataDir, `.check-${randomUUID()}`)
  try {
    await writeFile(path, 'x', { mode: 0o600 })
    return ok('data directory', `${dataDir} can be written.`)
  } catch (error) {
    return failed(
      'data directory',
      `${dataDir} cannot be written (${codeOf(error) ?? String(error)}).`,
      'Look at its owner and permissions, and whether the disk is mounted read-only.',
    )
  } finally {
    await rm(path, { force: true }).catch(() => undefined)
  }
}

async function privacy({ dataDir, keysDir }: Pick<Config, 'dataDir' | 'keysDir'>): Promise<Check> {
  if (process.platform === 'win32') return ok('permissions', 'As the profile of this user.')
  const open: string[] = []
  for (const path of [dataDir, keysDir]) {
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && (found.mode & 0o077) !== 0) open.push(path)
    if (found !== undefined && found.uid !== process.getuid?.() && process.getuid?.() !== 0) {
      return failed('permissions', `${path} belongs to another user.`, `Run as its owner.`)
    }
  }
  // The keys have a directory and files of their own, which are for one user whatever is around them.
  if (open.includes(keysDir)) {
    const next = `chmod 700 '${keysDir}'`
    return failed('permissions', 'Other users of this machine can read the signing keys.', next)
  }
  if (open.length > 0) {
    const next = `chmod 700 '${dataDir}'`
    return warning('permissions', 'Other users of this machine can see what you read.', next)
  }
  return ok('permissions', 'Only this user can read the data.')
}
