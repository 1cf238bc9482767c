import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import type { Operations, Output } from '../../src/api/contract/contract.ts'
import { answer, fakeOperations, streamOf } from '../helpers/cli.ts'
import { startReader } from '../helpers/readers.ts'
import { useBrowser } from '../helpers/shared-browser.ts'
import { enter } from '../helpers/visits.ts'
import { ATTACKS, COSTLY } from '../render/attack-list.ts'

const browser = useBrowser()

const KEY = 'y'.repeat(52)
const HARMLESS = 'High water'

/** Pages that are open at the same time. */
const PAGES = 4

/** Names that would be somewhere else, something else or nothing on some system. */
const NAMES = [
  'a/../../b.html',
  '..',
  '/etc/passwd',
  'C:\\a.exe',
  'CON',
  'aux.txt',
  'a.png.html',
  '"; filename="a.exe',
  "a'b.svg",
  'a\u0000.png',
  'a\u202egpj.exe',
  'a\r\nset-cookie: b=c',
  '<script>alert(1)</script>',
  '漢.pdf',
  '.bashrc',
  'a. ',
]

/** A newsletter in which everything that its author chooses is an attack. */
function hostileOperations(texts: readonly string[], words = texts): Operations {
  const wordsOf = (number: number) => (words[number - 1] ?? '').slice(0, 250)
  const head = (number: number) => ({
    feedKey: KEY,
    newsletter: wordsOf(number),
    number,
    title: wordsOf(number),
    summary: wordsOf(number),
    publishedAt: '2026-01-01T00:00:00Z',
  })
  const listed = () =>
    texts.map((_, i) => ({ ...head(i + 1), read: false, starred: false, held: true }))
  const newsletters = () =>
    texts.map((_, i) => ({
      feedKey: KEY,
      link: `hyperletter://${KEY}`,
      title: wordsOf(i + 1),
      description: wordsOf(i + 1),
      roles: ['subscriber' as const],
      issues: 1,
      unread: 1,
      private: false,
      skippedRecords: 0,
    }))
  const found = () =>
    listed().map((it) => ({
      ...it,
      excerpt: { text: it.title, highlights: [[0, Math.min(3, it.title.length)]] },
    }))
  const issue = (number: number): Output<'readIssue'> => ({
    ...head(number),
    authors: [{ name: wordsOf(number) }],
    tags: [wordsOf(number)],
    language: 'en',
    amendedAt: '2026-01-02T00:00:00Z',
    note: wordsOf(number),
    markdown: texts[number - 1] ?? '',
    attachments: NAMES.map((name) => ({ name, mediaType: 'text/html', bytes: 25, held: true })),
    editions: 2,
    verified: false,
  })
  return fakeOperations({
    listInbox: () => Promise.resolve(listed()),
    listNewsletters: () => Promise.resolve(newsletters() as Output<'listNewsletters'>),
    listIssues: () => Promise.resolve(listed()),
    search: () => Promise.resolve(found()),
    readIssue: ({ number = 1 }) => Promise.resolve(issue(number)),
    readAttachment: () => streamOf<Uint8Array>([Buffer.from('<script>alert(1)</script>')])(),
    // A short issue is at its end at once.
    markIssue: ({ number }: { number: number }) => Promise.resolve({ ...head(number), read: true }),
    watchIssues: streamOf<Output<'watchIssues'>>([]),
    status: answer({ via: 'engine', online: false, peers: 0, newsletters: [] }),
    copyHistory: answer([{ from: new Date().toISOString(), hours: 1, peers: 2, copies: 1 }]),
  } as unknown as Partial<Operations>)
}

/** What no text may change: what there is around it, how it looks, and that the seal can be seen. */
const FRAME = `(() => {
  const prose = document.querySelector('.prose')
  const seal = document.querySelector('.seal summary')
  seal?.scrollIntoView()
  const { left, top } = seal?.getBoundingClientRect() ?? { left: 0, top: 0 }
  const around = [...document.querySelectorAll('*')].filter((it) => !prose?.contains(it))
  const count = (tag) => around.filter((it) => it.localName === tag).length
  const style = getComputedStyle(document.body)
  return {
    tags: ['script', 'style', 'link', 'meta', 'base', 'form', 'iframe', 'input', 'button', 'details', 'img'].map(count),
    ids: around.filter((it) => it.id).map((it) => it.id),
    active: (prose?.querySelectorAll('script,style,link,meta,base,form,iframe,object,embed,svg,input,button,video,audio,details[open],[style],[class*=seal],.verified').length ?? 0),
    handlers: [...document.querySelectorAll('*')].flatMap((it) => it.getAttributeNames()).filter((it) => it.startsWith('on')),
    seals: [...document.querySelectorAll('.seal')].map((it) => it.className),
    covered: seal !== null && !seal.contains(document.elementFromPoint(left + 8, top + 8)),
    look: [style.backgroundColor, style.color, style.fontFamily, style.direction],
    deceptive: /[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u200b\\u2028-\\u202e\\u2060-\\u2069\\ufeff]/.test(document.documentElement.outerHTML),
  }
})()`

/** Opens every path, some at a time, and gives what each page is like. */
async function openAll(
  pages: readonly Page[],
  origin: string,
  paths: readonly string[],
): Promise<Map<string, unknown>> {
  const frames = new Map<string, unknown>()
  const waiting = [...paths]
  await Promise.all(
    pages.map(async (page) => {
      for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
        await page.goto(origin + path, { waitUntil: 'domcontentloaded', timeout: 60_000 })
        frames.set(path, await page.evaluate(FRAME))
        expect(page.url()).toBe(origin + path)
      }
    }),
  )
  return frames
}

describe('in a real browser, an attack', () => {
  it('runs, loads, leaves, restyles and forges nothing, wherever its words stand', async () => {
    const plain = await startReader(hostileOperations(ATTACKS.map(() => HARMLESS)))
    const reader = await startReader(hostileOperations(ATTACKS))
    const calm = await enter(browser(), plain)
    const { page, context, complaints, pages } = await enter(browser(), reader)
    const tabs = [page]
    while (tabs.length < PAGES) tabs.push(await context.newPage())
    const issues = ATTACKS.map((_, i) => `/n/${KEY}/${i + 1}`)
    const lists = ['/', '/?page=2', '/?page=4', '/newsletters', `/n/${KEY}`, '/search?q=a']
    const [issue = ''] = issues
    const expected = await openAll([calm.page], plain.origin, [issue, ...lists])
    const found = await openAll(tabs, reader.origin, [...issues, ...lists])
    for (const [path, frame] of found) {
      expect([path, frame]).toEqual([path, expected.get(path) ?? expected.get(issue)])
    }
    expect(found.size).toBeGreaterThan(60)
    expect(complaints).toEqual([])
    expect(pages).toHaveLength(PAGES)
    expect(expected.get(issue)).toMatchObject({ active: 0, covered: false, seals: ['seal bad'] })
  }, 120_000)

  it('that would eat the renderer is shown', async () => {
    const names = Object.keys(COSTLY)
    const reader = await startReader(
      hostileOperations(
        Object.values(COSTLY),
        names.map(() => HARMLESS),
      ),
    )
    const { page, context, complaints } = await enter(browser(), reader)
    const tabs = [page, await context.newPage()]
    const paths = names.map((_, i) => `/n/${KEY}/${i + 1}`)
    const found = await openAll(tabs, reader.origin, paths)
    expect(found.size).toBe(names.length)
    for (const frame of found.values()) {
      expect(frame).toMatchObject({ active: 0, covered: false, seals: ['seal bad'] })
    }
    expect(complaints).toEqual([])
  }, 240_000)

  it('in an attachment is only ever a file to keep, of a harmless name', async () => {
    const reader = await startReader(hostileOperations(['a']))
    const { page, complaints } = await enter(browser(), reader)
    await page.goto(`${reader.origin}/n/${KEY}/1`)
    const hrefs = await page.evaluate<string[]>(HREFS)
    expect(hrefs).toHaveLength(NAMES.length)
    for (const href of hrefs) {
      const { status, headers } = await reader.visit(href)
      // A name that no address can carry, such as `..`, is not found.
      expect([200, 404]).toContain(status)
      if (status === 404) continue
      expect(headers['content-type']).toBe('application/octet-stream')
      const [, plain = '', encoded = ''] =
        /^attachment; filename="([\w.-]+)"; filename\*=UTF-8''([\w.%-]+)$/.exec(
          String(headers['content-disposition']),
        ) ?? []
      for (const name of [plain, decodeURIComponent(encoded)]) {
        expect(name).toMatch(/^[^./\\:\p{C}<>"][^/\\:\p{C}<>"]*$/u)
        expect(name).not.toMatch(/^(?:con|aux)(?:\.|$)|[. ]$/i)
      }
    }
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'a.png.html' }).click()
    expect((await download).suggestedFilename()).toBe('a.png.html')
    expect(page.url()).toBe(`${reader.origin}/n/${KEY}/1`)
    expect(complaints).toEqual([])
  }, 60_000)
})

// Text, for it runs in the browser.
const HREFS = `[...document.querySelectorAll('.attachments a')].map((it) => it.getAttribute('href'))`
