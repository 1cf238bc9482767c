import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A new, empty directory that goes when the running test ends. Call it in a test or in `beforeEach`. */
export async function temporaryDirectory(): Promise<string> {
  // The real path: on some systems the directory for temporary files is a link.
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'hyperletter-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true, maxRetries: 3 }))
  return directory
}
