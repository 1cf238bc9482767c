import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openPeer } from '../helpers/peers.ts'
import { all } from '../helpers/operations.ts'
import { shellIn } from '../helpers/tmux.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

const PICTURE = fileURLToPath(new URL('../../fixtures/drafts/images/tide.png', import.meta.url))

test(
  'somebody who never published does, and sees the issue before it is signed',
  {
    timeout: 120_000,
  },
  async ({ skip }) => {
    const network = await privateNetwork()
    const folder = await temporaryDirectory()
    const shell = await shellIn(folder, network, skip)

    await shell.run('hyperletter create "Tide Tables"')
    const created = await shell.shows(/Press Enter when they are on paper/)
    const words = new Map([...created.matchAll(/(\d+) ([a-z]+)/g)].map(([, n, it]) => [n, it]))
    const link = /hyperletter:\/\/[a-z0-9]{52}/.exec(created)?.[0] ?? ''
    await shell.press('Enter')
    const asked = async () => (await shell.shows(/Word \d+: ?$/)).match(/Word (\d+): ?$/)?.[1] ?? ''
    const first = await asked()
    // The words are hidden, and the same one is asked for again.
    expect(await shell.screen()).not.toMatch(/\d+ [a-z]+ +\d+ [a-z]+/)
    await shell.run('wrong')
    await shell.shows(new RegExp(`Wrong word[^]*Word ${first}: ?$`))
    for (let answered = 0; answered < 3; answered++) {
      const number = await asked()
      await shell.run(words.get(number) ?? '')
      await shell.shows(new RegExp(`Word ${number}: ${words.get(number)}\n`))
    }
    await shell.shows(/Confirmed\./)

    const draft = join(folder, 'first.md')
    await writeFile(draft, '# First tide\n\nHigh at noon.\n\n![The tide](tide.png)\n')
    await shell.run('clear; hyperletter publish first.md')
    await shell.shows(/line 5: The image "tide\.png" is missing[^]*\(yes\/no\)/)
    await shell.run('no')
    await shell.shows(/Nothing was published/)
    await copyFile(PICTURE, join(folder, 'tide.png'))
    await shell.run('clear; hyperletter publish first.md')
    await shell.shows(/Nothing looks wrong\.[^]*as issue 1 of “Tide Tables”\? \(yes\/no\)/)
    await shell.run('yes')
    await shell.shows(/Published issue 1, “First tide” with 1 attachment\./)

    await shell.run('clear; hyperletter daemon start && hyperletter status')
    await shell.shows(/Stay online: no one else has issue 1 of “Tide Tables” yet/)
    const reader = await openPeer(network)
    await all(reader.operations.subscribe({ link, wait: true }))
    const issue = await reader.operations.readIssue({ newsletter: 'Tide', number: 1 })
    expect(issue.verified && issue.markdown).toContain('High at noon')
    await shell.run('clear; hyperletter status')
    await shell.shows(/Safe to go offline: issue 1 of “Tide Tables” is held in full by 1 other/)
    await shell.run('clear; hyperletter daemon stop')
    await shell.shows(/stopped/)
  },
)
