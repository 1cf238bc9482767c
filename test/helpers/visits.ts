import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'

export const DESK = { width: 1_280, height: 800 }
export const PHONE = { width: 360, height: 740 }

/** A browser that was let in, until the running test ends. */
export interface Visit {
  readonly page: Page
  readonly context: BrowserContext
  /** Requests to anywhere but the reader, dialogs, and everything that the browser complained of. */
  readonly complaints: string[]
  /** Pages and windows that were opened, the first one included. */
  readonly pages: Page[]
}

/** A reader that lets browsers in. */
export interface Enterable {
  readonly origin: string
  readonly server: { enter(): string }
}

/** Enters the reader and shows its inbox. */
export async function enter(
  browser: Browser,
  reader: Enterable,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: DESK, ...options })
  onTestFinished(() => context.close())
  const complaints: string[] = []
  const pages: Page[] = []
  context.on('request', (it) => {
    if (!it.url().startsWith(`${reader.origin}/`)) complaints.push(`request to ${it.url()}`)
  })
  context.on('page', (it) => pages.push(it))
  context.on('console', (it) => {
    if (it.type() === 'error' && !it.text().includes('404')) complaints.push(it.text())
  })
  context.on('weberror', (it) => complaints.push(it.error().message))
  context.on('dialog', (it) => {
    complaints.push(`dialog ${it.message()}`)
    void it.dismiss()
  })
  const page = await context.newPage()
  await page.goto(reader.server.enter())
  return { page, context, complaints, pages }
}

/** Fails unless the page is accessible and as wide as the screen, at a desk and on a phone, in both themes. */
export async function expectToFit(page: Page): Promise<void> {
  for (const [viewport, colorScheme] of [
    [DESK, 'light'],
    [PHONE, 'dark'],
  ] as const) {
    await page.setViewportSize(viewport)
    await page.emulateMedia({ colorScheme })
    expect(await violations(page)).toEqual([])
    const width = await page.evaluate<number>('document.documentElement.scrollWidth')
    expect(width).toBeLessThanOrEqual(viewport.width)
  }
}

/** What axe-core finds fault with on the page that is shown, once its colours have stopped changing. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(SETTLED)
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

// Text, for it runs in the browser. A change of theme or pointer fades in: halfway there is no contrast.
// What has finished in a part that is closed is listed for ever, and its promise need not resolve: the state of each counts.
const SETTLED = `(async () => {
  const isRunning = (it) => it.playState === 'running' && it.effect?.getComputedTiming().endTime !== Infinity
  while (document.getAnimations().some(isRunning)) await new Promise(requestAnimationFrame)
})()`
