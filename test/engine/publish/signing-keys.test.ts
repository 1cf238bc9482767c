import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openEngine } from '../../helpers/engines.ts'
import { expectCode } from '../../helpers/errors.ts'
import { beginNewsletter, issueOf } from '../../helpers/newsletters.ts'

/** An author whose key file is damaged by `damage`. */
async function withDamagedKey(damage: (path: string) => Promise<void>) {
  const first = await openEngine()
  const { feed, entry } = await beginNewsletter(first)
  await first.author.append(feed, [await issueOf('One')])
  await first.close()
  await damage(join(first.config.keysDir, entry.feedKey))
  return { engine: await openEngine({ config: first.config }), entry }
}

const flipped = (at: number) => async (path: string) => {
  const bytes = await readFile(path)
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  await writeFile(path, bytes)
}

describe('a damaged key file', () => {
  test.each([
    ['cut to nothing', (path: string) => truncate(path, 0)],
    ['cut in the middle', (path: string) => truncate(path, 40)],
    ['other in its first half', flipped(3)],
    ['other in its second half', flipped(63)],
  ])(
    'that is %s is KEY_DAMAGED on publishing, and keeps nobody from reading',
    async (_, damage) => {
      const { engine, entry } = await withDamagedKey(damage)
      await using session = await engine.open(entry)
      const { issues } = await session.feed.list()
      expect(issues.map(({ record }) => record.title)).toEqual(['One'])
      const appending = engine.author.append(session.feed, [await issueOf('Two')])
      await expectCode(appending, 'KEY_DAMAGED')
    },
  )
})
