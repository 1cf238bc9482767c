import { expect, it } from 'vitest'
import { runCli } from '../helpers/cli.ts'
import { publishLetter } from '../helpers/letters.ts'
import { all, expectFailure } from '../helpers/operations.ts'
import { openAuthor, openPeer } from '../helpers/peers.ts'
import { startReader } from '../helpers/readers.ts'
import { useBrowser } from '../helpers/shared-browser.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { enter, expectToFit } from '../helpers/visits.ts'

const browser = useBrowser()

/** What would call somewhere, or run, if a letter were anything but text. */
const HOSTILE =
  '<img src="http://127.0.0.1:9/spy.png"><script>alert(1)</script>\n[x](javascript:alert(1)) ![y](http://127.0.0.1:9/y.png)\n\nhttps://spy.example/ \u202eevil'

it(
  'a reader writes, the author accepts with an answer and declines, by keyboard alone, and all read it',
  { timeout: 180_000 },
  async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 1 })
    const ada = await openPeer(network)
    await all(ada.operations.subscribe({ link: author.link }))
    const [desk, home] = [await startReader(author.operations), await startReader(ada.operations)]
    const [{ page: write, complaints }, { page: queue, complaints: atDesk }] = [
      await enter(browser(), home),
      await enter(browser(), desk),
    ]
    const path = `/n/${author.feedKey}`

    // Nobody may write before the author says so.
    await write.goto(`${home.origin}${path}/1`)
    expect(await write.getByText('Write a letter').count()).toBe(0)
    await queue.goto(`${desk.origin}${path}/letters`)
    await queue.getByRole('link', { name: 'Change that in the profile' }).click()
    await queue.getByLabel('Who may write letters to you').selectOption('anyone')
    await queue.getByRole('button', { name: 'Save' }).press('Enter')
    await queue.getByRole('link', { name: 'Letters', exact: true }).press('Enter')
    await queue.getByText('New letters appear here').waitFor()
    await expectToFit(queue)

    const isWanted = async () =>
      (await ada.operations.listLetters({ newsletter: author.feedKey })).wanted
    await expect.poll(isWanted, { timeout: 20_000 }).toBe(true)
    await write.reload()
    const open = async () => {
      await write.goto(`${home.origin}${path}/1`)
      await write.getByText('Write a letter about this issue').focus()
      await write.keyboard.press('Enter')
    }
    await open()
    await write.getByLabel('Your letter').focus()
    await write.keyboard.type('The time is wrong.\nIt was 14:10.')
    await write.getByLabel('What you want to be called').fill('Ada <b>')
    await expectToFit(write)
    // Once, however often the form is sent.
    await write.getByRole('button', { name: 'Send the letter' }).dblclick()
    await write.getByText('Your letter is on its way.').waitFor()
    await write.getByText('Yours (1)').waitFor()
    await expectToFit(write)
    await open()
    await write.getByLabel('Your letter').fill(HOSTILE)
    await write.getByRole('button', { name: 'Send the letter' }).press('Enter')
    await write.getByText('Yours (2)').waitFor()
    await write.getByText('Received by the author').first().waitFor()

    // They appear by themselves.
    await queue.getByText('Waiting for you (2)').waitFor()
    expect(await queue.locator('.letter-queue img, .letter-queue .letter-text a').count()).toBe(0)
    expect(await queue.locator('.letter-text').allInnerTexts()).toContainEqual(
      expect.stringContaining('<script>alert(1)</script>\n[x](javascript:alert(1))'),
    )
    await expectToFit(queue)
    await queue.keyboard.press('j')
    await queue.keyboard.press('r')
    await queue.keyboard.type('Thank you.\nCorrected.')
    await queue.keyboard.press('Escape')
    await queue.keyboard.press('a')
    await queue.getByText('Letter 1 is published.').waitFor()
    await queue.getByText('Waiting for you (1)').waitFor()
    await queue.keyboard.press('d')
    await queue.getByText('Letter 2 is declined.').waitFor()
    await queue.getByText('Waiting for you (0)').waitFor()

    const letter = write.locator('#letter-1')
    await expect
      .poll(
        async () => {
          await write.goto(`${home.origin}${path}/1`)
          return letter.count()
        },
        { timeout: 20_000 },
      )
      .toBe(1)
    const text = await letter.innerText()
    expect(text).toContain('Ada <b>')
    expect(text).toContain('signature verified')
    expect(text).toContain('The time is wrong.\nIt was 14:10.')
    expect(text).toContain('Thank you.\nCorrected.')
    expect(await write.getByText('spy.example').count()).toBe(0)
    await expectToFit(write)
    await write.goto(`${home.origin}${path}/letters`)
    await write.getByText('Published (1)').waitFor()
    expect(await write.locator('[data-live=mine] strong').allInnerTexts()).toEqual([
      'Received by the author',
      'Published',
    ])
    expect(await write.locator('[data-live=mine] .answer').innerText()).toContain('Corrected.')
    await expectToFit(write)
    // A letter may answer another one.
    await open()
    const answered = write.getByLabel('The letter that it answers')
    await answered.selectOption({ label: 'letter 1 from Ada <b>' })
    await write.getByLabel('Your letter').fill('It was 14:20.')
    await expectToFit(write)
    await write.getByRole('button', { name: 'Send the letter' }).press('Enter')
    await write.locator('[data-live=mine]').getByText('answers letter 1').waitFor()
    await queue.locator('.letter-queue').getByText('answers letter 1').waitFor()
    // It is asked for once, and decided on like any letter.
    await write.getByRole('button', { name: 'Ask the author to withdraw letter 1' }).press('Enter')
    await write.getByText('You want letter 1 back.').waitFor()
    expect(await write.getByRole('button', { name: 'Ask the author' }).count()).toBe(0)
    await queue.getByText('Wants letter 1 back.').waitFor()
    await queue.reload()
    await expectToFit(queue)

    // Who is there talks now; what was said before is there for whoever comes later.
    await write.goto(`${home.origin}${path}/talk`)
    await write.getByText('has not opened one').waitFor()
    await author.operations.editNewsletter({ newsletter: author.feedKey, talk: true })
    await queue.goto(`${desk.origin}${path}`)
    await queue.getByRole('link', { name: 'Conversation' }).press('Enter')
    await queue.getByLabel('A line for everybody').focus()
    await queue.keyboard.type('Is anybody there? <img src="http://127.0.0.1:9/">')
    await queue.keyboard.press('Enter')
    await queue.locator('.line').getByText('Is anybody there? <img').waitFor()
    const talks = write.locator('.line')
    await expect
      .poll(
        async () => {
          await write.goto(`${home.origin}${path}/talk`)
          return talks.count()
        },
        { timeout: 20_000 },
      )
      .toBe(1)
    await write.getByLabel('What you want to be called').fill('Ada')
    await write.getByLabel('A line for everybody').focus()
    await write.keyboard.type('I am.')
    await write.keyboard.press('Enter')
    await queue.locator('.line').getByText('I am.').waitFor()
    await expectToFit(queue)
    await expectToFit(write)
    await talks.getByRole('button', { name: 'Hide' }).press('Enter')
    await expect.poll(() => talks.count()).toBe(1)
    expect([...complaints, ...atDesk]).toEqual([])
  },
)

it('an author answers a published letter later, and withdraws it', async () => {
  const author = await openAuthor([], { isOnline: false, issues: 1 })
  const { engine, operations, feedKey: newsletter } = author
  {
    await using session = await engine.open(engine.library.resolve(newsletter))
    await publishLetter(engine, session.feed, { issue: 1, text: 'Is it so?' })
  }
  const reader = await startReader(operations)
  const decide = async (decision: string, fields = {}) =>
    (await reader.submit(`/n/${newsletter}/letters/1`, { decision, ...fields })).status
  const published = async () => (await operations.listLetters({ newsletter })).published
  expect(await decide('answer', { answer: 'It is.\r\nQuite.' })).toBe(303)
  expect(await published()).toMatchObject([{ number: 1, answer: 'It is.\nQuite.' }])
  expect(await decide('answer', { answer: '' })).toBe(422)
  // No letter of this number waits.
  for (const it of ['accept', 'decline', 'block', '']) expect(await decide(it)).toBe(422)
  // A code is shown once for each form, however often that is sent, and all are taken back at once.
  const admit = async (fields: Record<string, string>) =>
    (await reader.submit(`/n/${newsletter}/letters/admit`, fields)).text
  expect(await admit({ draft: '1' })).toContain('takes no letters')
  await operations.editNewsletter({ newsletter, letters: 'admitted' })
  const codeIn = (page: string) => /value="([a-z0-9]{52})"/.exec(page)?.[1]
  const code = codeIn(await admit({ draft: '2' }))
  expect(code).toBeDefined()
  expect(codeIn(await admit({ draft: '2' }))).toBe(code)
  const queue = async () => (await reader.visit(`/n/${newsletter}/letters`)).text
  expect(await queue()).toContain('Codes for people who may always write (1)')
  await admit({ revoke: '1' })
  expect(await queue()).toContain('Codes for people who may always write (0)')
  expect(await decide('take-back')).toBe(303)
  expect(await published()).toEqual([])
  expect((await reader.visit(`/n/${newsletter}/1`)).text).not.toContain('Is it so?')
})

it('an author says how much work a letter takes, and a letter that is too large is refused with what to do', async () => {
  const { operations, feedKey: newsletter } = await openAuthor([], { isOnline: false, issues: 1 })
  const reader = await startReader(operations)
  const edit = (...argv: string[]) => runCli(['edit', newsletter, ...argv], { operations })
  const form = { title: 'Tides', letters: 'anyone' }
  const { stderr: refused, code } = await edit('--work', '20')
  expect([code, refused]).toEqual([2, expect.stringContaining('--letters anyone|admitted')])
  for (const it of ['15', '25']) expect((await edit('--work', it)).code).toBe(2)
  expect((await reader.submit(`/n/${newsletter}/edit`, { ...form, work: '25' })).status).toBe(422)
  expect((await reader.submit(`/n/${newsletter}/edit`, { ...form, work: '17' })).status).toBe(303)
  expect((await edit()).stdout).toMatch(/^work of a letter +17 bits$/m)
  expect((await edit('--work', '16')).stdout).toMatch(/^work of a letter +16 bits$/m)
  expect((await reader.visit(`/n/${newsletter}/edit`)).text).toMatch(/name="work"[^>]+value="16"/)

  // As many characters as a letter may have, and more bytes.
  const text = '潮'.repeat(8_192)
  await expectFailure('TOO_LARGE', operations.writeLetter({ newsletter, text }))
  const { stderr, code: exit } = await runCli(['write', newsletter, '--text', text], { operations })
  expect([exit, stderr]).toEqual([1, expect.stringContaining('Shorten it')])
  const { status, text: page } = await reader.submit(`/n/${newsletter}/letters`, { text })
  expect(status).toBe(422)
  expect(page).toContain('Shorten it')
  expect(page).toContain(text)
  expect((await operations.listLetters({ newsletter })).mine).toEqual([])
  const short = ['write', newsletter, '--text', 'Short.', '--wait', '0.1']
  const { stdout, stderr: next } = await runCli(short, { operations })
  expect(stdout).toBe('Written. No peer has taken it yet.\n')
  expect(next).toContain('offers the letter to peers for 60 days')
})
