/**
 * Kills the real command with SIGKILL at random moments of publishing, importing and a first sync, again
 * and again, and checks after each time that no acknowledged issue is lost, no half issue is visible, and
 * every reader ends up byte for byte equal to the author.
 *
 * npm run soak -- --rounds 300 [--seed 1]
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const LAUNCHER = fileURLToPath(new URL('../../bin/hyperletter.js', import.meta.url))

/** Drafts of one import; with their pictures they take several batches of blocks. */
const DRAFTS = 40

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const rounds = Number(values.rounds)
let state = Number(values.seed)

/** The same numbers for the same seed: a round that failed can be had again, but for the machine's own timing. */
function random(): number {
  state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
  return state / 2 ** 32
}

/** Mostly the second half of a run: the first is Node.js starting. */
function spread(): number {
  return 0.3 + random() * 0.8
}

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly tookMs: number
}

interface Issue {
  readonly number: number
  readonly title: string
  readonly held: boolean
}

const root = await mkdtemp(join(tmpdir(), 'hyperletter-soak-'))
const running = new Set<ChildProcess>()

function start(dataDir: string, args: readonly string[]): ChildProcess {
  const flags = ['--json', '--data-dir', dataDir, '--bootstrap', bootstrap]
  const child = spawn(process.execPath, [LAUNCHER, ...args, ...flags], { stdio: 'pipe' })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** Runs a command to its end, or until it is killed after `killMs`. */
async function run(
  dataDir: string,
  args: readonly string[],
  { killMs, input = '' }: { killMs?: number; input?: string } = {},
): Promise<Ended> {
  const startedAt = performance.now()
  const child = start(dataDir, args)
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input)
  const timer = killMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killMs)
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  return { code, stdout, stderr, tookMs: performance.now() - startedAt }
}

async function must(dataDir: string, args: readonly string[], input?: string): Promise<unknown> {
  const ended = await run(dataDir, args, input === undefined ? {} : { input })
  if (ended.code === 0) return JSON.parse(ended.stdout)
  throw new Error(`${args.join(' ')} ended with ${ended.code}: ${ended.stderr}`)
}

function assert(isTrue: boolean, what: string): asserts isTrue {
  if (!isTrue) throw new Error(what)
}

// ── The network, the author, and what it knows to be published ───────────────────────────────────

let bootstrap = ''
const dht = spawn(process.execPath, [LAUNCHER, 'dht', '--host', '127.0.0.1', '--json'])
running.add(dht)
const [line] = (await once(dht.stdout, 'data')) as [Buffer]
const address = JSON.parse(line.toString()) as { host: string; port: number }
bootstrap = `${address.host}:${address.port}`

const author = join(root, 'author')
const { feedKey } = (await must(author, ['create', 'Soak', '--no-confirm'])) as { feedKey: string }
const acknowledged = new Map<string, number>()
const allowed = new Set<string>()
/** Issues that were published whole, though the command was killed before it said so. */
let inLog = 0
const usualMs = { publish: 600, import: 900, sync: 900 }

/** What the author has: each issue once, whole, in order, and all that was acknowledged. */
async function checkAuthor(): Promise<Issue[]> {
  const newestFirst = (await must(author, ['issues', feedKey])) as Issue[]
  const issues = newestFirst.toReversed()
  issues.forEach(({ number }, i) => assert(number === i + 1, `issue ${i + 1} has number ${number}`))
  const titles = issues.map(({ title }) => title)
  assert(new Set(titles).size === titles.length, 'an issue was published twice')
  assert(
    issues.every((it) => it.held && allowed.has(it.title)),
    'a half or unknown issue is visible',
  )
  for (const [title, number] of acknowledged) {
    assert(titles[number - 1] === title, `acknowledged issue ${number}, ${title}, is lost`)
  }
  const newest = newestFirst[0]
  if (newest !== undefined) {
    const read = (await must(author, ['read', feedKey, String(newest.number)])) as {
      markdown: string
      verified: boolean
    }
    assert(read.verified && read.markdown.endsWith('The end.\n'), 'the newest issue is not whole')
  }
  return issues
}

function text(title: string): string {
  const lines = Array.from({ length: 200 }, () => random().toString(36)).join('\n')
  return `# ${title}\n\n${lines}\n\nThe end.\n`
}

// Kills are to fall all over the work, on whatever machine and however busy it is.
function remember(name: keyof typeof usualMs, { code, tookMs }: Ended): void {
  if (code === 0) usualMs[name] = 0.5 * usualMs[name] + 0.5 * tookMs
  else usualMs[name] *= 1.04
}

async function publishRound(round: number): Promise<boolean> {
  const title = `Published ${round}`
  allowed.add(title)
  const killMs = round === 0 ? undefined : spread() * usualMs.publish
  const ended = await run(author, ['publish', '-'], {
    ...(killMs && { killMs }),
    input: text(title),
  })
  remember('publish', ended)
  const isAcknowledged = ended.stdout.includes('"number"')
  if (isAcknowledged) {
    acknowledged.set(title, (JSON.parse(ended.stdout) as { number: number }).number)
  }
  const issues = await checkAuthor()
  if (!isAcknowledged && issues.some((it) => it.title === title)) inLog++
  return ended.code === null
}

async function importRound(round: number): Promise<boolean> {
  const folder = join(root, `drafts-${round}`)
  await mkdir(folder)
  const titles = Array.from({ length: DRAFTS }, (_, i) => `Draft ${round}-${i}`)
  for (const [i, title] of titles.entries()) {
    allowed.add(title)
    await writeFile(join(folder, `${round}-${String(i).padStart(3, '0')}.md`), text(title))
  }
  const killMs = round < 3 ? undefined : spread() * usualMs.import
  const ended = await run(author, ['import', folder], { ...(killMs && { killMs }) })
  remember('import', ended)
  await checkAuthor()
  await must(author, ['import', folder])
  const issues = await checkAuthor()
  for (const title of titles) {
    const found = issues.find((it) => it.title === title)
    assert(found !== undefined, `${title} was not imported`)
    acknowledged.set(title, found.number)
  }
  await rm(folder, { recursive: true })
  return ended.code === null
}

async function syncRound(round: number): Promise<boolean> {
  const reader = join(root, `reader-${round}`)
  const daemon = start(author, ['daemon', 'run'])
  daemon.stderr?.resume()
  if (daemon.stdout === null) throw new Error('No pipe.')
  await once(daemon.stdout, 'data')
  try {
    const killMs = round < 3 ? undefined : spread() * usualMs.sync
    const ended = await run(reader, ['subscribe', feedKey], { ...(killMs && { killMs }) })
    remember('sync', ended)
    const seen = await run(reader, ['issues', feedKey])
    if (seen.code === 0) {
      const issues = JSON.parse(seen.stdout) as Issue[]
      assert(
        issues.every((it) => allowed.has(it.title)),
        'a reader sees an issue that nobody wrote',
      )
    }
    await must(reader, ['subscribe', feedKey])
    assert(
      (await bundleHash(reader)) === (await bundleHash(author)),
      'a reader differs from the author',
    )
    return ended.code === null
  } finally {
    if (daemon.exitCode === null) {
      daemon.kill('SIGTERM')
      await once(daemon, 'exit')
    }
    await rm(reader, { recursive: true, force: true })
  }
}

async function bundleHash(dataDir: string): Promise<string> {
  const file = join(root, 'compare.bundle')
  await must(dataDir, ['export', feedKey, '--bundle', file, '--force'])
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
}

function summary(): string {
  const counts = names.map((it) => `${it} ${done[it]} (${killed[it]} killed)`).join(', ')
  return `${counts}; ${acknowledged.size} acknowledged issues, none lost; ${inLog} whole without a word`
}

// ── The rounds ───────────────────────────────────────────────────────────────────────────────────

const kinds = { publish: publishRound, import: importRound, sync: syncRound }
const killed = { publish: 0, import: 0, sync: 0 }
const done = { publish: 0, import: 0, sync: 0 }
let failure: Error | undefined
const names = Object.keys(kinds) as (keyof typeof kinds)[]
process.stdout.write(`${rounds} rounds, seed ${values.seed}, in ${root}\n`)
try {
  for (let round = 0; round < rounds; round++) {
    // A newsletter without issues has nothing to sync.
    const name = names[round % names.length] ?? 'publish'
    try {
      if (await kinds[name](round)) killed[name]++
      done[name]++
    } catch (error) {
      throw new Error(`round ${round}, ${name}: ${String(error)}`, { cause: error })
    }
    if (process.stdout.isTTY) process.stdout.write(`\r${round + 1} of ${rounds}`)
    else if ((round + 1) % 10 === 0) process.stdout.write(`${summary()}\n`)
  }
} catch (error) {
  failure = error instanceof Error ? error : new Error(String(error))
} finally {
  for (const child of running) child.kill('SIGKILL')
  await pause(200)
  if (failure === undefined) await rm(root, { recursive: true, force: true, maxRetries: 3 })
}
process.stdout.write(`\n${summary()}\n`)
if (failure !== undefined) {
  process.stderr.write(`FAILED: ${failure.message}\nWhat is left lies in ${root}\n`)
  process.exitCode = 1
}
