import type { BrowserContext, Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseLink } from '../../../src/format/keys/link.ts'
import { all } from '../../helpers/operations.ts'
import { openAuthor } from '../../helpers/peers.ts'
import { useBrowser } from '../../helpers/shared-browser.ts'
import { serveTabs } from '../../helpers/tab-gateway.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { DESK } from '../../helpers/visits.ts'

const browser = useBrowser()

async function newsletter({ issues = 3, isPrivate = false } = {}) {
  const author = await openAuthor([], { isOnline: false, issues, isPrivate })
  const folder = await temporaryDirectory()
  await all(author.operations.exportSite({ newsletter: author.feedKey, folder }))
  const link = parseLink(author.link)
  const session = await author.engine.feeds.open(link)
  onTestFinished(async () => session[Symbol.asyncDispose]())
  return { ...author, folder, log: session.feed.log, ...link }
}

async function profile(): Promise<BrowserContext> {
  const context = await browser().newContext({ viewport: DESK })
  onTestFinished(() => context.close())
  return context
}

const verdict = async (page: Page) => {
  await page.waitForSelector('html[data-verified]:not([data-verified=busy])', { state: 'attached' })
  return page.evaluate<string>('document.documentElement.dataset.verified')
}
const kept = (page: Page) => page.evaluate<string>('document.documentElement.dataset.kept ?? ""')
const textOf = (page: Page) => page.innerText('main')

describe('the page of a gateway', () => {
  it('reads, keeps all of it, and reads it again with everything down', async () => {
    const { log, folder, feedKey } = await newsletter()
    const gateway = await serveTabs({ log, files: { feedKey, folder } })
    const context = await profile()
    const page = await context.newPage()
    await page.goto(`${gateway.origin}/#${feedKey}`)
    expect(await verdict(page)).toBe('yes')
    await expect.poll(() => kept(page), { timeout: 20_000 }).toBe(`${log.length}/${log.length}`)
    await page.evaluate('navigator.serviceWorker.ready.then(() => 0)')
    await gateway.close()
    await page.reload()
    expect(await verdict(page)).toBe('yes')
    expect(await textOf(page)).toContain("High water at 3 o'clock.")
  })
})
