import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { takeBundle } from '../../../src/format/bundle/take.ts'
import { resultOf } from '../../../src/format/bundle/verify.ts'
import { History } from '../../../src/format/history/history.ts'
import { keyBytes, parseEncryptionKey, parseFeedKey } from '../../../src/format/keys/feed-key.ts'
import { asBundle, treeOfFiles } from '../../../src/format/log-files/verified-files.ts'
import { LogFiles } from '../../../src/format/log-files/log-files.ts'
import type { LogFileSource } from '../../../src/format/log-files/source.ts'
import { filesOf } from '../../helpers/log-files.ts'
import { logOf, openStore } from '../../helpers/stores.ts'

const FIXTURES = fileURLToPath(new URL('../../../fixtures/log-files/', import.meta.url))
const SCRIPT = fileURLToPath(new URL('../../interop/read-log-files.js', import.meta.url))

const golden = z
  .array(
    z.object({
      folder: z.string(),
      feedKey: z.string().transform(parseFeedKey),
      length: z.int(),
      holes: z.array(z.tuple([z.int(), z.int()])),
      treeHash: z.string(),
      encryptionKey: z.string().transform(parseEncryptionKey).optional(),
      issues: z.int(),
      newest: z.string(),
    }),
  )
  .parse(JSON.parse(await readFile(join(FIXTURES, 'index.json'), 'utf8')))

const onDisk = (folder: string): LogFileSource => ({
  get: async (path, { from, to }) =>
    (await readFile(join(FIXTURES, folder, path))).subarray(from, to),
})

describe.each(golden)('the golden log files $folder', ({ folder, feedKey, ...expected }) => {
  it('are read as they were when they were written', async () => {
    const { encryptionKey } = expected
    const log = await LogFiles.open(onDisk(folder), { feedKey, encryptionKey })
    expect(log.length).toBe(expected.length)
    expect(log.files.head.holes.map(({ start, end }) => [start, end])).toEqual(expected.holes)
    expect(Buffer.from(await log.files.treeHash(log.length)).toString('hex')).toBe(
      expected.treeHash,
    )
    await log.fetchRecords()
    const { issues, missing } = await new History(log).list({ wait: false })
    expect({ issues: issues.length, missing }).toEqual({ issues: expected.issues, missing: 0 })
    expect(issues[0]?.record.title).toBe(expected.newest)
  })

  it('are written again byte for byte by whoever took them', async () => {
    const { files } = await LogFiles.open(onDisk(folder))
    const { encryptionKey } = expected
    const encryption =
      encryptionKey === undefined
        ? {}
        : { encryption: { key: Buffer.from(keyBytes(encryptionKey)) } }
    const core = (await openStore()).get({ key: feedKey, allowFork: false, ...encryption })
    const log = await logOf(core)
    await resultOf(takeBundle(log, await treeOfFiles(files), asBundle(files)))
    const written = await filesOf(log, { holes: files.head.holes, records: log })
    const names = (await readdir(join(FIXTURES, folder), { recursive: true, withFileTypes: true }))
      .filter((it) => it.isFile())
      .map((it) => join(it.parentPath, it.name).slice(join(FIXTURES, folder).length + 1))
    expect([...written.keys()].toSorted()).toEqual(names.toSorted())
    for (const [path, bytes] of written) {
      // Another zlib may compress in another way.
      const plain = (it: Uint8Array) => (path.startsWith('records/') ? gunzipSync(it) : it)
      const before = await readFile(join(FIXTURES, folder, path))
      expect(Buffer.compare(plain(bytes), plain(before))).toBe(0)
    }
  })

  it('are verified by a script that knows docs/log-files.md only', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, join(FIXTURES, folder)])
    const found = JSON.parse(stdout) as Record<string, unknown>
    const { length, holes, treeHash, encryptionKey, newest } = expected
    expect(found).toMatchObject({
      feedKey: Buffer.from(keyBytes(feedKey)).toString('hex'),
      length,
      holes,
      treeHash,
      ...(encryptionKey === undefined && { newest }),
    })
    expect(found['records']).toBeGreaterThan(expected.issues)
  })
})
