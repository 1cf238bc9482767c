import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import Corestore from 'corestore'
import type { Page } from 'playwright-core'
import { openEngine } from '../../src/api/open-engine.ts'
import { takeFiles } from '../../src/engine/mirrors/last-resort.ts'
import { Feed } from '../../src/format/feed.ts'
import { webSource } from '../../src/format/log-files/source.ts'
import { HypercoreLog } from '../../src/log/hypercore-log.ts'
import { launchBrowser } from '../../test/helpers/browser.ts'
import { startTabGateway } from '../../test/helpers/tab-server.ts'
import { writeSyntheticCorpus } from '../corpus.ts'

/*
 * A tab as a peer of a gateway: how soon it shows an issue where there are no log files, how fast it keeps a newsletter, how
 * soon it shows an issue with everything down, and how fast it gets all of it from another tab. Wall-clock figures are for a quiet machine. Argument: the number of runs.
 */

const ARCHIVE = fileURLToPath(new URL('../../../shared/corpora/haskell-weekly', import.meta.url))
const RUNS = Number(process.argv[2] ?? 7)
/** Until the first verified issue, in ms. */
const MOST_MS = 900
/** Of a tab that keeps a large newsletter, in MB/s: from a gateway, and from another tab. */
const LEAST_RATES = { gateway: 6, tab: 2.5 }

const PICTURES = { count: 32, bytes: 2 ** 20 }

const work = await mkdtemp(join(tmpdir(), 'hyperletter-bench-'))
const browser = await launchBrowser()
try {
  const built = new URL('../../dist/browser/', import.meta.url)
  let bytes = 0
  for (const name of await readdir(built)) {
    if (!/^(?:index\.html|(?:page|chunk-.*|peer-.*)\.js)$/.test(name)) continue
    bytes += gzipSync(await readFile(new URL(name, built)), { level: 9 }).byteLength
  }
  console.log(`page as a peer: ${(bytes / 1_000).toFixed(1)} kB compressed`)

  const texts = existsSync(ARCHIVE) ? ARCHIVE : join(work, 'texts')
  if (texts !== ARCHIVE) await writeSyntheticCorpus(texts)
  await measure('texts', texts)
  const pictures = join(work, 'pictures')
  await mkdir(pictures)
  for (let i = 1; i <= PICTURES.count; i++) {
    await writeFile(join(pictures, `${i}.png`), randomBytes(PICTURES.bytes))
    await writeFile(join(pictures, `${i}.md`), `# Picture ${i}\n\n![It](${i}.png)\n`)
  }
  await measure('pictures', pictures)
} finally {
  await browser.close()
  await rm(work, { recursive: true, force: true })
}

async function measure(name: string, folder: string): Promise<void> {
  const { feedKey, site } = await exported(name, folder)
  const files = await startTabGateway({ files: { feedKey, folder: site } })
  const store = new Corestore(join(work, `${name}-store`))
  const log = await HypercoreLog.open(store.get({ key: feedKey }))
  await takeFiles(new Feed(log), webSource(`${files.origin}/${feedKey}/log/`), {
    signal: new AbortController().signal,
    onHead: () => undefined,
    flush: () => Promise.resolve(),
  })
  await files.close()
  const [shown, kept, offline]: number[][] = [[], [], []]
  for (let i = 0; i < RUNS; i++) {
    const gateway = await startTabGateway({ log })
    const context = await browser.newContext()
    const page = await context.newPage()
    const start = performance.now()
    await page.goto(`${gateway.origin}/#${feedKey}`, { waitUntil: 'commit' })
    await verified(page)
    shown?.push(performance.now() - start)
    const all = `html[data-kept="${log.length}/${log.length}"]`
    await page.waitForSelector(all, { state: 'attached', timeout: 120_000 })
    kept?.push(performance.now() - start)
    await page.evaluate('navigator.serviceWorker.ready.then(() => 0)')
    await gateway.close()
    const again = performance.now()
    await page.reload({ waitUntil: 'commit' })
    await verified(page)
    offline?.push(performance.now() - again)
    await context.close()
  }
  const between = await measureBetweenTabs(log, feedKey)
  const perSecond = log.byteLength / 1_000 / median(kept)
  // Of a small one, most of the time goes to finding each other.
  const isLarge = log.byteLength > PICTURES.bytes * PICTURES.count
  console.log(
    `${name}, ${log.length} blocks, ${(log.byteLength / 1e6).toFixed(1)} MB; medians of ${RUNS} in ms: ` +
      `first verified issue ${median(shown)} (${within(median(shown) <= MOST_MS, `at most ${MOST_MS}`)}), ` +
      `all kept ${median(kept)}, shown again with everything down ${median(offline)}`,
  )
  tellRate(
    `${name}, from navigation to all kept`,
    perSecond,
    isLarge ? LEAST_RATES.gateway : undefined,
  )
  if (between !== undefined)
    tellRate(
      `${name}, tab to tab, from the first block on`,
      between,
      isLarge ? LEAST_RATES.tab : undefined,
    )
  await log.close()
  await store.close()
}

/** How fast a tab gets all of a newsletter from another one, in MB/s; undefined where there is no network for that. */
async function measureBetweenTabs(log: HypercoreLog, feedKey: string): Promise<number | undefined> {
  const hasNetwork = Object.values(networkInterfaces()).some((it) => it?.some((a) => !a.internal))
  if (!hasNetwork) return undefined
  const store = new Corestore(join(work, `meeting-${feedKey}`))
  const meetingLog = await HypercoreLog.open(store.get({ key: feedKey }))
  const rates: number[] = []
  for (let i = 0; i < RUNS; i++) {
    const alterScript = withoutUploadLimit
    const meeting = await startTabGateway({ log: meetingLog, alterScript })
    const gateway = await startTabGateway({ log, alterScript })
    const contexts = [await browser.newContext(), await browser.newContext()] as const
    const [first, second] = [await contexts[0].newPage(), await contexts[1].newPage()]
    await first.goto(`${gateway.origin}/#${feedKey}?via=${meeting.origin}/`)
    const all = `html[data-kept="${log.length}/${log.length}"]`
    await first.waitForSelector(all, { state: 'attached', timeout: 120_000 })
    await gateway.close()
    await second.goto(`${meeting.origin}/#${feedKey}`)
    const some = 'html[data-kept]:not([data-kept^="0/"])'
    await second.waitForSelector(some, { state: 'attached', timeout: 60_000 })
    const start = performance.now()
    await second.waitForSelector(all, { state: 'attached', timeout: 120_000 })
    rates.push(log.byteLength / 1_000 / (performance.now() - start))
    if (meeting.rooms.relayedBytes > 0) throw new Error('It went by way of the gateway.')
    for (const it of contexts) await it.close()
    await meeting.close()
  }
  await meetingLog.close()
  await store.close()
  return rates.toSorted((a, b) => a - b)[Math.floor(rates.length / 2)]
}

/** What is measured is the way, not how much of it a reader wants to give away. */
function withoutUploadLimit(script: string): string {
  return script.replace(/perSecond:256\*1024,burst:256\*1024/, 'perSecond:1e12,burst:1e12')
}

async function exported(name: string, folder: string): Promise<{ feedKey: string; site: string }> {
  await using engine = await openEngine({ dataDir: join(work, name), bootstrap: [] })
  const { operations } = engine
  const { feedKey } = await operations.createNewsletter({ title: name })
  for await (const _ of operations.importFolder({ newsletter: feedKey, folder })) continue
  const site = join(work, `${name}-site`)
  const options = { newsletter: feedKey, folder: site, logOnly: true }
  for await (const _ of operations.exportSite(options)) continue
  return { feedKey, site }
}

function tellRate(what: string, rate: number, least: number | undefined): void {
  const goal = least === undefined ? '' : ` (${within(rate >= least, `at least ${least}`)})`
  console.log(`${what}: ${rate.toFixed(1)} MB/s${goal}`)
}

// Fewer runs are not a measurement.
function within(isWithin: boolean, goal: string): string {
  if (!isWithin && RUNS >= 7) process.exitCode = 1
  return `${goal}: ${isWithin ? 'yes' : 'NO'}`
}

async function verified(page: Page): Promise<void> {
  await page.waitForSelector('html[data-verified=yes]', { state: 'attached', timeout: 60_000 })
}

function median(values: readonly number[] = []): number {
  return Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0)
}
