import type { Request } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import type { Output } from '../../src/api/contract/contract.ts'
import { redirectFile } from '../../src/cli/commands/read/open.ts'
import { answer, fakeOperations, streamOf } from '../helpers/cli.ts'
import { all } from '../helpers/operations.ts'
import { openAuthor, openPeer, publishUntil } from '../helpers/peers.ts'
import { startReader } from '../helpers/readers.ts'
import { useBrowser } from '../helpers/shared-browser.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { DESK, enter, PHONE, violations } from '../helpers/visits.ts'

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

const browser = useBrowser()

const PICTURES = new URL('../../fixtures/drafts/images', import.meta.url).pathname

async function authorAndReader() {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 2 })
  await all(author.operations.publishIssue({ draft: { markdown: TEXT, folder: PICTURES } }))
  const me = await openPeer(bootstrap)
  return { author, me, reader: await startReader(me.operations) }
}

type InboxIssue = Output<'listInbox'>[number]

function titled(title: string, index: number): InboxIssue {
  return {
    feedKey: 'y'.repeat(52),
    newsletter: 'Tide tables',
    number: index + 1,
    title,
    publishedAt: '2026-03-20T06:00:00.000Z',
    read: false,
    starred: false,
    held: true,
  }
}

/** Run before a page's own script: `window.asked` is how often it has asked for something. */
const COUNT_REQUESTS =
  'window.asked = 0; const plain = fetch; window.fetch = (it) => (window.asked++, plain(it))'

/** A reader whose inbox has `issues`, and to which some `arrive` when they are told to. */
async function readerOfArrivals() {
  const issues: InboxIssue[] = []
  let arrive: (arriving: readonly InboxIssue[]) => void = () => {}
  const arrival = new Promise<readonly InboxIssue[]>((resolve) => (arrive = resolve))
  const reader = await startReader(
    fakeOperations({
      listInbox: () => Promise.resolve(issues),
      listNewsletters: answer([]),
      async *watchIssues() {
        yield* await arrival
      },
    }),
  )
  return { reader, issues, arrive: (arriving: readonly InboxIssue[]) => arrive(arriving) }
}

describe('in a real browser', () => {
  it('one subscribes, sees an issue arrive, reads, stars and finds it, by keyboard alone', async () => {
    const { author, me, reader } = await authorAndReader()
    const { page, complaints } = await enter(browser(), reader)
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
    const link = page.locator('.item .open', { hasText: 'A late tide' }).first()
    const markdown = '---\ntitle: A late tide\n---\nWater, and a heron.\n'
    await publishUntil(link.waitFor(), author.operations, markdown)
    expect(await page.textContent('#arrivals')).toContain('A late tide')
    expect(await page.getAttribute('#arrivals a', 'href')).toMatch(`/n/${author.feedKey}/`)

    await key('j')
    expect(await focused()).toBe('A late tide')
    await key('j')
    await key('k')
    expect(await focused()).toBe('A late tide')
    await key('o')
    await page.waitForSelector('html[data-connected] .issue')
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
    await page.waitForSelector('html[data-connected] #query:focus')
    await page.keyboard.type('heron')
    await key('Enter')
    await page.waitForSelector('html[data-connected] mark')
    expect(await page.textContent('.item')).toContain('A late tide')
    await key('j')
    expect(await focused()).toBe('A late tide')

    await page.goto(`${reader.origin}/seeding`)
    await page.waitForSelector('.graph polyline[points*=" "]', { state: 'attached' })
    expect(await page.textContent('.figures')).toContain('Peers')
    expect(complaints).toEqual([])
  }, 60_000)

  it('whoever marks something stays where they are, in a list and in an issue', async () => {
    const { author, me, reader } = await authorAndReader()
    await all(me.operations.subscribe({ link: author.link }))
    await all(me.operations.followSync({ newsletter: author.feedKey }))
    const { page, complaints } = await enter(browser(), reader, {
      viewport: { width: 1_280, height: 240 },
    })
    const key = (it: string) => page.keyboard.press(it)
    const focused = () => page.evaluate<string>('document.activeElement.textContent.trim()')
    const scrolled = () => page.evaluate<number>('scrollY')
    await page.evaluate('window.isTheSame = true')
    await key('j')
    await key('j')
    expect(await focused()).toBe('Issue 2')
    const before = await scrolled()
    expect(before).toBeGreaterThan(0)
    await key('s')
    await page.waitForSelector('.item:nth-child(2) >> text=Starred')
    expect([await focused(), await scrolled()]).toEqual(['Issue 2', before])
    await key('m')
    await page.locator('.item').nth(2).waitFor({ state: 'detached' })
    expect(await focused()).toBe('Issue 1')
    expect(await page.textContent('.lede')).toContain('2 unread issues')

    await page.locator('.item .actions button').first().focus()
    await key('Enter')
    await page.waitForSelector('.item:nth-child(1) >> text=Starred')
    expect(await focused()).toContain('Starred')
    expect(await page.evaluate('window.isTheSame')).toBe(true)

    await page.goto(`${reader.origin}/n/${author.feedKey}/3`)
    await page.evaluate('scrollTo(0, 600)')
    await key('s')
    await page.waitForSelector('#end >> text=/^\\W*Star:/')
    // The picture above may have been loaded meanwhile.
    expect(await scrolled()).toBeGreaterThanOrEqual(600)
    expect(complaints).toEqual([])
  }, 60_000)

  it('a page that one comes back to shows what changed, and is live again', async () => {
    const { author, me, reader } = await authorAndReader()
    await all(me.operations.subscribe({ link: author.link }))
    await all(me.operations.followSync({ newsletter: author.feedKey }))
    const { page } = await enter(browser(), reader)
    await page.waitForSelector('html[data-connected]')
    // Headless Chromium keeps no page that was left; these are the events of browsers that do.
    const dispatch = (type: string) =>
      page.evaluate(`void dispatchEvent(new PageTransitionEvent('${type}', { persisted: true }))`)
    await dispatch('pagehide')
    await me.operations.markIssue({ newsletter: author.feedKey, number: 3, read: true })
    expect(await page.locator('html[data-connected]').count()).toBe(0)
    expect(await page.locator('.item').count()).toBe(3)
    await dispatch('pageshow')
    await page.locator('.item').nth(2).waitFor({ state: 'detached' })
    await page.waitForSelector('html[data-connected]')
    const arrived = page.locator('.item .open', { hasText: 'A late tide' }).first().waitFor()
    await publishUntil(arrived, author.operations, '---\ntitle: A late tide\n---\nWater.\n')
  }, 60_000)

  it('a newsletter that is still arriving fills its page by itself', async () => {
    const author = await openAuthor([], { issues: 2, isOnline: false })
    const { operations, feedKey } = author
    const status = await operations.status({})
    const [newsletters, issues] = await Promise.all([
      operations.listNewsletters({}),
      operations.listIssues({ newsletter: feedKey }),
    ])
    let has = 1
    const reader = await startReader(
      fakeOperations({
        listInbox: answer([]),
        listNewsletters: () =>
          Promise.resolve(newsletters.map((it) => ({ ...it, issues: has, unread: has }))),
        listIssues: () => Promise.resolve(issues.slice(-has)),
        copyHistory: answer([]),
        status: () =>
          Promise.resolve({
            ...status,
            newsletters: status.newsletters.map((it) => ({ ...it, heldBlocks: has, length: 2 })),
          }),
        watchIssues: streamOf<Output<'watchIssues'>>([]),
      }),
    )
    const { page } = await enter(browser(), reader)
    await page.clock.install()
    await page.addInitScript(COUNT_REQUESTS)
    await page.goto(`${reader.origin}/n/${feedKey}`)
    await page.waitForSelector('text=Downloaded: 50 %')
    await page.getByRole('link', { name: 'Issue 1' }).focus()
    // What somebody is about to copy is not taken away.
    await page.evaluate('getSelection().selectAllChildren(document.querySelector("h1"))')
    const asked = await page.evaluate<number>('window.asked')
    await page.clock.runFor(10_000)
    expect(await page.evaluate<number>('window.asked')).toBe(asked)
    await page.evaluate('getSelection().removeAllRanges()')
    has = 2
    await page.waitForSelector('text=Downloaded: 100 %')
    expect(await page.textContent('.page-head .over')).toContain('2 issues')
    expect(await page.locator('.item').count()).toBe(2)
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Issue 1')
  }, 60_000)

  it('what one looks at does not move when an issue arrives above it', async () => {
    const { reader, issues, arrive } = await readerOfArrivals()
    issues.push(...['Newer', 'Older'].map(titled))
    const { page } = await enter(browser(), reader, { viewport: { width: 1_280, height: 240 } })
    await page.waitForSelector('html[data-connected]')
    const item = page.locator('.item', { hasText: 'Older' })
    await item.scrollIntoViewIfNeeded()
    const topOf = async () => (await item.boundingBox())?.y ?? NaN
    const before = await topOf()
    issues.unshift(titled('Newest', 7))
    arrive([titled('Newest', 7)])
    await page.locator('.item .open', { hasText: 'Newest' }).waitFor({ state: 'attached' })
    expect(Math.abs((await topOf()) - before)).toBeLessThan(3)
  }, 60_000)

  it('a browser that is started with the file of `hyperletter open` is let in', async () => {
    const { operations } = await openPeer([])
    const reader = await startReader(operations)
    const dataDir = await temporaryDirectory()
    const file = await redirectFile(dataDir, reader.server.enter('/seeding'))
    const context = await browser().newContext()
    try {
      const page = await context.newPage()
      await page.goto(file ?? '')
      await page.waitForURL(`${reader.origin}/seeding`)
      await page.waitForSelector('h1 >> text=Seeding')
      expect(await page.title()).toContain('Seeding')
    } finally {
      await context.close()
    }
  }, 60_000)

  it('eight tabs are live over one stream, which another takes over, and hidden ones have none', async () => {
    const waiting: InboxIssue[] = []
    let wake = () => {}
    const arrive = (issue: InboxIssue) => {
      waiting.push(issue)
      wake()
    }
    const reader = await startReader(
      fakeOperations({
        listInbox: answer([]),
        listNewsletters: answer([]),
        async *watchIssues() {
          for (;;) {
            yield* waiting.splice(0)
            await new Promise<void>((resolve) => (wake = resolve))
          }
        },
      }),
    )
    const { page: first, context } = await enter(browser(), reader)
    const streams = new Set<Request>()
    const open = () => [...streams].filter((it) => !it.frame().page().isClosed()).length
    context.on('request', (it) => it.url().endsWith('/events') && streams.add(it))
    context.on('requestfailed', (it) => streams.delete(it))
    context.on('requestfinished', (it) => streams.delete(it))
    await first.waitForSelector('html[data-connected]')
    const pages = [first]
    // A browser opens six connections to a host: with a stream for each tab the seventh would load for ever.
    while (pages.length < 8) {
      const page = await context.newPage()
      await page.goto(`${reader.origin}/`, { timeout: 15_000 })
      await page.waitForSelector('html[data-connected]')
      pages.push(page)
    }
    const shows = (some: typeof pages, title: string) =>
      Promise.all(some.map((it) => it.waitForSelector(`#arrivals >> text=${title}`)))
    arrive(titled('To all', 1))
    await shows(pages, 'To all')
    expect(open()).toBeLessThanOrEqual(1)

    await first.close()
    const others = pages.slice(1)
    await expect.poll(open).toBe(1)
    await Promise.all(others.map((it) => it.waitForSelector('html[data-connected]')))
    arrive(titled('To the others', 2))
    await shows(others, 'To the others')

    const hide = `Object.defineProperty(document, 'visibilityState', { value: 'hidden' })
      dispatchEvent(new Event('visibilitychange'))`
    for (const it of others) await it.evaluate(`void (() => { ${hide} })()`)
    await expect.poll(open).toBe(0)
  }, 60_000)

  it('an archive that arrives all at once costs few requests', async () => {
    const { reader, arrive } = await readerOfArrivals()
    const { page } = await enter(browser(), reader)
    await page.addInitScript(COUNT_REQUESTS)
    await page.goto(`${reader.origin}/`)
    await page.waitForSelector('html[data-connected]')
    arrive(Array.from({ length: 500 }, (_, index) => titled(`Number ${index + 1}`, index + 1)))
    await page.waitForSelector('#arrivals >> text=Number 500')
    expect(await page.evaluate<number>('window.asked')).toBeLessThan(100)
  }, 60_000)

  it.each([
    ['light', 'desk', DESK],
    ['dark', 'desk', DESK],
    ['light', 'phone', PHONE],
    ['dark', 'phone', PHONE],
  ] as const)(
    'every page is accessible and fits, %s at a %s',
    async (colorScheme, _, viewport) => {
      const { author, me, reader } = await authorAndReader()
      await all(me.operations.subscribe({ link: author.link }))
      const { page, complaints } = await enter(browser(), reader, { colorScheme, viewport })
      const newsletter = `/n/${author.feedKey}`
      const paths = [
        '/',
        '/?show=starred',
        '/newsletters',
        newsletter,
        `${newsletter}/3`,
        '/search',
      ]
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
      await page.goto(reader.origin + newsletter)
      await page.click('text=Stop following…')
      expect(await violations(page)).toEqual([])
      await page.goto(`${reader.origin}/add`)
      await page.fill('#paste', author.link)
      await page.click('text=Preview')
      await page.waitForSelector('.preview')
      expect(await violations(page)).toEqual([])
      const paper = await page.evaluate(
        'getComputedStyle(document.documentElement).backgroundColor',
      )
      expect(paper).toBe(colorScheme === 'dark' ? 'rgb(20, 24, 26)' : 'rgb(251, 250, 246)')
      expect(complaints).toEqual([])
    },
    90_000,
  )

  it('every state is accessible: nothing here yet, shut out, amended, taken back, gone', async () => {
    const author = await openAuthor([], { issues: 2, isOnline: false })
    const { operations } = author
    await operations.amendIssue({ number: 1, note: 'Spelling.', draft: { markdown: '# New\n' } })
    await operations.retractIssue({ number: 2, reason: 'Wrong harbour.' })
    const reader = await startReader(operations)
    const empty = await startReader((await openPeer([], { isOnline: false })).operations)
    // A page that is open goes online by itself, so this one only says that it could not.
    const status = await operations.status({})
    const offline = await startReader(
      fakeOperations({
        listInbox: answer([]),
        listNewsletters: answer([]),
        status: answer({ ...status, online: false }),
        watchIssues: streamOf<Output<'watchIssues'>>([]),
      }),
    )
    const { page, context } = await enter(browser(), reader)
    const newsletter = `${reader.origin}/n/${author.feedKey}`
    const check = async (url: string, text: string) => {
      await page.goto(url)
      await page.waitForSelector(`text=${text} >> visible=true`)
      expect([url, await violations(page)]).toEqual([url, []])
    }
    await check(`${newsletter}/1`, 'Amended')
    await check(`${newsletter}/2`, 'Retracted')
    await check(newsletter, 'retracted')
    await page.goto(empty.server.enter())
    await check(`${empty.origin}/`, 'No newsletters yet')
    await check(`${empty.origin}/newsletters`, 'Your library is empty')
    await check(`${empty.origin}/seeding`, 'Nothing to seed yet')
    await check(`${empty.origin}/feeds`, 'No feeds yet')
    await page.goto(offline.server.enter())
    await check(`${offline.origin}/seeding`, 'Offline')
    await context.clearCookies()
    await check(`${reader.origin}/`, 'hyperletter open')
    await page.goto(reader.server.enter())
    await page.waitForSelector('html[data-connected]')
    await reader.server.close()
    await page.waitForSelector('text=The reader does not answer')
    expect(await violations(page)).toEqual([])
  }, 90_000)

  it('an issue that runs from right to left is set so, but for its code', async () => {
    const author = await openAuthor([], { isOnline: false })
    const markdown =
      '---\ntitle: مد عال\nsummary: متى\nlanguage: ar\n---\nماء\n\n> ريح\n\n|ا|ب|\n|-|-|\n|ج|د|\n\n```\nlet a\n```\n'
    await all(author.operations.publishIssue({ draft: { markdown } }))
    const reader = await startReader(author.operations)
    const { page } = await enter(browser(), reader)
    await page.goto(`${reader.origin}/n/${author.feedKey}/1`)
    const style = (selector: string, property: string) =>
      page.evaluate(
        `getComputedStyle(document.querySelector('${selector}')).getPropertyValue('${property}')`,
      )
    for (const selector of ['h1', '.lede', '.prose']) {
      expect([selector, await style(selector, 'direction')]).toEqual([selector, 'rtl'])
    }
    expect(await style('.prose pre', 'direction')).toBe('ltr')
    expect(await style('.prose blockquote', 'padding-left')).toBe('0px')
    expect(await style('.prose td', 'text-align')).toBe('start')
    expect(await violations(page)).toEqual([])
  })

  it('a theme that was chosen wins over the one of the machine', async () => {
    const me = await openPeer([], { isOnline: false })
    const reader = await startReader(me.operations)
    const { page } = await enter(browser(), reader, { colorScheme: 'light' })
    await page.getByRole('button', { name: 'Dark', exact: true }).click()
    await page.waitForSelector('html[data-theme=dark]')
    const paper = await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
    expect(paper).toBe('rgb(20, 24, 26)')
    expect(await violations(page)).toEqual([])
  })

  it('everything but what is live works without a script', async () => {
    const { author, me, reader } = await authorAndReader()
    const { page, complaints } = await enter(browser(), reader, { javaScriptEnabled: false })
    await page.goto(`${reader.origin}/add`)
    await page.fill('#paste', author.link)
    await page.click('text=Preview')
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
    await page.goto(`${reader.origin}/n/${author.feedKey}`)
    await page.click('text=Stop following…')
    await page.getByText('removed from this machine').waitFor()
    await page.getByRole('button', { name: 'Stop following' }).click()
    await page.waitForURL('**/newsletters?done=left')
    expect(await me.operations.listNewsletters({})).toEqual([])
    expect(complaints).toEqual([])
  })

  it('the reader says so when it stops answering, and shows what it has', async () => {
    const { author, me, reader } = await authorAndReader()
    await all(me.operations.subscribe({ link: author.link }))
    const { page } = await enter(browser(), reader)
    await page.waitForSelector('html[data-connected]')
    await reader.server.close()
    await page.waitForSelector('text=The reader does not answer')
    expect(await page.locator('.item').count()).toBe(3)
  })
})
