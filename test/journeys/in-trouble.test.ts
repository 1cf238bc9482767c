import { randomBytes } from 'node:crypto'
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { encodeZ32 } from '../../src/format/keys/feed-key.ts'
import { openPeer, publish } from '../helpers/peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { shellIn, type Shell } from '../helpers/tmux.ts'

/** Runs the command that the screen names as the next step. */
async function goOn(shell: Shell): Promise<void> {
  const said = await shell.shows(/next:[^`]*`hyperletter [^`]+`/)
  const [, command = ''] = /next:[^`]*`([^`]+)`/.exec(said) ?? []
  await shell.run(`clear; ${command.replaceAll(/\s+/g, ' ')}`)
}

test(
  'whoever is in trouble is told what is wrong, and the next steps that are printed lead out of it',
  { timeout: 120_000 },
  async ({ skip }) => {
    const network = await privateNetwork()
    const author = await openPeer(network)
    const { link, recoveryPhrase } = await author.operations.createNewsletter({ title: 'Tides' })
    for (const it of [1, 2, 3]) await publish(author.operations, `# Issue ${it}\n\nText ${it}.\n`)
    const folder = await temporaryDirectory()
    const shell = await shellIn(folder, network, skip)

    // A link that was copied by hand.
    await shell.run(`hyperletter open ${link.slice(0, 20)}l${link.slice(21)}`)
    await shell.shows(/its 7th character is “l”; keys have no l, v, 0 and 2/)
    await shell.run(`clear; hyperletter subscribe ${encodeZ32(randomBytes(32))} --timeout 0.5`)
    await shell.shows(/Nobody answered[^]*next: Check the link first/)
    await shell.run('clear; hyperletter read')
    await shell.shows(/No unread issues/)

    await shell.run(`clear; hyperletter subscribe ${link} && hyperletter star tides 2; echo done`)
    await shell.shows(/^done/m)
    // A power cut, and a disk that lost a part of a file.
    await truncate(join(folder, 'data', 'store', 'db', 'CURRENT'), 3)
    await shell.run('clear; hyperletter inbox')
    await goOn(shell)
    await shell.shows(/Made a new store/)
    await goOn(shell)
    await shell.shows(/The daemon is running/)
    await shell.run('clear; hyperletter fetch tides && hyperletter why tides')
    await shell.shows(/“Tides”: complete \(7 of 7 blocks/)
    await shell.run('clear; hyperletter inbox --starred --list')
    await shell.shows(/Issue 2/)
    await shell.run('clear; hyperletter doctor')
    expect(await shell.shows(/newsletters {2,}1 of 1 are here in full/)).toMatch(/✓ {2}DHT/)

    // The author's laptop is gone; the words are on paper.
    await author.engine.close()
    const other = await temporaryDirectory()
    const another = await shellIn(other, network, skip)
    await writeFile(join(other, 'words.txt'), `${recoveryPhrase}\n`)
    await another.run('hyperletter restore < words.txt')
    await another.shows(/Restored “Tides”: 3 issues, confirmed by 1 reader/)
    await writeFile(join(other, 'fourth.md'), '# Issue 4\n\nBack again.\n')
    await another.run('clear; hyperletter daemon start && hyperletter publish fourth.md --yes')
    await another.shows(/Published issue 4/)
    await shell.run('clear; hyperletter fetch tides; hyperletter issues tides')
    await shell.shows(/Issue 4/)
  },
)
