import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Output } from '../../src/api/contract/contract.ts'
import { all } from '../helpers/operations.ts'
import { jsonOf } from '../helpers/cli.ts'
import { openAuthor, openPeer } from '../helpers/peers.ts'
import { shellIn } from '../helpers/tmux.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

test(
  'a seeder takes a list of links, and serves them when their authors are gone',
  { timeout: 120_000 },
  async ({ skip }) => {
    const network = await privateNetwork()
    const folder = await temporaryDirectory()
    const authors = [
      await openAuthor(network, { issues: 3 }),
      await openAuthor(network, { issues: 2, isPrivate: true }),
    ]
    const links = authors.map((it) => it.link)
    // As they stand in a mail, one without what it takes to read it.
    const list = `# from the list\n<${links[0]}>.\n${links[1]?.split('#')[0]}\n`
    await writeFile(join(folder, 'links.txt'), list)
    const shell = await shellIn(folder, network, skip)
    await shell.run('hyperletter daemon start && hyperletter seed --file links.txt')
    await shell.shows(/next:|\$ $/)
    const status = async () => {
      await shell.run('clear; hyperletter status --json > status.json; echo written')
      await shell.shows(/^written/m)
      return jsonOf(await shell.file('status.json')) as Output<'status'>
    }
    const held = async () =>
      (await status()).newsletters.every((it) => it.length > 0 && it.heldBlocks === it.length)
    await expect.poll(held, { timeout: 20_000 }).toBe(true)
    for (const it of authors) await it.engine.close()

    const reader = await openPeer(network)
    await all(reader.operations.subscribe({ link: links[1] ?? '', wait: true }))
    const issue = await reader.operations.readIssue({
      newsletter: authors[1]?.feedKey ?? '',
      number: 2,
    })
    expect(issue).toMatchObject({ verified: true, title: 'Issue 2' })
    const served = (await status()).newsletters.map((it) => it.uploadedBytes)
    expect(Math.max(...served)).toBeGreaterThan(0)
    await shell.run('clear; hyperletter status')
    expect(await shell.shows(/seeder[^]*seeder[^]*\$ ?$/)).not.toMatch(/.{81}/)
    await shell.run('clear; hyperletter daemon stop')
    await shell.shows(/stopped/)
  },
)
