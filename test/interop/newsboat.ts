import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { loadConfig } from '../../src/config/config.ts'
import { connect, type Connection } from '../../src/connect.ts'

// Checks that newsboat shows every issue of an archive:
//   npm run check:newsboat                       an archive made up for it
//   npm run check:newsboat -- <folder>…          as `hyperletter import` takes them, each a newsletter
//     [--match <glob>]
// Ends with 0 if it does, 1 if not, and 3 where newsboat is not installed.

const MADE_UP_ISSUES = 60

/** A request that takes longer is given up by newsboat itself; importing and starting comes on top. */
const NEWSBOAT_TIMEOUT_MS = 120_000

class Missing extends Error {}

async function newsboat(home: string, ...args: readonly string[]): Promise<string> {
  const files = ['-u', join(home, 'urls'), '-c', join(home, 'cache.db'), '-C', join(home, 'config')]
  const child = spawn('newsboat', [...files, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, HOME: home, LC_ALL: 'C' },
    timeout: NEWSBOAT_TIMEOUT_MS,
  })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => void (text += chunk.toString()))
  try {
    await once(child, 'close')
  } catch (cause) {
    throw new Missing('newsboat is not installed: apt-get install newsboat', { cause })
  }
  return text.trim()
}

async function makeUp(folder: string): Promise<void> {
  for (let number = 1; number <= MADE_UP_ISSUES; number++) {
    const date = new Date(Date.UTC(2020, 0, number)).toISOString()
    const text = `---\ntitle: "Issue ${number}: wind & <water>"\ndate: ${date}\n---\nHigh water ☂ at ${number}.\n`
    await writeFile(join(folder, `${1_000 + number}.md`), text)
  }
}

async function importAll({ operations }: Connection, folder: string, match?: string) {
  const { feedKey: newsletter } = await operations.createNewsletter({ title: 'For newsboat' })
  const input = { newsletter, folder, ...(match === undefined ? {} : { match }) }
  for await (const event of operations.importFolder(input)) {
    if (event.event === 'finished' && event.published > 0) return event.published
  }
  throw new Error(`Nothing of ${folder} was published.`)
}

async function shows(home: string, expected: number): Promise<void> {
  const startedAt = performance.now()
  await newsboat(home, '-x', 'reload')
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  const said = await newsboat(home, '-x', 'print-unread')
  console.log(`newsboat says “${said}” after ${seconds} s; there are ${expected}`)
  if (Number.parseInt(said, 10) !== expected) throw new Error('newsboat shows another number.')
}

async function check(home: string, folders: readonly string[], match?: string): Promise<void> {
  await newsboat(home, '-v')
  const drafts = await mkdtemp(join(home, 'drafts-'))
  if (folders.length === 0) await makeUp(drafts)
  const env = { HYPERLETTER_HOME: join(home, 'data'), HYPERLETTER_HOST: '127.0.0.1' }
  const connection = await connect(await loadConfig({}, env))
  try {
    let issues = 0
    for (const it of folders.length === 0 ? [drafts] : folders)
      issues += await importAll(connection, it, match)
    const { origin } = new URL(await connection.openReader({}))
    const list = await fetch(`${origin}/feeds/complete.opml`)
    await writeFile(join(home, 'feeds.opml'), await list.text())
    await Promise.all([writeFile(join(home, 'urls'), ''), writeFile(join(home, 'config'), '')])
    await newsboat(home, '-i', join(home, 'feeds.opml'))
    await shows(home, issues)
    const [first] = await connection.operations.listNewsletters({})
    const fresh = { newsletter: first?.feedKey, draft: { markdown: '# New' } }
    for await (const _ of connection.operations.publishIssue(fresh));
    await shows(home, issues + 1)
  } finally {
    await connection.close()
  }
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { match: { type: 'string' } },
})
const home = await mkdtemp(join(tmpdir(), 'hyperletter-newsboat-'))
try {
  await check(
    home,
    positionals.map((it) => resolve(it)),
    values.match,
  )
} catch (error) {
  console.error(error instanceof Missing ? error.message : error)
  process.exitCode = error instanceof Missing ? 3 : 1
} finally {
  await rm(home, { recursive: true, force: true })
}
