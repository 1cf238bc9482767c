import { randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bindOperations } from '../../../src/api/operations.ts'
import { openEngine } from '../../helpers/engines.ts'
import { all, expectFailure, single } from '../../helpers/operations.ts'
import { openAuthor, openPeer, publish, type Peer } from '../../helpers/peers.ts'
import { eventually, feedOf, subscribe } from '../../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { privateNetwork } from '../../helpers/testnet.ts'
import { coreOf } from '../../helpers/stores.ts'

const newsletter = 'Tide tables'

async function bundleOf({ operations }: Peer, feedKey: string): Promise<Buffer> {
  return Buffer.concat(await all(operations.exportBundle({ newsletter: feedKey })))
}

async function take(peer: Peer, bytes: Uint8Array, link: string): Promise<void> {
  const file = join(await temporaryDirectory(), 'a.bundle')
  await writeFile(file, bytes)
  await all(peer.operations.importBundle({ file, link, subscribe: true }))
}

async function pictures(count: number): Promise<{ markdown: string; folder: string }> {
  const folder = await temporaryDirectory()
  const names = Array.from({ length: count }, (_, i) => `tide-${i}.png`)
  for (const name of names) await writeFile(join(folder, name), randomBytes(200_000))
  return { markdown: `# Pictures\n\n${names.map((it) => `![](${it})\n\n`).join('')}`, folder }
}

/** Files below a folder that contain the first bytes of `bytes`. */
async function filesWith(folder: string, bytes: Buffer): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((it) => it.isFile()).map((it) => join(it.parentPath, it.name))
  const contents = await Promise.all(paths.map((it) => readFile(it)))
  return paths.filter((_, i) => contents[i]?.includes(bytes.subarray(0, 64)) === true)
}

describe('a retraction', () => {
  it('lets the author publish on after a restart, offline', async () => {
    const dataDir = await temporaryDirectory()
    const before = await openEngine({ dataDir })
    const operations = bindOperations(before, 'engine')
    await operations.createNewsletter({ title: newsletter })
    await publish(operations, '# One\n')
    await operations.retractIssue({ number: 1 })
    await before.close()
    const after = await openEngine({ dataDir })
    expect(await publish(bindOperations(after, 'engine'), '# Two\n')).toMatchObject({ number: 2 })
  })

  it.each([100, 20_000])(
    'leaves a picture of %i bytes in no file of the author',
    async (sizeBytes) => {
      const dataDir = await temporaryDirectory()
      const operations = bindOperations(await openEngine({ dataDir }), 'engine')
      await operations.createNewsletter({ title: newsletter })
      const folder = await temporaryDirectory()
      const bytes = randomBytes(sizeBytes)
      await writeFile(join(folder, 'tide.png'), bytes)
      await all(
        operations.publishIssue({ draft: { markdown: '# One\n\n![](tide.png)\n', folder } }),
      )
      for (const title of ['Two', 'Three']) await publish(operations, `# ${title}\n`)
      expect(await filesWith(dataDir, bytes)).not.toEqual([])
      await operations.retractIssue({ number: 1 })
      expect(await filesWith(dataDir, bytes)).toEqual([])
      expect(await operations.readIssue({ newsletter, number: 2 })).toMatchObject({
        verified: true,
      })
    },
  )

  it('leaves a bundle that is the same from whoever had the newsletter before', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 1 })
    const { feedKey, link, operations } = author
    await all(operations.publishIssue({ draft: await pictures(3) }))
    await publish(operations, '# Three\n')
    const reader = await openPeer(network)
    await subscribe(reader, link)
    await operations.retractIssue({ number: 2 })
    const core = coreOf(await feedOf(reader, feedKey))
    await eventually(async () => expect(await core.has(3)).toBe(false))
    const bytes = await bundleOf(author, feedKey)
    expect(bytes.byteLength).toBeLessThan(10_000)
    expect(await bundleOf(reader, feedKey)).toStrictEqual(bytes)

    const offline = await openPeer([], { isOnline: false })
    await take(offline, bytes, link)
    expect(await bundleOf(offline, feedKey)).toStrictEqual(bytes)
    const { length } = core
    expect(single((await offline.operations.status({})).newsletters)).toMatchObject({
      heldBlocks: length,
      length,
    })
    const issues = await offline.operations.listIssues({ newsletter })
    expect(issues.map((it) => [it.title, it.held])).toStrictEqual([
      ['Three', true],
      ['Pictures', true],
      ['Issue 1', true],
    ])
  })

  it('drops what a bundle of a blind seeder still carries', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 2, isPrivate: true })
    const { feedKey, link, operations } = author
    const seeder = await openPeer(network)
    await seeder.operations.seed({ link: feedKey })
    await all(seeder.operations.followSync({ newsletter: feedKey, timeoutSeconds: 10 }))
    await operations.retractIssue({ number: 1 })
    const seeded = await feedOf(seeder, feedKey)
    await eventually(() => expect(coreOf(seeded).contiguousLength).toBe(6))

    const reader = await openPeer([], { isOnline: false })
    await take(reader, await bundleOf(seeder, feedKey), link)
    const core = coreOf(await feedOf(reader, feedKey))
    expect(await core.has(1)).toBe(false)
    expect(await core.has(2, 6)).toBe(true)
    const read = reader.operations.readIssue({ newsletter, number: 1 })
    expect(await read).toMatchObject({ markdown: '', retracted: {}, verified: true })
  })

  it('is dropped by a seeder that can read what it seeds', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 2 })
    const { feedKey, operations } = author
    const seeder = await openPeer(network)
    await seeder.operations.seed({ link: feedKey })
    await all(seeder.operations.followSync({ newsletter: feedKey, timeoutSeconds: 10 }))
    await operations.retractIssue({ number: 2 })
    const core = coreOf(await feedOf(seeder, feedKey))
    await eventually(async () => expect(await core.has(3)).toBe(false))
    expect(await core.has(0, 3)).toBe(true)
    const { newsletters } = await seeder.operations.status({})
    expect(single(newsletters)).toMatchObject({ heldBlocks: 6, length: 6 })
  })

  it('keeps who never had the contents from making a bundle, which says where to get one', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network)
    const { feedKey, link, operations } = author
    await all(operations.publishIssue({ draft: await pictures(3) }))
    await operations.retractIssue({ number: 1 })
    const late = await openPeer(network)
    await subscribe(late, link)
    const exporting = late.operations.exportBundle({ newsletter: feedKey })
    const error = await expectFailure('NOT_AVAILABLE', exporting)
    expect(error.hint).toEqual(expect.any(String))
  })
})
