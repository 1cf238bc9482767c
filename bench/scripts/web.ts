// The web reader with three newsletters, asked over HTTP, and looked at in a real browser.
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { launchBrowser } from '../../test/helpers/browser.ts'
import type * as ServerModule from '../../src/web/server.ts'
import { built, loadProduct, printResult, scriptInput } from '../product.ts'

const { dir, folder, newsletters, ...most } = scriptInput() as {
  dir: string
  folder: string
  newsletters: number
  /** Of each newsletter, its newest ones; all of them where there are fewer. */
  issues: number
}

const VISITS = 150
const PAINTS = 15
const FIRST_PAINT = `new Promise((resolve) => new PerformanceObserver((list) => {
  const found = list.getEntriesByName('first-contentful-paint')[0]
  if (found) resolve(found.startTime)
}).observe({ type: 'paint', buffered: true }))`

const product = await loadProduct()
const { ReaderServer } = await built<typeof ServerModule>('web/server.js')
const { drafts, issues } = await newestDrafts()
const bundles = await publishBundles()
const { engine, operations } = await product.open({ dataDir: join(dir, 'data') })
for (const file of bundles)
  for await (const _ of operations.importBundle({ file, subscribe: true }));
const server = await ReaderServer.listen({ operations, dataDir: join(dir, 'data') })
const agent = new Agent({ keepAlive: true })
const { cookie } = await ask(server.enter())

const held = (await operations.listInbox({ show: 'all' })).length
const inbox: Visit[] = []
const issue: Visit[] = []
const feedKeys = (await operations.listNewsletters({})).map((it) => it.feedKey)
for (let i = 0; i < VISITS; i++) {
  inbox.push(await ask(`${server.origin}/`))
  // Each issue once, so that none was made before.
  const number = 1 + Math.floor((i * issues) / VISITS)
  const path = `/n/${feedKeys[i % feedKeys.length]}/${number}`
  issue.push(await ask(server.origin + path))
}
const script = await ask(
  server.origin + (/src="([^"]+\.js)"/.exec(inbox[0]?.text ?? '')?.[1] ?? ''),
)
const inboxPaintMs = await paint('/')
const issuePaintMs = await paint(`/n/${feedKeys[0]}/${issues}`)
agent.destroy()
await server.close()
await engine.close()
printResult({
  held,
  inboxMs: inbox.map((it) => it.ms),
  issueMs: issue.map((it) => it.ms),
  inboxKb: inbox.map((it) => it.bytes / 1_000),
  issueKb: issue.map((it) => it.bytes / 1_000),
  scriptKb: script.bytes / 1_000,
  inboxPaintMs,
  issuePaintMs,
})

interface Visit {
  readonly ms: number
  readonly bytes: number
  readonly text: string
  readonly cookie: string
}

/** Newsletters of an author, as files; a reader who took them from there has them as any other. */
async function publishBundles(): Promise<string[]> {
  const author = await product.open({ dataDir: join(dir, 'author') })
  const files: string[] = []
  for (let i = 1; i <= newsletters; i++) {
    const { feedKey: newsletter } = await author.operations.createNewsletter({
      title: `Archive ${i}`,
    })
    for await (const _ of author.operations.importFolder({ newsletter, folder: drafts }));
    const file = join(dir, `${i}.bundle`)
    await writeFile(file, author.operations.exportBundle({ newsletter }))
    files.push(file)
  }
  await author.engine.close()
  return files
}

async function newestDrafts() {
  const names = (await readdir(folder)).filter((it) => /\.(?:md|markdown)$/.test(it)).toSorted()
  const target = join(dir, 'drafts')
  await mkdir(target)
  const newest = names.slice(-most.issues)
  for (const name of newest) await copyFile(join(folder, name), join(target, name))
  return { drafts: target, issues: newest.length }
}

/** One request, from its start to the last byte of the answer. */
function ask(url: string): Promise<Visit> {
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const headers = url.includes('/enter') ? {} : { cookie }
    const sent = request(url, { agent, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const ms = performance.now() - start
        const { statusCode = 0, headers: answered } = response
        if (statusCode >= 400) return reject(new Error(`${url} answered ${statusCode}.`))
        const bytes = Buffer.concat(chunks)
        const [set = ''] = answered['set-cookie'] ?? []
        resolve({
          ms,
          bytes: bytes.byteLength,
          text: bytes.toString('utf8'),
          cookie: set.split(';', 1)[0] ?? '',
        })
      })
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** When the browser first painted something of a page that it has not seen. */
async function paint(path: string): Promise<number[]> {
  const browser = await launchBrowser()
  const times: number[] = []
  try {
    for (let i = 0; i <= PAINTS; i++) {
      const context = await browser.newContext({ viewport: { width: 1_280, height: 800 } })
      const page = await context.newPage()
      await page.goto(server.enter('/feeds'))
      await page.goto(server.origin + path)
      const ms: number = await page.evaluate(FIRST_PAINT)
      // The first one also starts what the browser starts late.
      if (i > 0) times.push(ms)
      await context.close()
    }
  } finally {
    await browser.close()
  }
  return times
}
