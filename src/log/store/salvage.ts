import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../../errors.ts'
import { onStore } from '../../storage-errors.ts'
import { hypercoreOf } from '../hypercore-log.ts'
import type { Store } from './store.ts'

/** Blocks of a log that a store has, and how many of them cannot be read. */
export interface Scrubbed {
  readonly blocks: number
  readonly lost: number
}

/** Reads every block that a store has of a log. @param key 32 bytes. @throws STORE_DAMAGED where not even that is known */
export async function scrub(store: Store, key: Uint8Array): Promise<Scrubbed> {
  return eachBlock(store, key, (index, log) => log.readStored(index))
}

/** Copies what can be read of a log into a store that has nothing of it; each block is verified. */
export async function salvage(from: Store, to: Store, key: Uint8Array): Promise<Scrubbed> {
  const log = await to.openLog(key)
  try {
    const target = hypercoreOf(log)
    return await eachBlock(from, key, async (index, damaged) => {
      const source = hypercoreOf(damaged)
      if (target.length === 0) {
        const upgrade = { start: 0, length: source.length }
        const proof = await source.proof({ upgrade })
        await target.applyProof({ ...proof, manifest: source.manifest })
      }
      const nodes = await target.missingNodes(index)
      await target.applyProof(await source.proof({ block: { index, nodes } }))
    })
  } finally {
    await log.close()
  }
}

async function eachBlock(
  store: Store,
  key: Uint8Array,
  work: (index: number, log: Awaited<ReturnType<Store['openLog']>>) => Promise<unknown>,
): Promise<Scrubbed> {
  const log = await store.openLog(key)
  let [blocks, lost] = [0, 0]
  try {
    for (let index = 0; index < log.length; index++) {
      if (!(await log.has({ start: index, end: index + 1 }))) continue
      blocks++
      await onStore(() => work(index, log)).catch((error: unknown) => {
        if (hasCode(error, 'DISK_FULL', 'READ_ONLY')) throw error
        lost++
      })
    }
    return { blocks, lost }
  } finally {
    await log.close().catch(() => undefined)
  }
}

/** Lets RocksDB find its list of files again where CURRENT, which only names it, is damaged. */
export async function mendCurrent(storeDir: string): Promise<void> {
  const directory = join(storeDir, 'db')
  const current = await readFile(join(directory, 'CURRENT'), 'utf8').catch(() => '')
  const names: string[] = await readdir(directory).catch(() => [])
  if (names.includes(current.trimEnd()) && current.endsWith('\n')) return
  // Numbers of at least six digits, which only grow.
  const newest = names
    .filter((it) => /^MANIFEST-\d+$/.test(it))
    .toSorted()
    .at(-1)
  if (newest !== undefined) await writeFile(join(directory, 'CURRENT'), `${newest}\n`)
}
