import { describe, expect, it } from 'vitest'
import { bindOperations } from '../../src/api/operations.ts'
import { openEngine } from '../helpers/engines.ts'
import { beginNewsletter, issueOf } from '../helpers/newsletters.ts'
import { openAuthor } from '../helpers/peers.ts'
import { startReader } from '../helpers/readers.ts'
import { useBrowser } from '../helpers/shared-browser.ts'
import { DESK, enter, PHONE, violations } from '../helpers/visits.ts'

const browser = useBrowser()

/** A reader with two newsletters of so many issues. */
async function readerOf(...counts: readonly number[]) {
  const engine = await openEngine()
  const keys: string[] = []
  for (const [i, count] of counts.entries()) {
    const { feed } = await beginNewsletter(engine, { seed: i + 1 })
    await engine.library.add(feed.feedKey, 'subscriber')
    const numbers = Array.from({ length: count }, (_, at) => at + 1)
    const issues = numbers.map((it) => issueOf(`Issue ${it} of ${i + 1}`, `The text of ${it}.\n`))
    await engine.author.append(feed, await Promise.all(issues))
    keys.push(feed.feedKey)
  }
  const operations = bindOperations(engine, 'engine')
  return { operations, keys, reader: await startReader(operations) }
}

const PICTURES = new URL('../../fixtures/drafts/images', import.meta.url).pathname

const paragraph = 'The water rises, and the boats rise with it. '.repeat(20)
const LONG = [1, 2, 3, 4]
  .map(
    (it) =>
      `## Part ${it} & more\n\n${paragraph}\n\n${paragraph}\n\n### Details ${it}\n\n${paragraph}\n`,
  )
  .join('\n')

describe('the inbox', () => {
  it('has pages, beginnings of texts, and a count in its title', async () => {
    const { reader } = await readerOf(45, 3)
    const first = await reader.visit('/')
    expect(first.text).toContain('<title>(48) Inbox · Hyperletter</title>')
    expect(first.text).toContain('Page 1 of 2')
    expect(first.text).toContain('The text of 45.')
    const second = await reader.visit('/?page=2')
    expect(second.text.match(/class="item/g)).toHaveLength(8)
    // Whatever somebody types, there is a page.
    expect((await reader.visit('/?page=99')).text).toContain('Page 2 of 2')
    expect((await reader.visit('/?show=all&page=2')).text).toContain('Page 2 of 2')
  })

  it('takes back once what was marked as read on the page of a newsletter', async () => {
    const { reader, keys, operations } = await readerOf(4, 1)
    const unread = async () => (await operations.listInbox({})).length
    const { status, headers } = await reader.submit(`/n/${keys[0]}/read`)
    const id = /done=read&undo=([0-9a-f]{16})$/.exec(headers.location ?? '')?.[1]
    expect([status, await unread()]).toEqual([303, 1])
    await reader.submit(`/undo/${id}`)
    expect(await unread()).toBe(5)
    await operations.markAllRead({})
    await reader.submit(`/undo/${id}`)
    expect(await unread()).toBe(0)
  })

  it.each([
    ['at a desk', DESK, 'light'],
    ['on a phone', PHONE, 'dark'],
  ] as const)(
    'is filtered, marked as read at once, and that is undone: %s',
    async (_, viewport, colorScheme) => {
      const { reader, keys, operations } = await readerOf(2, 3)
      const { page, complaints } = await enter(browser(), reader, { viewport, colorScheme })
      page.setDefaultTimeout(8_000)
      expect(await violations(page)).toEqual([])
      expect(await page.locator('.item').count()).toBe(5)
      await page.getByLabel('Newsletter').selectOption(keys[1] ?? '')
      await page.getByLabel('Newsletter').focus()
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await page.waitForURL(/in=/)
      expect(await page.locator('.item').count()).toBe(3)
      const button = page.getByRole('button', { name: 'Mark all as read' })
      await button.focus()
      await page.keyboard.press('Enter')
      await page.getByText('marked as read').waitFor()
      expect(await page.title()).toBe('(2) Inbox · Hyperletter')
      expect(await violations(page)).toEqual([])
      expect(await operations.listInbox({})).toHaveLength(2)
      await page.getByRole('button', { name: 'Undo' }).focus()
      await page.keyboard.press('Enter')
      await page.waitForURL(`${reader.origin}/`)
      expect(await page.locator('.item').count()).toBe(5)
      const width = await page.evaluate<number>('document.documentElement.scrollWidth')
      expect(width).toBeLessThanOrEqual(viewport.width)
      expect(complaints).toEqual([])
    },
  )
})

describe('a long issue', () => {
  it.each([
    ['at a desk', DESK, 'light'],
    ['on a phone', PHONE, 'dark'],
  ] as const)(
    'has contents, keeps its place, and is set as one likes: %s',
    async (_, viewport, colorScheme) => {
      const author = await openAuthor([], { issues: 0 })
      const markdown = `---\ntitle: Long\n---\n![Tide](tide.png)\n\n${LONG}`
      for await (const _event of author.operations.publishIssue({
        draft: { markdown, folder: PICTURES },
      }));
      const reader = await startReader(author.operations)
      const { page, complaints } = await enter(browser(), reader, { viewport, colorScheme })
      const path = `${reader.origin}/n/${author.feedKey}/1`
      await page.goto(path)
      const picture = page.locator('.prose img')
      expect(Number(await picture.getAttribute('width'))).toBeGreaterThan(0)
      expect(Number(await picture.getAttribute('height'))).toBeGreaterThan(0)
      await page.locator('.contents summary').focus()
      await page.keyboard.press('Enter')
      expect(await page.locator('.contents li').allTextContents()).toHaveLength(8)
      expect(await page.locator('.contents a').first().textContent()).toBe('Part 1 & more')
      expect(await violations(page)).toEqual([])
      await page.getByRole('link', { name: 'Part 3 & more' }).press('Enter')
      await expect.poll(() => page.evaluate<number>('scrollY')).toBeGreaterThan(500)
      // The place is kept for whoever comes back by another way.
      const place = await page.evaluate<number>('scrollY')
      const places = () => page.evaluate<unknown[]>(`JSON.parse(localStorage.places ?? '[]')`)
      await expect.poll(places).toHaveLength(1)
      await page.goto(reader.origin)
      await page.goto(path)
      await expect
        .poll(() => page.evaluate<number>(`Math.abs(scrollY - ${place})`))
        .toBeLessThan(300)

      await page.locator('.look summary').click()
      const sizeBefore = await page.evaluate<string>(
        `getComputedStyle(document.querySelector('.prose')).fontSize`,
      )
      await page
        .getByRole('group', { name: 'Text size' })
        .getByRole('button', { name: 'larger' })
        .click()
      await page.waitForSelector('html[data-text=larger]')
      const size = await page.evaluate<string>(
        `getComputedStyle(document.querySelector('.prose')).fontSize`,
      )
      expect(parseFloat(size)).toBeGreaterThan(parseFloat(sizeBefore))
      await page.locator('.look summary').click()
      await page
        .getByRole('group', { name: 'Line width' })
        .getByRole('button', { name: 'wide' })
        .click()
      await page.waitForSelector('html[data-text=larger][data-width=wide]')
      const width = await page.evaluate<number>('document.documentElement.scrollWidth')
      expect(width).toBeLessThanOrEqual(viewport.width)
      expect(await violations(page)).toEqual([])
      expect(complaints).toEqual([])
    },
  )
})
