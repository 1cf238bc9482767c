import { randomUUID } from 'node:crypto'
import { rm, stat, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../../config/config.ts'
import { codeOf } from '../../errors.ts'
import { failed, ok, warning, type Check } from './check.ts'

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
  const { bavail, bsize } = await statfs(dataDir)
  const freeBytes = bavail * bsize
  const free = `${Math.floor(freeBytes / MIB).toLocaleString('en')} MiB are free`
  const next = 'Make room, or bound what is kept with --disk-cap.'
  if (freeBytes < TOO_LITTLE_BYTES) return failed('disk space', `Only ${free}.`, next)
  if (freeBytes < LITTLE_BYTES) return warning('disk space', `Only ${free}.`, next)
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
