import { readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'
import { SMALLEST_CAP_BYTES } from './values.ts'

/** Largest cap that is chosen without a setting. */
const LARGEST_DEFAULT_BYTES = 10e9

/** Of the disk that is free at the first start. */
const DEFAULT_SHARE = 0.2

/** A disk with less room than this is full, and says so; a cap made of it would outlast that. */
const SMALLEST_DEFAULT_BYTES = 64 * 1024 * 1024

/**
 * How much of what others wrote may lie on this disk. Without a setting: the smaller of 10 GB and a fifth of
 * the disk that was free at the first start, but no less than 64 MiB. It is written down, for a share of what is free now
 * would shrink with each issue. Synchronously: every start waits for it, and threads would take longer.
 * @param config its data directory is there.
 * @returns bytes; `Infinity` for no cap
 */
export function diskCapOf(config: Pick<Config, 'dataDir' | 'diskCap'>): number {
  if (config.diskCap !== undefined) return config.diskCap
  const file = join(config.dataDir, 'disk-cap')
  const known = Number(textOf(file))
  if (Number.isSafeInteger(known) && known >= SMALLEST_CAP_BYTES) return known
  const share = Math.round(freeBytes(config.dataDir) * DEFAULT_SHARE)
  const capBytes = Math.max(SMALLEST_DEFAULT_BYTES, Math.min(LARGEST_DEFAULT_BYTES, share))
  remember(file, capBytes)
  return capBytes
}

// A disk that is full or read-only says so to whoever writes something that matters.
function remember(file: string, capBytes: number): void {
  const draft = `${file}.${process.pid}`
  try {
    // What lies there already is left from a crash, or a link of somebody else's that must not be followed.
    rmSync(draft, { force: true })
    writeFileSync(draft, `${capBytes}\n`, { mode: 0o600, flag: 'wx' })
    renameSync(draft, file)
  } catch {
    // It is chosen anew at the next start.
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}

function freeBytes(dir: string): number {
  try {
    const { bavail, bsize } = statfsSync(dir)
    return bavail * bsize
  } catch {
    return LARGEST_DEFAULT_BYTES / DEFAULT_SHARE
  }
}
