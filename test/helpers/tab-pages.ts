import { randomBytes } from 'node:crypto'
import type { BrowserContext, Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { parseLink } from '../../src/format/keys/link.ts'
import { all } from './operations.ts'
import { openAuthor, publish } from './peers.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** The browser works beside everything else on this machine. */
export const PATIENT = { timeout: 60_000 }

/** A newsletter with its log files in a folder. @param long how many of its issues are long ones. */
export async function newsletter({ issues = 3, long = 0, isPrivate = false } = {}) {
  const author = await openAuthor([], { isOnline: false, issues, isPrivate })
  for (let number = 1; number <= long; number++) await publish(author.operations, longText(number))
  const folder = await temporaryDirectory()
  await all(author.operations.exportSite({ newsletter: author.feedKey, folder }))
  const link = parseLink(author.link)
  const session = await author.engine.feeds.open(link)
  onTestFinished(async () => session[Symbol.asyncDispose]())
  return { ...author, folder, log: session.feed.log, ...link }
}

/** A long text that does not compress well. */
export const longText = (number: number) =>
  `# Issue ${number}\n\nThis is text ${number}.\n\n${randomBytes(60_000).toString('base64')}\n`

/** Opens a page in a context. */
export async function open(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(url)
  return page
}

/** What the page says of itself. */
export const data = (page: Page, name: string) =>
  page.evaluate<string>(`document.documentElement.dataset.${name} ?? ''`)

/** What it says of the issue, once that is decided. */
export const verdict = async (page: Page) => {
  await page.waitForSelector('html[data-verified]:not([data-verified=busy])', { state: 'attached' })
  return data(page, 'verified')
}

/** What can be read in it. */
export const textOf = (page: Page) => page.innerText('main')

/** All that the browser has in IndexedDB, as text. */
export const stored = (page: Page) =>
  page.evaluate<string>(`(async () => {
    const done = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)))
    let text = ''
    for (const { name } of await indexedDB.databases()) {
      const db = await done(indexedDB.open(name))
      for (const it of db.objectStoreNames) {
        const values = await done(db.transaction(it).objectStore(it).getAll())
        text += values.map((value) => new TextDecoder('latin1').decode(value)).join(' ')
      }
      db.close()
    }
    return text
  })()`)

/** Waits until it keeps so many blocks, all that there are. */
export async function keepsAll(page: Page, length: number): Promise<void> {
  await expect.poll(() => data(page, 'kept'), PATIENT).toBe(`${length}/${length}`)
}
