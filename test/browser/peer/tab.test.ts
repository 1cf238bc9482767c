import type { BrowserContext } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openGateway } from '../../helpers/gateways.ts'
import { publish } from '../../helpers/peers.ts'
import { useBrowser } from '../../helpers/shared-browser.ts'
import { logOf, openStore } from '../../helpers/stores.ts'
import { serveTabs } from '../../helpers/tab-gateway.ts'
import {
  data,
  keepsAll,
  newsletter,
  open,
  PATIENT,
  stored,
  textOf,
  verdict,
} from '../../helpers/tab-pages.ts'
import { DESK, PHONE, violations } from '../../helpers/visits.ts'

const browser = useBrowser()

async function profile(options = {}): Promise<BrowserContext> {
  const context = await browser().newContext({ viewport: DESK, ...options })
  onTestFinished(() => context.close())
  return context
}

describe('the page of a gateway', { timeout: 240_000 }, () => {
  it('reads, keeps and carries a newsletter, and reads it with everything down', async () => {
    const { log, folder, feedKey, operations } = await newsletter()
    const gateway = await serveTabs({ log, files: { feedKey, folder } })
    // It has the key and nothing else, and fetches what tabs have.
    const core = (await openStore()).get({ key: feedKey })
    await core.ready()
    const empty = await serveTabs({ log: await logOf(core) })
    const context = await profile()
    const page = await open(context, `${gateway.origin}/#${feedKey}?via=${empty.origin}/`)
    expect(await verdict(page)).toBe('yes')
    expect(await textOf(page)).toContain("High water at 3 o'clock.")
    await keepsAll(page, log.length)
    expect(await stored(page)).toContain('Issue 3')

    // What is published meanwhile comes up by itself.
    await publish(operations, '# Spring tide\n\nIt rises higher.\n')
    await expect.poll(() => textOf(page), PATIENT).toContain('It rises higher.')
    await keepsAll(page, log.length)

    // Nothing is taken away from somebody who has read on.
    await page.evaluate(`document.body.style.paddingBottom = '200vh'; scrollTo(0, 1000)`)
    await publish(operations, '# Neap tide\n\nIt rises less.\n')
    await page.click('#newer', PATIENT)
    await expect.poll(() => textOf(page), PATIENT).toContain('It rises less.')
    await keepsAll(page, log.length)

    await expect.poll(() => core.length, PATIENT).toBe(log.length)
    await core.download({ start: 0, end: core.length }).done()
    expect(core.contiguousLength).toBe(log.length)
    await expect.poll(() => page.innerText('.carrying'), PATIENT).toMatch(/for 1 peer, .* sent/)
    expect(empty.sockets.size).toBe(1)
    await page.uncheck('#carry')
    await expect.poll(() => empty.sockets.size, PATIENT).toBe(0)
    expect(gateway.sockets.size).toBe(0)

    await page.evaluate('navigator.serviceWorker.ready.then(() => 0)')
    await gateway.close()
    await empty.close()
    await page.reload()
    expect(await verdict(page)).toBe('yes')
    expect(await textOf(page)).toContain('It rises less.')
    await page.click('.rows li:last-child a')
    await expect.poll(() => textOf(page), PATIENT).toContain("High water at 1 o'clock.")
    // The choice stays.
    await expect.poll(() => page.isChecked('#carry'), PATIENT).toBe(false)
  })

  it('is a peer of a daemon that is opened to the web', async () => {
    const { log, feedKey, engine, operations } = await newsletter()
    const { gateway, origin } = await openGateway(engine)
    const page = await open(await profile(), `${origin}/#${feedKey}`)
    await keepsAll(page, log.length)
    await expect.poll(() => gateway.facts()?.tabs, PATIENT).toBe(1)
    await publish(operations, '# Spring tide\n\nIt rises higher.\n')
    await expect.poll(() => textOf(page), PATIENT).toContain('It rises higher.')
    await keepsAll(page, log.length)
    await page.evaluate('navigator.serviceWorker.ready.then(() => 0)')
    await gateway.close()
    await page.reload()
    await expect.poll(() => textOf(page), PATIENT).toContain('It rises higher.')
  })

  it('has one tab write, and another take over when that is closed', async () => {
    const { log, folder, feedKey } = await newsletter()
    const gateway = await serveTabs({ log, files: { feedKey, folder } })
    const context = await profile()
    const first = await open(context, `${gateway.origin}/#${feedKey}`)
    await keepsAll(first, log.length)
    const second = await open(context, `${gateway.origin}/#${feedKey}`)
    expect(await verdict(second)).toBe('yes')
    await expect.poll(() => second.innerText('.carrying'), PATIENT).toContain('Another tab')
    expect(await data(second, 'kept')).toBe('')
    await first.close()
    await keepsAll(second, log.length)
  })

  it('keeps a sound store when its tab crashes again and again while it writes', async () => {
    const { log, folder, feedKey } = await newsletter({ issues: 0, long: 12 })
    const gateway = await serveTabs({ log, files: { feedKey, folder } })
    const context = await profile()
    const url = `${gateway.origin}/#${feedKey}`
    for (const blocks of [1, 4, 9, 20]) {
      const page = await open(context, url)
      const keptBlocks = async () => parseInt(await data(page, 'kept'), 10)
      await expect.poll(keptBlocks, { ...PATIENT, interval: 10 }).toBeGreaterThanOrEqual(blocks)
      const devTools = await context.newCDPSession(page)
      const crashed = page.waitForEvent('crash')
      devTools.send('Page.crash').catch(() => undefined)
      await crashed
      await page.close()
    }
    const page = await open(context, url)
    await keepsAll(page, log.length)
    await page.evaluate('navigator.serviceWorker.ready.then(() => 0)')
    await gateway.close()
    for (const number of [1, 5, 12]) {
      await page.goto(`${url}/${number}`)
      await page.reload()
      await expect.poll(() => textOf(page), PATIENT).toContain(`This is text ${number}.`)
    }
  })

  it('takes nothing that was altered, and leaves the gateway that sent it', async () => {
    const { log, feedKey } = await newsletter({ issues: 0, long: 2 })
    const altering = await serveTabs({
      log,
      alter: (bytes) =>
        bytes.byteLength < 4_000 ? bytes : bytes.map((it, i) => (i === 2_000 ? it ^ 1 : it)),
    })
    const honest = await serveTabs({ log })
    const context = await profile()
    const page = await open(context, `${altering.origin}/#${feedKey}`)
    await expect.poll(() => page.innerText('.carrying'), PATIENT).toContain('did not sign')
    expect(await data(page, 'kept')).not.toBe(`${log.length}/${log.length}`)
    expect(altering.sockets.size).toBe(0)
    await page.goto(`${altering.origin}/#${feedKey}?via=${honest.origin}/`)
    await page.reload()
    await keepsAll(page, log.length)
    await expect.poll(() => textOf(page), PATIENT).toContain('This is text 2.')
  })

  it('stops where the browser gives no more room, and reads on', async () => {
    const { log, folder, feedKey } = await newsletter({ issues: 0, long: 5 })
    const gateway = await serveTabs({ log })
    const context = await profile()
    const page = await context.newPage()
    // It tells of more room than there is.
    await page.addInitScript('navigator.storage.estimate = async () => ({ quota: 1e9, usage: 0 })')
    const devTools = await context.newCDPSession(page)
    const { origin } = gateway
    await devTools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 200_000 })
    await page.goto(`${origin}/#${feedKey}`)
    await expect.poll(() => data(page, 'failure'), PATIENT).toBe('DISK_FULL')
    await expect.poll(() => page.innerText('.carrying'), PATIENT).toContain('no more room')
    await gateway.close()
    await serveTabs({ files: { feedKey, folder }, port: Number(new URL(origin).port) })
    await page.reload()
    await page.goto(`${origin}/#${feedKey}/1`)
    await expect.poll(() => verdict(page), PATIENT).toBe('yes')
  })

  it('keeps the newest issues that have room, and passes them on no faster than it may', async () => {
    const { log, feedKey } = await newsletter({ issues: 0, long: 20 })
    const gateway = await serveTabs({ log })
    const core = (await openStore()).get({ key: feedKey })
    await core.ready()
    const empty = await serveTabs({ log: await logOf(core) })
    const context = await profile()
    const page = await context.newPage()
    // A tenth of it is for one newsletter.
    const quota = log.byteLength * 7
    await page.addInitScript(
      `navigator.storage.estimate = async () => ({ quota: ${quota}, usage: 0 })`,
    )
    await page.goto(`${gateway.origin}/#${feedKey}?via=${empty.origin}/`)
    const perIssue = (log.length - 1) / 20
    const kept = 1 + 20 + 13 * (perIssue - 1)
    await expect.poll(() => data(page, 'kept'), PATIENT).toBe(`${kept}/${log.length}`)
    expect(await page.innerText('.carrying')).toMatch(/\d\d % of it is kept/)
    await expect.poll(() => core.length, PATIENT).toBe(log.length)
    const begun = performance.now()
    const newest = { start: log.length - 13 * perIssue, end: log.length }
    await core.download(newest).done()
    const seconds = (performance.now() - begun) / 1_000
    const bytes = (await log.rangeBytes(newest)) ?? 0
    // The first 256 KiB go at once.
    expect(seconds).toBeGreaterThan(0.9 * (bytes / (256 * 1024) - 1))
    expect(bytes).toBeGreaterThan(600_000)
    await page.evaluate('navigator.serviceWorker.ready.then(() => 0)')
    await gateway.close()
    await empty.close()
    await page.reload()
    await expect.poll(() => textOf(page), PATIENT).toContain('This is text 20.')
    expect(await page.locator('.rows li').count()).toBe(20)
    await page.goto(`${gateway.origin}/#${feedKey}/1`)
    await expect.poll(() => verdict(page), PATIENT).toBe('NOT_AVAILABLE')
  })

  it('reads a private newsletter with the key in its address, which no request has', async () => {
    const { log, folder, feedKey, encryptionKey = '' } = await newsletter({ isPrivate: true })
    const gateway = await serveTabs({ log, files: { feedKey, folder } })
    for (const key of ['', `/${'y'.repeat(52)}`]) {
      const page = await open(await profile(), `${gateway.origin}/#${feedKey}${key}`)
      expect(await verdict(page)).toBe('NEEDS_KEY')
    }
    const page = await open(await profile(), `${gateway.origin}/#${feedKey}/${encryptionKey}`)
    await keepsAll(page, log.length)
    expect(await stored(page)).not.toContain('Issue 3')
    await page.evaluate('navigator.serviceWorker.ready.then(() => 0)')
    await gateway.close()
    await page.reload()
    expect(await verdict(page)).toBe('yes')
    expect(await textOf(page)).toContain("High water at 3 o'clock.")
    expect(gateway.requests.filter((it) => it.includes(encryptionKey))).toEqual([])
  })

  it('is accessible, in both themes, at a desk and on a phone', async () => {
    const { log, folder, feedKey } = await newsletter()
    const gateway = await serveTabs({ log, files: { feedKey, folder } })
    for (const [colorScheme, viewport] of [
      ['light', DESK],
      ['dark', PHONE],
    ] as const) {
      const context = await profile({ colorScheme, viewport })
      const page = await open(context, `${gateway.origin}/#${feedKey}`)
      await keepsAll(page, log.length)
      await page.waitForSelector('#carry')
      expect(await violations(page)).toEqual([])
      const overflow = `document.documentElement.scrollWidth - document.documentElement.clientWidth`
      expect(await page.evaluate<number>(overflow)).toBe(0)
    }
  })
})
