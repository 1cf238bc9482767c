import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Context } from './context.ts'
import type { Result } from './measure.ts'
import { measureBundles } from './rows/bundles.ts'
import { measureCommandLine } from './rows/command-line.ts'
import { measureDaily } from './rows/daily.ts'
import { measureDaemonIdle } from './rows/daemon-idle.ts'
import { measureImport } from './rows/import.ts'
import { measureLargeImport } from './rows/large-import.ts'
import { measureLetters } from './rows/letters.ts'
import { measureListing } from './rows/listing.ts'
import { measurePublish } from './rows/publish.ts'
import { measureReader } from './rows/reader.ts'
import { measureScale } from './rows/scale.ts'
import { measureSearch } from './rows/search.ts'
import { measureWeb } from './rows/web.ts'
import { describeMachine, formatMarkdown, formatTable, toJson } from './table.ts'

const HELP = `Usage: npm run bench -- [options]

Measures Hyperletter against plain scripts that do the same, in turn, and prints medians.

  --only <name>      import, reader, cli, daily, daemon, publish, letters, listing, search, web, bundles,
                     scale or large-import;
                     may be repeated; scale, which takes 21 minutes, and large-import only if named
  --runs <n>         rounds of each row (default: as many as the row needs)
  --smallest         one round of everything that there is, as small as it goes: only to see that it runs
  --corpus <folder>  drafts to import (or HYPERLETTER_CORPUS; default: a real archive beside the
                     project if there is one, else 661 made-up issues)
  --json             print JSON with every run
  --write            also write bench/results/<date>.md
  --help             show this

Everything is written below the system's directory for temporary files (TMPDIR) and removed.
What it costs to be safe from a power loss shows only if that directory is on a real disk.
`

const ROWS = {
  import: measureImport,
  reader: measureReader,
  cli: measureCommandLine,
  daily: measureDaily,
  daemon: measureDaemonIdle,
  publish: measurePublish,
  letters: measureLetters,
  listing: measureListing,
  search: measureSearch,
  web: measureWeb,
  bundles: measureBundles,
  scale: measureScale,
  'large-import': measureLargeImport,
}

/** Left out unless they are asked for. */
const LONG = new Set(['scale', 'large-import'])

const PROJECT = fileURLToPath(new URL('..', import.meta.url))
const REAL_ARCHIVE = join(PROJECT, '..', 'shared', 'corpora', 'this-week-in-rust')

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    runs: { type: 'string' },
    smallest: { type: 'boolean', default: false },
    corpus: { type: 'string' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interrupt.abort(new Error('Interrupted.')))
}
try {
  if (options.help) process.stdout.write(HELP)
  else await main()
} catch (error) {
  // What fails after an interruption fails because of it.
  const cause: unknown = interrupt.signal.aborted ? interrupt.signal.reason : error
  process.stderr.write(`bench: ${cause instanceof Error ? cause.message : String(cause)}\n`)
  process.exitCode = interrupt.signal.aborted ? 130 : 1
}

async function main(): Promise<void> {
  const rows = chosenRows()
  const context = await Context.open({
    corpus: corpus(),
    runs: runs(),
    isSmallest: options.smallest,
    signal: interrupt.signal,
  })
  const results: Result[] = []
  try {
    for (const row of rows) results.push(...(await row(context)))
  } finally {
    await context.close()
  }
  process.stdout.write(
    options.json ? `${JSON.stringify(toJson(results), undefined, 2)}\n` : formatTable(results),
  )
  if (options.write) await write(results)
}

function chosenRows() {
  const usual = Object.keys(ROWS).filter((it) => options.smallest || !LONG.has(it))
  const names = options.only ?? usual
  const unknown = names.find((name) => !Object.hasOwn(ROWS, name))
  if (unknown !== undefined)
    throw new Error(`--only ${unknown}: not one of ${Object.keys(ROWS).join(', ')}.`)
  return names.map((name) => ROWS[name as keyof typeof ROWS])
}

function runs(): number | undefined {
  if (options.runs === undefined) return undefined
  const count = Number(options.runs)
  if (Number.isInteger(count) && count > 0) return count
  throw new Error(`--runs ${options.runs}: not a whole number above 0.`)
}

function corpus(): string | undefined {
  const given = options.corpus ?? process.env['HYPERLETTER_CORPUS']
  if (given !== undefined && given !== '') return resolve(given)
  return existsSync(REAL_ARCHIVE) ? REAL_ARCHIVE : undefined
}

async function write(results: readonly Result[]): Promise<void> {
  const date = new Date().toISOString().slice(0, 10)
  const folder = join(PROJECT, 'bench', 'results')
  await mkdir(folder, { recursive: true })
  const text = `# Benchmark of ${date}\n\n${describeMachine()}. Medians; the sides of a row ran in turn.\n\n${formatMarkdown(results)}`
  await writeFile(join(folder, `${date}.md`), text)
}
