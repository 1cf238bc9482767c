import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { jsonOf } from '../helpers/cli.ts'
import { launchBrowser } from '../helpers/browser.ts'
import { openEngine } from '../helpers/engines.ts'
import { mailbox } from '../helpers/mailbox.ts'
import { beginNewsletter, issueOf } from '../helpers/newsletters.ts'
import { shellIn } from '../helpers/tmux.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { DESK, expectToFit } from '../helpers/visits.ts'
import { writeFile } from 'node:fs/promises'

const NEWSLETTERS = 5
const ISSUES = 240

/** A data directory with newsletters that are followed, and an archive of unread issues. @returns the key of one */
async function fill(dataDir: string): Promise<string> {
  let last = ''
  const engine = await openEngine({ dataDir })
  for (let seed = 1; seed <= NEWSLETTERS; seed++) {
    const { feed } = await beginNewsletter(engine, { seed })
    await engine.library.add(feed.feedKey, 'subscriber')
    last = feed.feedKey
    const numbers = Array.from({ length: ISSUES }, (_, i) => i + 1)
    const issues = numbers.map((it) => issueOf(`Issue ${it} of ${seed}`, `Text ${it}.\n`))
    await engine.author.append(feed, await Promise.all(issues))
  }
  await engine.close()
  return last
}

test(
  'whoever follows five newsletters with 1,200 issues reads with one key an issue, in a browser, and as mail',
  { timeout: 120_000 },
  async ({ skip }) => {
    const folder = await temporaryDirectory()
    const post = await mailbox()
    const shell = await shellIn(folder, [], skip)
    const feedKey = await fill(join(folder, 'data'))
    const flags = `--mail-server ${post.address} --mail-to me@example.org`
    await shell.run(`hyperletter daemon start ${flags}`)
    await shell.shows(/The daemon is running/)

    await shell.run('clear; hyperletter')
    await shell.shows(/1\/\d+[^]*Enter read/)
    await shell.press('Enter')
    for (let read = 1; read < 5; read++) {
      const title = (await shell.shows(/^Issue \d+ of \d\n/)).split('\n', 1)[0] ?? ''
      await shell.press('n')
      await shell.shows(new RegExp(`^(?!${title}\n)Issue \\d+ of \\d\n`))
    }
    await shell.press('q')
    await shell.shows(/Unread/)
    await shell.press('G')
    await shell.shows(/1200\/1200/)

    await writeFile(join(folder, 'new.md'), '# Breaking\n\nThe wall holds.\n')
    const command = await shellIn(folder, [], skip)
    await command.run(`hyperletter publish new.md --to ${feedKey} --yes`)
    await shell.shows(/New: Breaking \(Tide Tables\)/)
    expect(await post.mails(1)).toMatchObject([
      { subject: 'Breaking', from: { name: 'Tide Tables' } },
    ])
    await shell.press('A')
    await shell.shows(/Marked 1196 issues as read; z undoes it/)
    await shell.press('z')
    await shell.shows(/unread again/)
    await shell.press('q')

    await command.run('clear; hyperletter open --no-browser --json > opened.json; echo opened')
    await command.shows(/^opened/m)
    const { url } = jsonOf(await command.file('opened.json')) as { url: string }
    const browser = await launchBrowser()
    onTestFinished(() => browser.close())
    const context = await browser.newContext({ viewport: DESK, colorScheme: 'light' })
    const page = await context.newPage()
    await page.goto(url)
    expect(await page.title()).toBe('(1196) Inbox · Hyperletter')
    await expectToFit(page)
    await page.keyboard.press('j')
    await page.keyboard.press('o')
    await page.getByText('The wall holds.').waitFor()
    await command.run('clear; hyperletter daemon stop')
    await command.shows(/stopped/)
  },
)
