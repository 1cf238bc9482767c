import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from './config.ts'
import { SMALLEST_CAP_BYTES } from './values.ts'

/** Nobody who chose nothing should find more of their disk taken. */
const LARGEST_DEFAULT_BYTES = 10e9

/** Of the disk that is free at the first start. */
const DEFAULT_SHARE = 0.2

/** A disk with less room than this is full, and says so; a cap made of it would outlast that. */
const SMALLEST_DEFAULT_BYTES = 64 * 1024 * 1024

interface DiskCap {
  /** `Infinity` for none. */
  readonly capBytes: number
  /** It was chosen just now, from the room there is. */
  readonly isNew: boolean
}

/**
 * How much of what others wrote may lie on this disk. Without a setting: the smaller of 10 GB and a fifth of
 * the disk that was free at the first start, but no less than 64 MiB. It is written down, for a share of what is free now
 * would shrink with each issue. Synchronously: every start waits for it, and threads would take longer.
 */
export function diskCapOf(config: Pick<Config, 'dataDir' | 'diskCap'>): DiskCap {
  if (config.diskCap !== undefined) return { capBytes: config.diskCap, isNew: false }
  const file = join(config.dataDir, 'disk-cap')
  const known = Number(textOf(file))
  if (Number.isSafeInteger(known) && known >= SMALLEST_CAP_BYTES)
    return { capBytes: known, isNew: false }
  const share = Math.round(freeBytes(config.dataDir) * DEFAULT_SHARE)
  const capBytes = Math.max(SMALLEST_DEFAULT_BYTES, Math.min(LARGEST_DEFAULT_BYTES, share))
  remember(file, capBytes)
  return { capBytes, isNew: true }
}

// A disk that is full or read-only says so to whoever writes something that matters.
function remember(file: string, capBytes: number): void {
  const draft = `${file}.${process.pid}`
  try {
    makeDirectory(dirname(file))
    // What lies there already is left from a crash, or a link of somebody else's that must not be followed.
    rmSync(draft, { force: true })
    writeFileSync(draft, `${capBytes}\n`, { mode: 0o600, flag: 'wx' })
    renameSync(draft, file)
  } catch {
    // It is chosen anew at the next start.
  }
}

// The recursive `mkdir` of Node.js never ends below /proc.
function makeDirectory(dir: string): void {
  if (existsSync(dir)) return
  makeDirectory(dirname(dir))
  mkdirSync(dir, { mode: 0o700 })
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}

function freeBytes(dir: string): number {
  for (let at = dir; ; at = dirname(at)) {
    try {
      const { bavail, bsize } = statfsSync(at)
      return bavail * bsize
    } catch {
      // It is made at the first start.
    }
    if (at === dirname(at)) return LARGEST_DEFAULT_BYTES / DEFAULT_SHARE
  }
}
