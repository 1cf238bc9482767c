import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/connect.ts'
import { startDaemonHere } from '../helpers/daemons.ts'
import { configOf } from '../helpers/engines.ts'
import { all } from '../helpers/operations.ts'
import { openPeer } from '../helpers/peers.ts'
import { useBrowser } from '../helpers/shared-browser.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { DESK, enter, PHONE, violations } from '../helpers/visits.ts'

const browser = useBrowser()

const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGNk+M+ABJgYGAAADicBA9CK0a8AAAAASUVORK5CYII=',
  'base64',
)

/** A daemon with a newsletter, a page of its reader, and somebody else who follows it. */
async function someAuthor(options: Parameters<typeof enter>[2]) {
  const network = await privateNetwork()
  const config = configOf(await temporaryDirectory(), network)
  await startDaemonHere(config)
  const connection = await connect(config)
  onTestFinished(() => connection.close())
  const { operations } = connection
  const { feedKey, link } = await operations.createNewsletter({ title: 'Tide tables' })
  const url = await connection.openReader({})
  const reader = { origin: new URL(url).origin, server: { enter: () => url } }
  const visit = await enter(browser(), reader, options)
  const peer = await openPeer(network)
  await all(peer.operations.subscribe({ link }))
  const received = async (number: number) => {
    const found = await peer.operations
      .readIssue({ newsletter: feedKey, number })
      .catch(() => undefined)
    return found?.retracted ?? found?.markdown
  }
  return { ...visit, operations, feedKey, config, peer, received, origin: reader.origin }
}

async function someDraft(): Promise<{ readonly text: string; readonly picture: string }> {
  const folder = await temporaryDirectory()
  const text = join(folder, 'spring.md')
  const picture = join(folder, 'moon.png')
  await writeFile(text, '# Spring tide\n\nThe **sea** rises.\n\n![The moon](img/moon.png)\n')
  await writeFile(picture, PICTURE)
  return { text, picture }
}

/** In both themes, at both widths. */
async function expectGood(page: Page): Promise<void> {
  expect(await violations(page)).toEqual([])
  await page.setViewportSize(PHONE)
  await page.emulateMedia({ colorScheme: 'dark' })
  expect(await violations(page)).toEqual([])
  await expectNoOverflow(page)
  await page.setViewportSize(DESK)
  await page.emulateMedia({ colorScheme: 'light' })
  await expectNoOverflow(page)
}

async function expectNoOverflow(page: Page): Promise<void> {
  const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
  expect(await page.evaluate(overflow)).toBe(0)
}

it(
  'an author drops a file with a picture, sees it, publishes it once, amends and retracts it',
  { timeout: 180_000 },
  async () => {
    const { page, complaints, origin, received, feedKey, config } = await someAuthor({
      viewport: DESK,
      colorScheme: 'light',
    })
    const { text, picture } = await someDraft()
    await page.getByRole('link', { name: 'Write', exact: true }).click()
    await expectGood(page)
    // Sent by itself, for a text is among what was chosen. The text finds its picture in a folder of its own.
    await page.getByLabel('A Markdown file').setInputFiles([text, picture])
    await page.locator('.prose strong').waitFor()
    expect(await page.locator('.findings').innerText()).toContain('Nothing looks wrong.')
    const width = `document.querySelector('img[alt="The moon"]').naturalWidth`
    await expect.poll(() => page.evaluate(width)).toBe(2)
    await expectGood(page)
    // What is typed is shown at once, and so is what is wrong with it.
    await page.locator('html[data-following]').waitFor()
    const typed = page.getByLabel('Text in Markdown')
    await typed.press('Control+End')
    await page.keyboard.type('\n![Gone](gone.png)\n')
    await page.getByText('1 thing to look at').first().waitFor()
    await typed.fill('# Spring tide\n\nThe **sea** rises and falls.\n\n![The moon](img/moon.png)\n')
    await page.getByText('Nothing looks wrong.').waitFor()
    const draft = page.url()
    await page.getByLabel('Date and time').fill('2031-02-03T08:00')
    expect(await page.getByLabel('At this time').isChecked()).toBe(true)
    await page.getByLabel('Date and time').fill('')
    await page.getByLabel('At once').check()
    const publishing = page.getByRole('button', { name: /^Publish as no\. 1/ })
    await publishing.dblclick()
    await page.waitForURL(`${origin}/n/${feedKey}/1?done=published`)
    await page.getByText('Safe to go offline: held in full by 1 other').waitFor()
    await expectGood(page)
    // The page of the draft leads to what became of it, and its files are gone.
    await page.goto(draft)
    expect(page.url()).toContain(`/n/${feedKey}/1`)
    expect(await readdir(join(config.dataDir, 'uploads'))).toEqual([])
    await expect.poll(() => received(1), { timeout: 20_000 }).toContain('rises and falls')

    await page.getByRole('button', { name: 'Amend…' }).click()
    await page.getByText('The text is the same as before.').waitFor()
    await page.locator('html[data-following]').waitFor()
    await page.getByLabel('Text in Markdown').press('Control+End')
    await page.keyboard.type('\nA correction.\n')
    await page.getByText('Nothing looks wrong.').waitFor()
    await page.getByLabel('What was changed').fill('The time was wrong.')
    await expectGood(page)
    await page.getByRole('button', { name: 'Publish the new edition' }).click()
    await page.getByText('this is edition 2').waitFor()
    expect(await page.locator('.amendment').innerText()).toContain('The time was wrong.')
    await expect.poll(() => page.evaluate(width)).toBe(2)
    await expect.poll(() => received(1), { timeout: 20_000 }).toContain('A correction.')

    await page.getByRole('link', { name: 'Retract…' }).click()
    await page.getByText('It cannot be undone.').waitFor()
    await expectGood(page)
    await page.getByLabel('Why, for readers').fill('It was a test.')
    await page.getByLabel('I know that this cannot be undone').check()
    await page.getByRole('button', { name: 'Retract' }).dblclick()
    await page.getByText('The text is gone.').waitFor()
    await expect
      .poll(() => received(1), { timeout: 20_000 })
      .toMatchObject({ reason: 'It was a test.' })

    await page.goto(`${origin}/n/${feedKey}`)
    await page.getByRole('link', { name: 'Edit the profile' }).click()
    await page.getByLabel('Title').fill('Tides of the Sound')
    await page.getByLabel('Authors').fill('Ada <https://ada.example>\nBo')
    await page.getByLabel('Web address').fill('nonsense')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('That did not work.').waitFor()
    expect(await page.getByLabel('Title').inputValue()).toBe('Tides of the Sound')
    await page.getByLabel('Web address').fill('https://tides.example')
    await expectGood(page)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'Tides of the Sound' }).waitFor()
    await expectGood(page)
    expect(complaints.filter((it) => !it.includes('422'))).toEqual([])
  },
)

it(
  'by keyboard on a narrow window, without scripts, an issue waits for its time and is cancelled',
  { timeout: 180_000 },
  async () => {
    const { page, operations, origin, feedKey, received } = await someAuthor({
      viewport: PHONE,
      colorScheme: 'dark',
      javaScriptEnabled: false,
    })
    await page.goto(`${origin}/write`)
    await expectNoOverflow(page)
    const press = async (name: string | RegExp) => {
      await page.getByRole('button', { name }).focus()
      await page.keyboard.press('Enter')
    }
    await page.locator('.draft-form summary').focus()
    await page.keyboard.press('Enter')
    await page.getByLabel('Text in Markdown').focus()
    await page.keyboard.type('# Neap tide\n\nThe sea falls.\n')
    await press('Preview')
    await page.locator('h1:text("Neap tide")').waitFor()
    await expectNoOverflow(page)
    await press('Publish as no. 1')
    await page.getByText('It waits for its time.').waitFor()
    expect(await operations.listScheduled({})).toMatchObject([{ title: 'Neap tide' }])
    await expectNoOverflow(page)
    // The draft is there again, to be changed.
    await press(/^Cancel/)
    await page.getByText('Cancelled: nothing was signed.').waitFor()
    await page.getByLabel('Date and time').fill('2031-02-03T08:00')
    await press('Publish as no. 1')
    await page.getByText('There is a time, and it is not chosen.').waitFor()
    await page.goBack()
    await page.getByLabel('Date and time').fill('2031-02-03T08:00')
    await page.getByLabel('At this time').check()
    await press('Publish as no. 1')
    await page.getByText(/to be published on Feb 3, 2031/).waitFor()
    await press(/^Cancel/)
    await page.getByText('Cancelled: nothing was signed.').waitFor()
    expect(await operations.listScheduled({})).toEqual([])
    await page.getByLabel('At once').check()
    await press('Publish as no. 1')
    await page.waitForURL(`${origin}/n/${feedKey}/1?done=published`)
    await expect.poll(() => received(1), { timeout: 20_000 }).toContain('The sea falls.')
    await expectNoOverflow(page)
  },
)
