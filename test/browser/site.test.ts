import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openEngine } from '../../src/api/open-engine.ts'
import { parseLink } from '../../src/format/keys/link.ts'
import { all } from '../helpers/operations.ts'
import { publishLetter } from '../helpers/letters.ts'
import { openAuthor, publish } from '../helpers/peers.ts'
import {
  serveFolder,
  type StaticServer,
  type StaticServerOptions,
} from '../helpers/static-server.ts'
import { useBrowser } from '../helpers/shared-browser.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { DESK, PHONE, violations } from '../helpers/visits.ts'

const PICTURES = new URL('../../fixtures/drafts/images', import.meta.url).pathname

const browser = useBrowser()

/** With code that is wider than a phone. */
const NEWEST = `# Tides\n\nIt rises.\n\n![Tide](tide.png)\n\n    ${'higher '.repeat(20)}\n`

/** An exported newsletter whose newest issue has a picture. */
async function exported({ issues = 2, isPrivate = false } = {}) {
  const author = await openAuthor([], { isOnline: false, issues: 0, isPrivate })
  const drafts = await temporaryDirectory()
  for (let i = 1; i <= issues; i++) {
    const date = new Date(i * 86_400_000).toISOString()
    await writeFile(
      join(drafts, `issue-${i}.md`),
      `---\ndate: ${date}\n---\n\n# Issue ${i}\n\nText ${i}.\n`,
    )
  }
  await all(author.operations.importFolder({ newsletter: author.feedKey, folder: drafts }))
  await publish(author.operations, NEWEST, undefined, PICTURES)
  const folder = await temporaryDirectory()
  const write = () => all(author.operations.exportSite({ newsletter: author.feedKey, folder }))
  await write()
  return { ...author, folder, write, ...parseLink(author.link) }
}

/** The same, for tests that change nothing. */
let shared: { readonly folder: string; readonly feedKey: string }
let work: string

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'hyperletter-test-'))
  const folder = join(work, 'site')
  await using engine = await openEngine({ dataDir: join(work, 'data'), bootstrap: [] })
  const { operations } = engine
  const { feedKey } = await operations.createNewsletter({ title: 'Tide tables' })
  for (const number of [1, 2])
    await publish(operations, `# Issue ${number}\n\nHigh water at ${number} o'clock.\n`)
  await publish(operations, NEWEST, undefined, PICTURES)
  await all(operations.exportSite({ newsletter: feedKey, folder }))
  shared = { folder, feedKey }
})

afterAll(() => rm(work, { recursive: true, force: true, maxRetries: 3 }))

interface Visited {
  readonly page: Page
  /** What the browser complained of, and requests to anywhere else. */
  readonly complaints: string[]
  /** What the page says of the check: `yes`, or the code of an error. */
  readonly verdict: () => Promise<string>
}

async function visit(
  url: string,
  options: BrowserContextOptions = {},
  others: readonly string[] = [],
): Promise<Visited> {
  const context = await browser().newContext({ viewport: DESK, ...options })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  const known = [new URL(url).origin, 'blob:', 'data:', ...others]
  page.on('console', (it) => {
    if (it.type() === 'error' && !it.text().includes('404')) complaints.push(it.text())
  })
  page.on('pageerror', (it) => complaints.push(it.message))
  page.on('request', (it) => {
    if (!known.some((origin) => it.url().startsWith(origin))) complaints.push(it.url())
  })
  await page.goto(url)
  const verdict = async () => {
    await page.waitForSelector('html[data-verified]:not([data-verified=busy])', {
      state: 'attached',
    })
    return page.evaluate<string>(`document.documentElement.dataset.verified`)
  }
  return { page, complaints, verdict }
}

const logFiles = ({ answered }: StaticServer) => answered.filter((it) => it.path.startsWith('log/'))
const textOf = (page: Page) => page.innerText('main')

/** As somebody on the way, or the host, could: one bit of every block, however short. */
const altering = (which: RegExp): StaticServerOptions => ({
  alter: (path, bytes) =>
    which.test(path)
      ? bytes.map((it, i) => ((bytes.byteLength - i) % 32 === 9 ? it ^ 1 : it))
      : bytes,
})

describe('a page of a website', () => {
  it('shows its issue anew from verified blocks, pictures too', async () => {
    const { folder } = shared
    const server = await serveFolder(folder, {
      alter: (path, bytes) =>
        path.endsWith('index.html')
          ? Buffer.from(Buffer.from(bytes).toString().replace('It rises.', 'It falls.'))
          : bytes,
    })
    const { page, verdict, complaints } = await visit(`${server.origin}/issues/3/index.html`)
    expect(await verdict()).toBe('yes')
    const text = await textOf(page)
    expect(text).toContain('It rises.')
    expect(text).not.toContain('It falls.')
    expect(text).toMatch(/Verified by key [a-z0-9]{8}… · how\?/)
    const drawn = `[...document.images].some((it) => it.src.startsWith('blob:') && it.naturalWidth > 0)`
    await expect.poll(() => page.evaluate<boolean>(drawn)).toBe(true)
    await expect.poll(() => page.innerText('.from')).toBe('Tide tables')
    expect(complaints).toEqual([])
  })

  it('lists its issues anew from verified records', async () => {
    const { folder } = shared
    const server = await serveFolder(folder, {
      alter: (path, bytes) =>
        path === 'index.html'
          ? Buffer.from(Buffer.from(bytes).toString().replaceAll('Issue 2', 'Issue X'))
          : bytes,
    })
    const { page, verdict, complaints } = await visit(`${server.origin}/index.html`)
    expect(await verdict()).toBe('yes')
    const text = await textOf(page)
    expect(text).toContain('Issue 2')
    expect(text).not.toContain('Issue X')
    expect(text).toMatch(/Tide tables\n[^]*Verified by key [a-z0-9]{8}… · how\?/)
    await page.click('#archive a[href="issues/2/index.html"]')
    expect(await verdict()).toBe('yes')
    expect(complaints).toEqual([])
  })

  it.each([
    ['the head', /^log\/head$/, ['issues/3/index.html', 'index.html']],
    ['blocks', /^log\/blocks\//, ['issues/3/index.html']],
    ['records', /^log\/records\//, ['index.html']],
  ])(
    'says in red that it is not verified where %s were altered, and shows nothing as such',
    async (_, which, paths) => {
      const { folder } = shared
      const server = await serveFolder(folder, altering(which))
      for (const path of paths) {
        const { page, verdict } = await visit(`${server.origin}/${path}`)
        expect(await verdict()).toBe('INVALID_LOG')
        const text = await textOf(page)
        expect(text).toContain('Not verified')
        expect(text).not.toContain('Verified by key')
        expect(await page.locator('[role=alert].problem').isVisible()).toBe(true)
      }
    },
  )

  it('reads without scripts, and from a disk', async () => {
    const { folder } = shared
    const server = await serveFolder(folder)
    const { page } = await visit(`${server.origin}/`, { javaScriptEnabled: false })
    await page.click('.featured h2 a')
    expect(await textOf(page)).toContain('It rises.')
    await page.click('a[rel=prev]')
    expect(await textOf(page)).toContain('High water at 2')

    const file = await visit(pathToFileURL(join(folder, 'index.html')).href, {}, ['file:'])
    await file.page.click('.featured h2 a')
    expect(await textOf(file.page)).toContain('It rises.')
    expect(await file.page.evaluate(`document.images[1].naturalWidth > 0`)).toBe(true)
    expect(file.complaints).toEqual([])
  })

  it('refuses an older state than this browser has seen, and another history', async () => {
    const author = await exported()
    const { engine, folder, write, operations, feedKey } = author
    await using session = await engine.open(engine.library.resolve(feedKey))
    await publishLetter(engine, session.feed, {
      number: 1,
      issue: 3,
      text: 'It fell.',
      answer: 'It rose.',
    })
    await write()
    const server = await serveFolder(folder, {
      alter: (path, bytes) =>
        path.endsWith('index.html')
          ? Buffer.from(Buffer.from(bytes).toString().replaceAll('It fell.', 'It flew.'))
          : bytes,
    })
    const old = new Map<string, Uint8Array>()
    for (const it of await readdir(folder, { recursive: true })) {
      await readFile(join(folder, it)).then(
        (bytes) => old.set(it, bytes),
        () => undefined,
      )
    }
    await publish(operations, '# Newer\n\nStill rising.\n')
    await write()
    // What readers wrote is verified as the issue is.
    const { page, verdict } = await visit(`${server.origin}/issues/3/index.html`)
    expect(await verdict()).toBe('yes')
    await expect.poll(() => page.innerText('#letters')).toContain('It fell.')
    expect(await page.innerText('#letters')).toContain('signature verified')
    await page.goto(`${server.origin}/reader.html#${feedKey}/3`)
    await expect.poll(() => page.innerText('main')).toContain('It rose.')
    await page.goto(`${server.origin}/issues/4/index.html`)
    expect(await verdict()).toBe('yes')
    await page.route('**/log/**', (route) =>
      route.fulfill({
        body: Buffer.from(old.get(new URL(route.request().url()).pathname.slice(1)) ?? []),
      }),
    )
    await page.goto(`${server.origin}/issues/3/index.html`)
    expect(await verdict()).toBe('FEED_BEHIND')
    expect(await textOf(page)).toContain('old state')
  })

  it.each([
    ['light', DESK],
    ['dark', PHONE],
  ] as const)(
    'is accessible in the %s theme at %o',
    async (colorScheme, viewport) => {
      const { folder, feedKey } = shared
      const { origin } = await serveFolder(folder)
      const { origin: altered } = await serveFolder(folder, altering(/^log\/blocks\//))
      for (const path of [
        `${origin}/`,
        `${origin}/issues/3/index.html`,
        `${origin}/reader.html#${feedKey}`,
        `${origin}/reader.html`,
        `${altered}/issues/3/index.html`,
        `${altered}/reader.html#${feedKey}`,
      ]) {
        const { page, verdict } = await visit(path, { colorScheme, viewport })
        if (path !== `${origin}/`) await verdict()
        expect([path, await violations(page)]).toEqual([path, []])
        const overflow = `document.documentElement.scrollWidth - document.documentElement.clientWidth`
        expect([path, await page.evaluate<number>(overflow)]).toEqual([path, 0])
      }
    },
    90_000,
  )
})

describe('the reader in one file', () => {
  it('shows the newest issue of 538 after three requests and 10 KiB, and lists all of them', async () => {
    const { folder, feedKey } = await exported({ issues: 537 })
    const server = await serveFolder(folder)
    const { page, verdict, complaints } = await visit('about:blank', {}, [server.origin])
    await page.goto(`${server.origin}/reader.html#${feedKey}`)
    // Whatever comes next waits until it was counted.
    expect(await verdict()).toBe('yes')
    expect(await textOf(page)).toContain('It rises.')
    await page.waitForSelector('html[data-listed="538"]', { state: 'attached' })
    const asked = logFiles(server)
    const first = asked.findIndex((it) => it.path.startsWith('log/records/'))
    expect(asked.slice(0, first).length).toBeLessThanOrEqual(3)
    expect(asked.slice(0, first).reduce((sum, it) => sum + it.bytes, 0)).toBeLessThanOrEqual(10_240)
    expect(await page.locator('.rows li').count()).toBe(538)
    await page.click('.rows li:nth-child(3) a')
    await expect.poll(() => page.innerText('h1')).toBe('Issue 536')
    expect(complaints).toEqual([])
  })

  it('leads to places in a text and to other issues, and stays with the newsletter', async () => {
    const drafts = await temporaryDirectory()
    const texts = {
      'one.md': `# One\n\n${'Low.\n\n'.repeat(60)}## Low\n\nLowest.\n`,
      'two.md': `# Two\n\nAfter [the first](one.md#low).[^1]\n\n${'High.\n\n'.repeat(60)}[^1]: Twice.\n`,
    }
    for (const [name, text] of Object.entries(texts)) await writeFile(join(drafts, name), text)
    const author = await openAuthor([], { isOnline: false, issues: 0 })
    const { operations, feedKey } = author
    await all(operations.importFolder({ newsletter: feedKey, folder: drafts, undated: 'names' }))
    const folder = join(drafts, 'site')
    await all(operations.exportSite({ newsletter: feedKey, folder }))
    const { origin } = await serveFolder(folder)
    const { page } = await visit(`${origin}/reader.html#${feedKey}`)
    await page.waitForSelector('html[data-listed="2"]', { state: 'attached' })
    for (const link of ['.skip', '.prose sup a']) {
      await page.locator(link).focus()
      await page.keyboard.press('Enter')
      expect(new URL(page.url()).hash).toBe(`#${feedKey}`)
    }
    expect(await page.evaluate('document.activeElement.textContent')).toContain('Twice.')
    expect(await page.evaluate<number>('scrollY')).toBeGreaterThan(0)
    await page.getByRole('link', { name: 'the first' }).click()
    await expect.poll(() => page.innerText('h1')).toBe('One')
    await page.waitForSelector('html[data-verified="yes"]')
    expect(await isInView(page, 'issue-low')).toBe(true)
  })

  it('needs two requests from a server that knows no ranges', async () => {
    const { folder, feedKey } = shared
    const server = await serveFolder(folder, { ranges: false })
    const { verdict } = await visit(`${server.origin}/reader.html#${feedKey}`)
    expect(await verdict()).toBe('yes')
    const [head, pack] = logFiles(server)
    expect([head?.path, pack?.path]).toEqual(['log/head', expect.stringMatching(/^log\/blocks\//)])
  })

  it.each([
    ['the head', /^log\/head$/],
    ['blocks', /^log\/blocks\//],
  ])('shows an error and no text where %s were altered', async (_, which) => {
    const { folder, feedKey } = shared
    const server = await serveFolder(folder, altering(which))
    const { page, verdict } = await visit(`${server.origin}/reader.html#${feedKey}`)
    expect(await verdict()).toBe('INVALID_LOG')
    expect(await textOf(page)).not.toContain('It rises.')
    expect(await textOf(page)).toContain('This is not what the author signed')
  })

  it('refuses the log of another newsletter', async () => {
    const { folder, feedKey } = shared
    const { folder: other } = await exported()
    const server = await serveFolder(other)
    const { page, verdict } = await visit(`${server.origin}/reader.html#${feedKey}`)
    expect(await verdict()).toBe('INVALID_LOG')
    const { origin } = await serveFolder(folder)
    // The address of one that has it may be in the link.
    await page.goto(
      `${server.origin}/reader.html#${feedKey}?via=${encodeURIComponent(`${origin}/`)}`,
    )
    await page.reload()
    expect(await verdict()).toBe('yes')
  })

  it('opened from a disk reads log files from elsewhere, and says who did the check', async () => {
    const { folder, feedKey } = shared
    const { origin } = await serveFolder(folder)
    const file = pathToFileURL(join(folder, 'reader.html')).href
    const url = `${file}#${feedKey}?via=${encodeURIComponent(`${origin}/`)}`
    const { page, verdict, complaints } = await visit(url, {}, [origin, 'file:'])
    expect(await verdict()).toBe('yes')
    expect(await page.textContent('#seal')).toContain('this file on your disk')
    expect(complaints).toEqual([])
  })

  it('asks the mirrors that it remembers where nobody else has the log', async () => {
    const { folder, feedKey } = shared
    const mirror = 'https://mirror.example/tide/'
    let isGone = false
    const server = await serveFolder(folder, {
      alter: (path, bytes) => {
        if (isGone && path.startsWith('log/')) throw new Error('gone')
        return bytes
      },
    })
    const { page, verdict } = await visit(`${server.origin}/reader.html#${feedKey}`)
    expect(await verdict()).toBe('yes')
    await page.waitForSelector('html[data-listed]', { state: 'attached' })
    // As the profile of a newsletter that names one leaves it.
    await page.evaluate(`localStorage.setItem('hyperletter/${feedKey}/mirrors', '${mirror}')`)
    isGone = true
    const asked: string[] = []
    await page.route(`${mirror}**`, async (route) => {
      const path = route.request().url().slice(mirror.length)
      asked.push(path)
      await route.fulfill({
        body: await readFile(join(folder, path)),
        headers: { 'access-control-allow-origin': '*' },
      })
    })
    await page.reload()
    expect(await verdict()).toBe('yes')
    expect(await textOf(page)).toContain('It rises.')
    expect(asked[0]).toBe('log/head')
  })

  it('reads a private newsletter with its key, which no request contains', async () => {
    const { folder, feedKey, encryptionKey = '' } = await exported({ isPrivate: true })
    const server = await serveFolder(folder)
    const { page, verdict } = await visit(`${server.origin}/reader.html#${feedKey}`)
    expect(await verdict()).toBe('NEEDS_KEY')
    expect(await textOf(page)).toContain('This newsletter is private')
    await page.fill('input', 'y'.repeat(52))
    await page.click('button')
    await expect.poll(() => textOf(page)).toContain('does not read it')
    await page.fill('input', encryptionKey)
    await page.click('button')
    await expect.poll(() => textOf(page)).toContain('It rises.')
    expect(server.requests.filter((it) => it.includes(encryptionKey))).toEqual([])
  })
})

function isInView(page: Page, id: string): Promise<boolean> {
  return page.evaluate(`(() => {
    const { top, bottom } = document.getElementById('${id}').getBoundingClientRect()
    return top >= 0 && bottom <= innerHeight
  })()`)
}
