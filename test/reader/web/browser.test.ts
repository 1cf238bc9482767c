import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Output } from '../../../src/operations/contract.ts'
import { launchBrowser } from '../../helpers/browser.ts'
import { answer, fakeOperations, streamOf } from '../../helpers/cli.ts'
import { all } from '../../helpers/operations.ts'
import { openAuthor, openPeer, publishUntil } from '../../helpers/peers.ts'
import { startReader, type RunningReader } from '../../helpers/readers.ts'
import { privateNetwork } from '../../helpers/testnet.ts'
import { ATTACKS } from '../attack-list.ts'

const DESK = { width: 1_280, height: 800 }
const PHONE = { width: 360, height: 740 }

const TEXT = `---
title: High water
summary: When to move the car.
---
# High water

The sea comes over the **third step**.[^1] See [the harbour](https://harbour.example).

![Tide](tide.png "Spring tide")

| Day | Height |
| --- | -----: |
| Fri | 4.9 m |

- [x] boots
- [ ] lamp

\`\`\`js
const aVeryLongLineOfCode = 'that does not fit the width of a phone, and must be scrolled to be read'
\`\`\`

> It has never once been late.

![Far](https://tracker.example/pixel.gif)

${'Forty dark minutes on the quay. '.repeat(120)}

[^1]: Measured at the old quay.
`

let browser: Browser

beforeAll(async () => {
  browser = await launchBrowser()
}, 120_000)

afterAll(async () => {
  await browser.close()
})

interface Visit {
  readonly page: Page
  readonly context: BrowserContext
  /** Requests to anywhere but the reader, and everything that the browser complained of. */
  readonly complaints: string[]
}

async function enter(
  reader: RunningReader,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: DESK, ...options })
  onTestFinished(() => context.close())
  const complaints: string[] = []
  context.on('request', (it) => {
    if (!it.url().startsWith(`${reader.origin}/`)) complaints.push(`request to ${it.url()}`)
  })
  const page = await context.newPage()
  page.on('console', (it) => {
    if (it.type() === 'error' && !it.text().includes('404')) complaints.push(it.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('dialog', (it) => {
    complaints.push(`dialog ${it.message()}`)
    void it.dismiss()
  })
  await page.goto(reader.server.enter())
  return { page, context, complaints }
}

/** What axe-core finds fault with on the page that is shown. */
async function violations(page: Page): Promise<string[]> {
  const source = await readFile(
    createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
    'utf8',
  )
  await page.evaluate(`${source};0`)
  const found: unknown = await page.evaluate(
    `axe.run().then(({ violations }) => violations.flatMap((it) => it.nodes.map((node) => it.id + ': ' + node.html)))`,
  )
  return found as string[]
}

const PICTURES = new URL('../../../fixtures/drafts/images', import.meta.url).pathname

async function authorAndReader() {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 2 })
  await all(author.operations.publishIssue({ draft: { markdown: TEXT, folder: PICTURES } }))
  const me = await openPeer(bootstrap)
  return { author, me, reader: await startReader(me.operations) }
}

describe('in a real browser', () => {
  it('one subscribes, sees an issue arrive, reads, stars and finds it, by keyboard alone', async () => {
    const { author, me, reader } = await authorAndReader()
    const { page, complaints } = await enter(reader)
    const key = (it: string) => page.keyboard.press(it)
    const focused = () => page.evaluate<string>('document.activeElement.textContent.trim()')
    const tabTo = async (name: RegExp) => {
      for (let steps = 0; steps < 60 && !name.test(await focused()); steps++) await key('Tab')
      expect(await focused()).toMatch(name)
    }

    await tabTo(/^Add a newsletter$/)
    await key('Enter')
    await page.waitForURL('**/add')
    while ((await page.evaluate('document.activeElement.id')) !== 'paste') await key('Tab')
    await page.keyboard.type(author.link)
    await key('Enter')
    await page.waitForSelector('.preview')
    await tabTo(/^Follow$/)
    await key('Enter')
    await page.waitForURL('**/n/*')
    expect(await page.textContent('#arrivals')).toContain('You follow it now')
    await all(me.operations.followSync({ newsletter: author.feedKey }))

    await key('u')
    await page.waitForURL(`${reader.origin}/`)
    await page.waitForSelector('html[data-connected]')
    expect(await page.locator('.item').count()).toBe(3)
    const link = page.getByRole('link', { name: 'A late tide' }).first()
    const markdown = '---\ntitle: A late tide\n---\nWater, and a heron.\n'
    await publishUntil(link.waitFor(), author.operations, markdown)
    expect(await page.textContent('#arrivals')).toContain('A late tide')

    await key('j')
    expect(await focused()).toBe('A late tide')
    await key('j')
    await key('k')
    expect(await focused()).toBe('A late tide')
    await key('o')
    await page.waitForSelector('.issue')
    expect(await page.textContent('.prose')).toContain('a heron')
    await key('s')
    await page.waitForSelector('text=Starred')

    await page.goto(`${reader.origin}/n/${author.feedKey}/3`)
    await page.waitForSelector('html[data-connected]')
    await key('End')
    await page.getByRole('button', { name: 'Mark as unread' }).waitFor()
    const read = (await me.operations.listIssues({ newsletter: author.feedKey })).filter(
      (it) => it.read,
    )
    expect(read.map((it) => it.title)).toContain('High water')
    await key('k')
    await page.waitForURL('**/2')
    await key('u')
    await page.waitForURL(`**/n/${author.feedKey}`)

    await key('?')
    expect(await page.locator('#keys').isVisible()).toBe(true)
    expect(await violations(page)).toEqual([])
    await key('Escape')
    expect(await page.locator('#keys').isVisible()).toBe(false)
    await key('/')
    await page.waitForURL('**/search')
    await key('/')
    await page.keyboard.type('heron')
    await key('Enter')
    await page.waitForSelector('mark')
    expect(await page.textContent('.item')).toContain('A late tide')

    await page.goto(`${reader.origin}/seeding`)
    await page.waitForSelector('.graph polyline[points*=" "]', { state: 'attached' })
    expect(await page.textContent('.figures')).toContain('Peers')
    expect(complaints).toEqual([])
  }, 60_000)

  it.each([
    ['light', 'desk', DESK],
    ['dark', 'desk', DESK],
    ['light', 'phone', PHONE],
    ['dark', 'phone', PHONE],
  ] as const)('every page is accessible and fits, %s at a %s', async (colorScheme, _, viewport) => {
    const { author, me, reader } = await authorAndReader()
    await all(me.operations.subscribe({ link: author.link }))
    const { page, complaints } = await enter(reader, { colorScheme, viewport })
    const newsletter = `/n/${author.feedKey}`
    const paths = ['/', '/?show=starred', '/newsletters', newsletter, `${newsletter}/3`, '/search']
    paths.push(
      '/search?q=water',
      '/search?q=nothing',
      '/seeding',
      '/add',
      '/feeds',
      '/no-such-page',
    )
    for (const path of paths) {
      await page.goto(reader.origin + path)
      expect([path, await violations(page)]).toEqual([path, []])
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect([path, Number(overflow) > 0]).toEqual([path, false])
    }
    const paper = await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
    expect(paper).toBe(colorScheme === 'dark' ? 'rgb(20, 24, 26)' : 'rgb(251, 250, 246)')
    expect(complaints).toEqual([])
  })

  it('a theme that was chosen wins over the one of the machine', async () => {
    const me = await openPeer([], { isOnline: false })
    const reader = await startReader(me.operations)
    const { page } = await enter(reader, { colorScheme: 'light' })
    await page.getByRole('button', { name: 'Dark', exact: true }).click()
    await page.waitForSelector('html[data-theme=dark]')
    const paper = await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
    expect(paper).toBe('rgb(20, 24, 26)')
    expect(await violations(page)).toEqual([])
  })

  it('everything but what is live works without a script', async () => {
    const { author, me, reader } = await authorAndReader()
    const { page, complaints } = await enter(reader, { javaScriptEnabled: false })
    await page.goto(`${reader.origin}/add`)
    await page.fill('#paste', author.link)
    await page.click('text=Look at it')
    await page.click('.preview button')
    await page.waitForURL('**/n/*')
    await all(me.operations.followSync({ newsletter: author.feedKey }))
    await page.goto(`${reader.origin}/n/${author.feedKey}/3`)
    await page.getByRole('button', { name: 'Mark as read' }).click()
    await page.getByRole('button', { name: 'Mark as unread' }).waitFor()
    await page.getByRole('button', { name: 'Dark', exact: true }).click()
    await page.waitForSelector('html[data-theme=dark]')
    const [issue] = await me.operations.listIssues({ newsletter: author.feedKey })
    expect(issue?.read).toBe(true)
    expect(complaints).toEqual([])
  })

  it('the reader says so when it stops answering, and shows what it has', async () => {
    const { author, me, reader } = await authorAndReader()
    await all(me.operations.subscribe({ link: author.link }))
    const { page } = await enter(reader)
    await page.waitForSelector('html[data-connected]')
    await reader.server.close()
    await page.waitForSelector('text=The reader does not answer')
    expect(await page.locator('.item').count()).toBe(3)
  })

  it('no issue runs, loads, leaves or restyles anything', async () => {
    const reader = await startReader(hostileOperations())
    const { page, complaints } = await enter(reader)
    const paper = 'getComputedStyle(document.body).backgroundColor'
    const before = await page.evaluate(paper)
    for (const number of ATTACKS.keys()) {
      const url = `${reader.origin}/n/${KEY}/${number + 1}`
      await page.goto(url)
      expect(page.url()).toBe(url)
      expect(await page.textContent('.seal summary')).toContain('not verified')
      expect(await page.evaluate(paper)).toBe(before)
    }
    expect(ATTACKS.length).toBeGreaterThan(60)
    expect(complaints).toEqual([])
  }, 90_000)
})

const KEY = 'y'.repeat(52)

/** A newsletter whose every issue is an attack. */
function hostileOperations() {
  const issue = (number: number): Output<'readIssue'> => ({
    feedKey: KEY,
    newsletter: '<b>Evil</b>',
    number,
    title: '<script>alert(1)</script>',
    publishedAt: '2026-01-01T00:00:00Z',
    markdown: ATTACKS[number - 1] ?? '',
    attachments: [],
    editions: 1,
    verified: false,
  })
  return fakeOperations({
    listInbox: answer([]),
    listNewsletters: answer([]),
    listIssues: answer([]),
    readIssue: ({ number = 1 }) => Promise.resolve(issue(number)),
    watchIssues: streamOf<Output<'watchIssues'>>([]),
  })
}
