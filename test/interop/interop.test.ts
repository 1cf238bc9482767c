import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { keyBytes, type EncryptionKey } from '../../src/format/keys/feed-key.ts'
import { runNode } from '../helpers/child.ts'
import { publishLetter } from '../helpers/letters.ts'
import { all } from '../helpers/operations.ts'
import { openAuthor, openPeer, publish } from '../helpers/peers.ts'
import { addressOf, feedOf, folderWithImage, subscribe } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { coreOf } from '../helpers/stores.ts'

const scriptPath = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const READER = scriptPath('read-with-plain-hypercore.js')
const SEEDER = scriptPath('seed-with-plain-hypercore.js')

// Long enough for several blocks, and too random for gzip to make one of them.
const LONG = `# Tide table\n\n${Array.from({ length: 9_000 }, (_, i) => `${Math.sin(i)}`).join('\n')}\n`
const SHORT = '# Spring tides\n\nThe sea comes, “and goes” — 潮汐.\n'

describe.each([
  { kind: 'a public newsletter', isPrivate: false },
  { kind: 'a private newsletter', isPrivate: true },
])('$kind', ({ isPrivate }) => {
  test('is read by a script that knows docs/format.md only', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { isPrivate })
    const { operations, feedKey, link } = author
    const sources = [SHORT, LONG, '# No newline at the end']
    // It knows no letters, and passes over their records.
    await operations.editNewsletter({ newsletter: feedKey, letters: 'anyone' })
    for (const markdown of sources) {
      await publish(operations, markdown)
      if (markdown === SHORT) await publishLetter(author.engine, await feedOf(author, feedKey))
    }

    const encryptionKey = link.split('#')[1] as EncryptionKey | undefined
    const secret = encryptionKey === undefined ? [] : [hex(keyBytes(encryptionKey))]
    for (const [i, source] of sources.entries()) {
      const args = [READER, addressOf(bootstrap), feedKey, `${i + 1}`, ...secret]
      const script = runNode(args, { STORE: await temporaryDirectory() })
      expect([await script.ended(), script.stderr()]).toEqual([0, ''])
      expect(script.stdout()).toBe(source)
    }
  })

  test('is kept alive by a script that knows the feed key only', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { isPrivate })
    const { feedKey, link } = author
    const { folder, bytes } = await folderWithImage('chart.png', 200_000)
    await publish(author.operations, SHORT)
    const draft = { markdown: '# With a chart\n\n![The chart](chart.png)\n', folder }
    await all(author.operations.publishIssue({ draft }))
    const { length } = await feedOf(author, feedKey)
    const seeder = runNode([SEEDER, addressOf(bootstrap), feedKey, await temporaryDirectory()])
    await seeder.line(new RegExp(`^held ${length}$`))
    await author.engine.close()

    const reader = await openPeer(bootstrap)
    await subscribe(reader, link)

    const { operations } = reader
    const newsletter = feedKey
    expect(await operations.readIssue({ newsletter, number: 1 })).toMatchObject({
      markdown: SHORT,
      verified: true,
    })
    const chart = operations.readAttachment({ newsletter, number: 2, name: 'chart.png' })
    expect(Buffer.concat(await all(chart)).equals(bytes)).toBe(true)
    expect(coreOf(await feedOf(reader, feedKey)).contiguousLength).toBe(length)
  })
})

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
