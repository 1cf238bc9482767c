import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf } from '../../errors.ts'
import { onStore } from '../../storage-errors.ts'

/**
 * Writes a file for this user alone (mode 0600). Once this resolves, it survives a power loss. Leaves
 * nothing half-written. @throws DISK_FULL
 */
export async function replaceSynced(path: string, parts: readonly Uint8Array[]): Promise<void> {
  await replaceWhole(path, parts)
  await onStore(() => syncDirectory(dirname(path)))
}

/** As `replaceSynced`, but a power loss soon after it may bring back the file as it was before. */
export async function replaceWhole(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const temporary = `${path}.tmp`
  await inTurn(path, () =>
    onStore(async () => {
      try {
        await writeSynced(temporary, parts)
        await rename(temporary, path)
      } catch (error) {
        // On a full disk a half-written file would take what room is left.
        await rm(temporary, { force: true })
        throw error
      }
    }),
  )
}

/** The last write of each file that has not ended. */
const writing = new Map<string, Promise<void>>()

// Two writers of one file would take away each other's temporary one. The later one wins.
async function inTurn(path: string, write: () => Promise<void>): Promise<void> {
  const before = writing.get(path) ?? Promise.resolve()
  const mine = before.catch(() => undefined).then(write)
  writing.set(path, mine)
  try {
    await mine
  } finally {
    if (writing.get(path) === mine) writing.delete(path)
  }
}

async function writeSynced(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    for (const part of parts) await file.writeFile(part)
    await file.datasync()
  } finally {
    await file.close()
  }
}

// A rename is durable once its directory is; Windows cannot sync one and does not need to.
async function syncDirectory(path: string): Promise<void> {
  const dir = await open(path, 'r').catch(() => undefined)
  try {
    await dir?.sync()
  } catch (error) {
    if (!['EPERM', 'EINVAL', 'EISDIR'].includes(codeOf(error) ?? '')) throw error
  } finally {
    await dir?.close()
  }
}
