import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import * as format from '../../src/format/index.ts'
import * as render from '../../src/render/index.ts'
import { launchBrowser } from '../helpers/browser.ts'
import { ATTACKS } from '../render/attack-list.ts'
import { bundleForBrowsers, kilobytes } from './bundling.ts'
import { outcomesOf, type Outcomes, type Subjects } from './outcomes.ts'

/*
 * Bundles src/format/ and src/render/ for browsers, says how large they are, and has a real Chromium do
 * with the bundles what Node does with the source: read every golden record, verify a bundle of a
 * newsletter and refuse it with any byte changed, render every text.
 */

const SOURCE = new URL('../../src/', import.meta.url)
const FIXTURES = new URL('../../fixtures/', import.meta.url)

/** Compressed sizes above which nobody wants to wait for a page. */
const LIMITS = { format: 40_000, render: 60_000 }

/** Where Debian installs its package `chromium`. */
const DEBIAN = ['/usr/bin/chromium']

const complaints: string[] = []
const files = new Map<string, { body: string | Uint8Array; type: string }>()

for (const [name, maxGzipBytes] of Object.entries(LIMITS)) {
  const entry = new URL(`${name}/index.ts`, SOURCE).pathname
  const bundle = await bundleForBrowsers({ entry, maxGzipBytes })
  complaints.push(...bundle.complaints.map((it) => `${name} ${it}`))
  console.log(`${name}: ${kilobytes(bundle.gzipBytes)} gzip of at most ${kilobytes(maxGzipBytes)}`)
  files.set(`/${name}.js`, { body: bundle.code, type: 'text/javascript' })
}

// Whatever else is in the portable folders must run there too, without being counted.
const everything = await bundleForBrowsers({
  entry: {
    code: [...Object.keys(LIMITS), 'site'].flatMap(modulesOf).join('\n'),
    from: SOURCE.pathname,
  },
  maxGzipBytes: Infinity,
})
complaints.push(...everything.complaints)

const script = await bundleForBrowsers({
  entry: new URL('page.ts', import.meta.url).pathname,
  maxGzipBytes: Infinity,
})
files.set('/page.js', { body: script.code, type: 'text/javascript' })
files.set('/', { body: '<!doctype html><title>Check</title>', type: 'text/html' })

const subjects: Subjects = {
  records: z
    .array(z.object({ file: z.string(), index: z.int() }))
    .parse(JSON.parse(fixture('records/index.json').toString()))
    .map(({ file, index }) => ({ file: `records/${file}`, index })),
  bundle: 'bundles/tide-tables.bundle',
  texts: [
    ...readdirSync(new URL('newsletters/', FIXTURES), { recursive: true, encoding: 'utf8' })
      .filter((it) => it.endsWith('.md'))
      .map((it) => fixture(`newsletters/${it}`).toString()),
    ...ATTACKS,
  ],
}
for (const file of [subjects.bundle, ...subjects.records.map((it) => it.file)]) {
  files.set(`/${file}`, { body: fixture(file), type: 'application/octet-stream' })
}

// The pages themselves, in another place than the build's.
const out = await mkdtemp(join(tmpdir(), 'hyperletter-pages-'))
const built = spawnSync(process.execPath, ['scripts/browser.mjs', out, '--sizes'], {
  cwd: new URL('../../', import.meta.url),
  encoding: 'utf8',
})
await rm(out, { recursive: true })
process.stdout.write(built.stdout)
if (built.status !== 0) complaints.push(built.stderr.trim())

if (complaints.length === 0) {
  const inNode = await outcomesOf({ format, render }, subjects, (file) =>
    Promise.resolve(new Uint8Array(fixture(file))),
  )
  const { version, outcomes } = await inChromium()
  complaints.push(...differences(inNode, outcomes), ...wrong(outcomes))
  const names = Object.keys(inNode)
  console.log(`Chromium ${version}: ${names.length} outcomes compared with those of Node`)
}
for (const complaint of complaints) console.error(`✗ ${complaint}`)
process.exitCode = complaints.length > 0 ? 1 : 0

/** Code that exports all of every module in a folder, so that none of it is left out. */
function modulesOf(folder: string): string[] {
  return readdirSync(new URL(`${folder}/`, SOURCE), { recursive: true, encoding: 'utf8' })
    .filter((it) => it.endsWith('.ts'))
    .map((it) => `export * as ${`${folder}_${it}`.replaceAll(/\W/g, '_')} from './${folder}/${it}'`)
}

function fixture(file: string): Buffer {
  return readFileSync(new URL(file, FIXTURES))
}

function differences(inNode: Outcomes, outcomes: Outcomes): string[] {
  return Object.entries(inNode)
    .filter(([name, outcome]) => outcomes[name] !== outcome)
    .map(([name, outcome]) => `${name}: ${outcomes[name]} in Chromium, ${outcome} in Node`)
}

/** What is wrong in itself, also where both agree on it. */
function wrong(outcomes: Outcomes): string[] {
  return Object.entries(outcomes)
    .filter(([name, outcome]) => {
      if (!name.startsWith('bundle')) return false
      const isSound = name === 'bundle' || name === 'bundle, its issues'
      return isSound === outcome.startsWith('INVALID_BUNDLE: ')
    })
    .map(([name, outcome]) => `${name}: ${outcome}`)
}

async function inChromium(): Promise<{ version: string; outcomes: Outcomes }> {
  const server = await serve()
  const browser = await launchBrowser(DEBIAN.find((path) => existsSync(path)))
  try {
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    const outcomes = await page.evaluate<Outcomes>(
      `import('/page.js').then((it) => it.run(${JSON.stringify(subjects)}))`,
    )
    return { version: browser.version(), outcomes }
  } finally {
    await browser.close()
    server.close()
  }
}

async function serve(): Promise<Server> {
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? '')
    response.writeHead(file === undefined ? 404 : 200, {
      'content-type': file?.type ?? 'text/plain',
    })
    response.end(file?.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
