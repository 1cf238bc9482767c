import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openEngine } from '../../src/api/open-engine.ts'
import { runNode, runTypeScript } from '../helpers/child.ts'
import { jsonOf } from '../helpers/cli.ts'
import { all } from '../helpers/operations.ts'
import { startReader } from '../helpers/readers.ts'
import { useBrowser } from '../helpers/shared-browser.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { enter } from '../helpers/visits.ts'

const EXPORTS = fileURLToPath(new URL('../../fixtures/imports/', import.meta.url))
const LAUNCHER = fileURLToPath(new URL('../../bin/hyperletter.js', import.meta.url))
/** Each export has more of them than the one before: more than share one write. */
const POSTS = 130
const KILLS = 6

const NEWSBOAT = fileURLToPath(new URL('../interop/newsboat.ts', import.meta.url))

describe('what a service exported', () => {
  const browser = useBrowser()

  it('is read in newsboat', { timeout: 120_000 }, async ({ skip }) => {
    const check = runTypeScript(NEWSBOAT, ...readdirSync(EXPORTS).map((it) => join(EXPORTS, it)))
    const code = await check.ended()
    skip(code === 3, 'newsboat is not installed.')
    expect({ code, stderr: check.stderr() }).toStrictEqual({ code: 0, stderr: '' })
  })

  it.each(readdirSync(EXPORTS))('is read in Chromium: %s', { timeout: 60_000 }, async (service) => {
    const dataDir = await temporaryDirectory()
    const engine = await openEngine({ dataDir, bootstrap: [], localDiscovery: false })
    onTestFinished(() => engine.close())
    const { operations } = engine
    const { feedKey } = await operations.createNewsletter({ title: 'Moved' })
    const siteUrl = 'https://tides.example'
    const events = await all(operations.importFolder({ folder: join(EXPORTS, service), siteUrl }))
    const issues = await operations.listIssues({ newsletter: feedKey })
    expect(issues.length).toBeGreaterThan(0)
    expect(events.at(-1)).toMatchObject({ event: 'finished', published: issues.length })

    const reader = await startReader(operations)
    const { page, complaints } = await enter(browser(), reader)
    for (const { number, title } of issues) {
      await page.goto(`${reader.origin}/n/${feedKey}/${number}`)
      expect(await page.textContent('h1')).toContain(title)
      const { attachments } = await operations.readIssue({ newsletter: feedKey, number })
      const pictures = attachments.filter((it) => it.mediaType.startsWith('image/'))
      const shown = await page.evaluate<number>(
        `(async () => { const all = [...document.querySelectorAll('.prose img')]; await Promise.all(all.map((it) => it.decode())); return all.filter((it) => it.naturalWidth > 0).length })()`,
      )
      expect(shown).toBeGreaterThanOrEqual(pictures.length)
      expect((await page.textContent('.prose'))?.trim()).not.toBe('')
    }
    expect(complaints).toEqual([])
  })
})

it('is whole, and nothing of it twice, after an import that was killed again and again', async () => {
  const dataDir = await temporaryDirectory()
  const file = join(dataDir, 'x.json')
  const titles: string[] = []
  const posts: object[] = []
  const writePosts = async (many: number) => {
    while (posts.length < many) {
      const at = posts.length
      titles.push(`Post ${at}`)
      const published_at = new Date(Date.UTC(2020, 0, 1, at)).toISOString()
      const html = `<p>Text ${at} ${'of a post '.repeat(200)}</p>`
      posts.push({
        id: String(at),
        slug: `post-${at}`,
        title: titles[at],
        status: 'published',
        published_at,
        html,
      })
    }
    await writeFile(file, JSON.stringify({ db: [{ meta: {}, data: { posts } }] }))
  }
  const start = (...args: readonly string[]) =>
    runNode([LAUNCHER, '--data-dir', dataDir, '--json', ...args], {
      XDG_CONFIG_HOME: dataDir,
      HYPERLETTER_BOOTSTRAP: '127.0.0.1:9',
      HYPERLETTER_LOCAL_DISCOVERY: 'off',
    })
  const run = async (...args: readonly string[]) => {
    const child = start(...args)
    const code = await child.ended()
    expect({ code, stderr: child.stderr() }).toMatchObject({ code: 0 })
    return child.stdout()
  }
  await run('create', 'Tides')
  const list = async () => jsonOf(await run('issues', 'Tides')) as { title: string }[]
  let interrupted = 0
  let delayMs = 400
  for (let kill = 1; kill <= KILLS; kill++) {
    await writePosts(kill * POSTS)
    const child = start('import', file, '--yes')
    await wait(delayMs)
    child.process.kill('SIGKILL')
    await child.ended()
    const issues = await list()
    // A part of the export, from its beginning; each once.
    expect(issues.map((it) => it.title)).toStrictEqual(titles.slice(0, issues.length).toReversed())
    const isWhole = issues.length === titles.length
    if (!isWhole) interrupted++
    // Just after the last one was signed, or just before.
    delayMs *= isWhole ? 0.8 : 1.25
  }
  expect(interrupted).toBeGreaterThan(0)
  await run('import', file, '--yes')
  expect((await list()).map((it) => it.title)).toStrictEqual(titles.toReversed())
}, 240_000)
