import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openAuthor } from '../helpers/peers.ts'
import { startReader } from '../helpers/readers.ts'
import { useBrowser } from '../helpers/shared-browser.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { DESK, enter, PHONE, violations } from '../helpers/visits.ts'

const browser = useBrowser()

const SVG = (colour: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"><rect width="60" height="20" fill="${colour}"/></svg>`

/** A draft with a picture, and a page that shows it. */
async function someDraft() {
  const author = await openAuthor([], { issues: 1, isOnline: false })
  const folder = await temporaryDirectory()
  const file = join(folder, 'tide.md')
  const write = (text: string) => writeFile(file, `# Spring tide\n\n${text}\n`)
  await mkdir(join(folder, 'img'))
  await writeFile(join(folder, 'img/a.svg'), SVG('teal'))
  await write('The sea.\n\n![The tide](img/a.svg)\n\n![Gone](img/b.svg)')
  const reader = await startReader(author.operations)
  const path = new URL(reader.server.preview({ draft: { file } })).searchParams.get('to') ?? ''
  return { author, reader, folder, write, path }
}

describe('the page of a draft', () => {
  it.each([
    ['desk', DESK, 'light'],
    ['phone', PHONE, 'dark'],
  ] as const)(
    'on a %s shows it in every way that readers see it',
    async (_name, viewport, colorScheme) => {
      const { reader, path } = await someDraft()
      const { page, complaints } = await enter(browser(), reader, { viewport, colorScheme })
      await page.goto(reader.origin + path)
      expect(await page.locator('.findings').innerText()).toMatch(
        /1 thing to look at[^]*Line 7[^]*img\/b\.svg/,
      )
      expect(await page.locator('.seal').innerText()).toContain('not signed')
      for (const as of ['Desk', 'Phone', 'Feed', 'Mail']) {
        // By keyboard alone.
        await page.getByRole('link', { name: as, exact: true }).focus()
        await page.keyboard.press('Enter')
        await page.locator(`.tabs [aria-current]:text-is("${as}")`).waitFor()
        expect(await page.locator('h1').innerText()).toBe('Spring tide')
        const width = `document.querySelector('img[alt="The tide"]').naturalWidth`
        await expect.poll(() => page.evaluate(width)).toBe(60)
        expect(await violations(page)).toEqual([])
        const overflow =
          'document.documentElement.scrollWidth - document.documentElement.clientWidth'
        expect(await page.evaluate(overflow)).toBe(0)
      }
      expect(complaints).toEqual([])
    },
  )

  it('follows the text and its pictures while they change', async () => {
    const { reader, path, folder, write } = await someDraft()
    const { page, complaints } = await enter(browser(), reader)
    await page.goto(reader.origin + path)
    await page.locator('html[data-following]').waitFor()
    await write('The **moon**.\n\n![The tide](img/a.svg)')
    await page.locator('.prose strong').waitFor()
    expect(await page.locator('.findings').innerText()).toContain('Nothing looks wrong.')
    const picture = page.getByRole('img', { name: 'The tide' })
    const before = await picture.getAttribute('src')
    await writeFile(join(folder, 'img/a.svg'), SVG('navy'))
    await expect.poll(() => picture.getAttribute('src')).not.toBe(before)
    await write('\0')
    await page.locator('h1:text("Not publishable")').waitFor()
    await write('Back.')
    await page.locator('.prose p:text("Back.")').waitFor()
    expect(complaints).toEqual([])
  })

  it('exists only under its address, for a browser that was let in', async () => {
    const { reader, path } = await someDraft()
    expect((await reader.ask(path)).status).toBe(401)
    expect((await reader.visit(path)).status).toBe(200)
    expect((await reader.visit(`/preview/${'0'.repeat(32)}`)).status).toBe(404)
    const picture = await reader.visit(`${path}/files/img/a.svg`)
    expect(picture.headers['content-type']).toBe('image/svg+xml')
    expect(picture.headers['content-security-policy']).toContain('sandbox')
    expect((await reader.ask(`${path}/files/img/a.svg`)).status).toBe(401)
    expect((await reader.visit(`${path}/files/tide.md`)).status).toBe(404)
  })
})
