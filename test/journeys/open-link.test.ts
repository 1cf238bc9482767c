import { expect, onTestFinished, test } from 'vitest'
import { LAUNCHER } from '../helpers/bin.ts'
import { launchBrowser } from '../helpers/browser.ts'
import { runNode } from '../helpers/child.ts'
import { jsonOf } from '../helpers/cli.ts'
import { all } from '../helpers/operations.ts'
import { openAuthor, publish } from '../helpers/peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { DESK, expectToFit } from '../helpers/visits.ts'
import { WebHost } from '../helpers/web-host.ts'

test(
  'a link leads to its newest issue in one command, on a machine that has nothing yet',
  { timeout: 90_000 },
  async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 5 })
    const dataDir = await temporaryDirectory()
    const bootstrap = network.map(({ host, port }) => `${host}:${port}`).join()
    const flags = ['--data-dir', dataDir, '--bootstrap', bootstrap, '--json']
    const run = async (...args: readonly string[]) => {
      const child = runNode([LAUNCHER, ...args, ...flags], { XDG_CONFIG_HOME: dataDir })
      expect([await child.ended(), child.stderr()]).toMatchObject([0, expect.any(String)])
      return jsonOf(child.stdout())
    }
    onTestFinished(async () => void (await run('daemon', 'stop').catch(() => undefined)))
    // As a mail program hands it on.
    const opened = (await run('open', `<${author.link}>.`)) as { url: string }
    expect(opened).toMatchObject({ via: 'daemon', title: 'Tide tables', issues: 5, number: 5 })

    const browser = await launchBrowser()
    onTestFinished(() => browser.close())
    const page = await browser.newPage({ viewport: DESK, colorScheme: 'light' })
    await page.goto(opened.url)
    expect(await page.textContent('h1')).toBe('Issue 5')
    await expectToFit(page)
    // To the list of what is unread, and what comes meanwhile, by keyboard alone.
    await page.keyboard.press('u')
    await page.getByRole('heading', { name: 'Tide tables' }).waitFor()
    await publish(author.operations, '# Breaking\n\nThe wall holds.\n')
    await page.getByText('Breaking').first().waitFor()

    // The archive is there, and does not bury anybody.
    const unread = (await run('inbox')) as { number: number }[]
    // The newest one then is read once it was looked at for some seconds.
    expect(unread.map((it) => it.number).filter((it) => it !== 5)).toEqual([6, 4, 3])
    expect(await run('issues', 'Tide tables')).toHaveLength(6)

    const folder = await temporaryDirectory()
    await all(author.operations.exportSite({ newsletter: author.feedKey, folder }))
    const { address } = await WebHost.serve(folder)
    const { feedKey } = author
    expect(await run('open', address)).toMatchObject({ feedKey, subscribed: true, number: 6 })
  },
)
