import { createServer } from 'node:http'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { openEngine } from '../../src/api/open-engine.ts'
import { launchBrowser } from '../../test/helpers/browser.ts'

// How fast a newsletter is read from a plain web server. Arguments: a folder with Markdown files, and the number of runs.

const [corpus = '../shared/corpora/haskell-weekly', runs = '7'] = process.argv.slice(2)

/** What a request takes longer than over loopback. */
const DELAYS_MS = [0, 50]

const work = await mkdtemp(join(tmpdir(), 'hyperletter-reach-'))
const site = join(work, 'site')
const { operations, close } = await openEngine({ dataDir: join(work, 'data'), bootstrap: [] })
const { feedKey } = await operations.createNewsletter({ title: 'Reach' })
for await (const _ of operations.importFolder({ newsletter: feedKey, folder: corpus }));

for await (const _ of operations.exportSite({ newsletter: feedKey, folder: site }));
await close()

let delayMs = 0
let asked: number[] = []
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://site')
  setTimeout(() => {
    readFile(join(site, pathname)).then(
      (whole) => {
        const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
        const bytes = from === undefined ? whole : whole.subarray(Number(from), Number(to) + 1)
        if (pathname.startsWith('/log/')) asked.push(bytes.byteLength)
        const type = pathname.endsWith('.html') ? 'text/html' : 'application/octet-stream'
        response.writeHead(from === undefined ? 200 : 206, { 'content-type': type }).end(bytes)
      },
      () => response.writeHead(404).end(),
    )
  }, delayMs)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/reader.html#${feedKey}`
const browser = await launchBrowser()
for (delayMs of DELAYS_MS) {
  const times: number[] = []
  let facts = ''
  for (let i = 0; i < Number(runs); i++) {
    asked = []
    const context = await browser.newContext()
    const page = await context.newPage()
    const start = performance.now()
    await page.goto(url, { waitUntil: 'commit' })
    await page.waitForSelector('html[data-verified=yes]', { state: 'attached' })
    times.push(performance.now() - start)
    await page.waitForSelector('html[data-listed]', { state: 'attached' })
    facts = `${asked.length} requests and ${kilobytes(asked.reduce((sum, it) => sum + it, 0))} for the issue and the list`
    await context.close()
  }
  const [fastest, median, slowest] = [0, 0.5, 1].map((at) =>
    seconds(times.toSorted((a, b) => a - b)[Math.round(at * (times.length - 1))] ?? 0),
  )
  console.log(
    `first verified issue, ${delayMs} ms a request: median ${median} (${fastest} to ${slowest}); ${facts}`,
  )
}
const script = await readFile(join(site, 'reader.html'))
console.log(`light reader: ${kilobytes(gzipSync(script, { level: 9 }).byteLength)} compressed`)
await browser.close()
server.close()
await rm(work, { recursive: true })

function kilobytes(bytes: number): string {
  return `${(bytes / 1_000).toFixed(1)} kB`
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`
}
