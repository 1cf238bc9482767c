import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { replaceWhole } from '../atomic-file.ts'
import type { Newsletter } from '../site/pages/parts.ts'
import { feedAddresses, type AllAddresses } from '../site/syndication/addresses.ts'
import { Secrets } from './secrets.ts'

const port = z.int().min(1).max(65_535)

// A later version may have added fields: they stay, and the secret with them.
const readerState = z.looseObject({
  port,
  /** Where it is served while something else has that port. */
  otherPort: port.optional(),
  /** Everything that proves who may read or change something is derived from it. */
  secret: z.string().regex(/^[0-9a-f]{64}$/),
})

/** What the web reader keeps from run to run, so that bookmarks and feed addresses stay good. */
export type ReaderState = z.infer<typeof readerState>

/** Whether the web reader was ever opened for this data directory. */
export function wasOpened(dataDir: string): boolean {
  return existsSync(fileIn(dataDir))
}

/** What was kept; a file that cannot be understood counts as none, and costs a new session. */
export async function loadState(dataDir: string, defaultPort: number): Promise<ReaderState> {
  try {
    return readerState.parse(JSON.parse(await readFile(fileIn(dataDir), 'utf8')))
  } catch {
    return { port: defaultPort, secret: newSecret() }
  }
}

export function newSecret(): string {
  return randomBytes(32).toString('hex')
}

/** The port of an address; URLs leave out the one that is usual. */
export function portOf(origin: string): number {
  return Number(new URL(origin).port || 80)
}

/** Keeps it, readable only for this user. */
export async function saveState(dataDir: string, state: ReaderState): Promise<void> {
  await replaceWhole(fileIn(dataDir), [Buffer.from(`${JSON.stringify(state)}\n`)])
}

function fileIn(dataDir: string): string {
  return join(dataDir, 'reader.json')
}

/** The feed addresses of the reader of a data directory, with the secrets it keeps there. */
export async function readerAddresses(
  dataDir: string,
  origin: string,
  newsletters: readonly Newsletter[],
): Promise<AllAddresses> {
  const { secret } = await loadState(dataDir, portOf(origin))
  return feedAddresses(origin, new Secrets(secret), newsletters)
}
