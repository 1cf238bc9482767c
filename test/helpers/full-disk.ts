import { randomBytes } from 'node:crypto'
import { stat, truncate } from 'node:fs/promises'
import { expect } from 'vitest'
import type { Address, Config } from '../../src/config/config.ts'
import { hasCode } from '../../src/errors.ts'
import type { Operations } from '../../src/api/contract/contract.ts'
import { bindOperations } from '../../src/api/operations.ts'
import { openEngine } from './engines.ts'
import { openAuthor, publish, type Peer } from './peers.ts'
import { fillDisk } from './small-disk.ts'

export const KIB = 1024
export const MIB = 1024 * KIB

/** A disk that is full but for `roomBytes`. Give it back its room with `rm`. */
export async function fillAllBut(disk: string, roomBytes: number): Promise<string> {
  const filling = await fillDisk(disk)
  await truncate(filling, (await stat(filling)).size - roomBytes)
  return filling
}

export async function openOn(config: Config): Promise<Peer> {
  const engine = await openEngine({ config })
  if (config.bootstrap !== undefined && config.bootstrap.length > 0) await engine.network()
  return { engine, operations: bindOperations(engine, 'engine') }
}

/** Text that no compression makes much smaller. */
export function noise(sizeBytes: number): string {
  return randomBytes(sizeBytes * 0.75).toString('base64')
}

/** All issues that can be read whole, as number and text. Fails where one is listed, held and cannot. */
export async function heldIssues(
  operations: Operations,
  newsletter: string,
): Promise<Map<number, string>> {
  const found = new Map<number, string>()
  for (const { number, held } of await operations.listIssues({ newsletter })) {
    if (!held) continue
    const issue = await operations.readIssue({ newsletter, number })
    expect(issue.verified).toBe(true)
    found.set(number, issue.markdown ?? '')
  }
  return found
}

/** Takes DISK_FULL for an answer, and no other failure. */
export function isDiskFull(error: unknown): undefined {
  if (!hasCode(error, 'DISK_FULL')) throw error
}

export async function expectNoConflict({ operations }: Peer): Promise<void> {
  for (const it of (await operations.status({})).newsletters) expect(it.problem).toBeUndefined()
}

export type LargeAuthor = Awaited<ReturnType<typeof openLargeAuthor>>

/** A newsletter of 10 issues, about 10 MiB. */
export async function openLargeAuthor(bootstrap: readonly Address[]) {
  const author = await openAuthor(bootstrap, { isOnline: bootstrap.length > 0 })
  for (let i = 1; i <= 10; i++) {
    await publish(author.operations, `# Issue ${i}\n\n${noise(900 * KIB)}\n`)
  }
  return { ...author, issues: await heldIssues(author.operations, author.feedKey) }
}
