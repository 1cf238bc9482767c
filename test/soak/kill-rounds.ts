/**
 * Kills the real command with SIGKILL at random moments of its work, again and again, and checks after each time that
 * nothing is lost that was acknowledged, that nothing half is visible, and that every reader ends up with what the author
 * has, text by text.
 *
 * npm run soak -- --rounds 300 [--seed 1]
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Contents, History, loadBundle, newestEdition } from '../../src/format/index.ts'
import { LAUNCHER } from './people.ts'
import { random, roundsOr, seed } from './rounds.ts'

/** Drafts of one import; with the first of each they take several batches of blocks. */
const DRAFTS = 20

/** Issues that a reader who keeps few of them keeps. */
const FEW = 3

/** What is read of an issue that its author took back. */
const GONE = 'retracted'

const rounds = roundsOr(30)

function any<T>(them: readonly T[]): T {
  return them[Math.floor(random() * them.length)] as T
}

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
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
  const env = { ...process.env, XDG_CONFIG_HOME: join(root, 'none') }
  const child = spawn(process.execPath, [LAUNCHER, ...args, ...flags], { stdio: 'pipe', env })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** Runs a command to its end, or until it is killed after `killMs`. */
async function run(
  dataDir: string,
  args: readonly string[],
  { killMs, input = '' }: { killMs?: number | undefined; input?: string | undefined } = {},
): Promise<Ended> {
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
  return { code, stdout, stderr }
}

async function must(dataDir: string, args: readonly string[], input?: string): Promise<unknown> {
  const ended = await run(dataDir, args, { input })
  if (ended.code === 0) return JSON.parse(ended.stdout)
  throw new Error(`${args.join(' ')} ended with ${ended.code}: ${ended.stderr}`)
}

function assert(isTrue: boolean, what: string): asserts isTrue {
  if (!isTrue) throw new Error(what)
}

/** How long a command takes here when nothing kills it; another one where it was not seen yet. */
const usualMs = new Map<string, number>()
const completed = new Set<string>()

/** Runs a command that is killed in the middle: mostly in the second half, for the first is Node.js starting. */
async function runKilled(
  dataDir: string,
  args: readonly [string, ...string[]],
  input?: string,
): Promise<Ended> {
  const [name] = args
  const usual = usualMs.get(name) ?? createdMs
  const begunAt = performance.now()
  const killMs = (0.3 + random() * 0.8) * usual
  const ended = await run(dataDir, args, { killMs, input })
  assert(ended.code === 0 || ended.code === null, `${args.join(' ')}: ${ended.stderr}`)
  // Kills are to fall all over the work, on whatever machine and however busy it is.
  const tookMs = performance.now() - begunAt
  if (ended.code === 0) completed.add(name)
  const longer = completed.has(name) ? 1.04 : 1.25
  usualMs.set(name, ended.code === 0 ? (usual + tookMs) / 2 : longer * usual)
  if (ended.code === null) killed.set(name, (killed.get(name) ?? 0) + 1)
  return ended
}

// ── The network, the author, and what it knows to be published ───────────────────────────────────

let bootstrap = ''
const dht = spawn(process.execPath, [LAUNCHER, 'dht', '--host', '127.0.0.1', '--json'])
running.add(dht)
const [line] = (await once(dht.stdout, 'data')) as [Buffer]
const address = JSON.parse(line.toString()) as { host: string; port: number }
bootstrap = `${address.host}:${address.port}`

const author = join(root, 'author')
const startedAt = performance.now()
const { feedKey } = (await must(author, ['create', 'Soak', '--no-confirm'])) as { feedKey: string }
const createdMs = performance.now() - startedAt

/** Text of each issue, `GONE` if it was taken back; only what was acknowledged, or seen to be there all the same. */
const published = new Map<number, string>()
/** Texts that may be there, though nobody said so yet. */
const possible = new Set<string>()
/** Entries that were published whole, though the command was killed before it said so. */
let unsaid = 0
const killed = new Map<string, number>()
const done = new Map<string, number>()

function textOf(title: string): string {
  const lines = Array.from({ length: 200 }, () => random().toString(36)).join('\n')
  const text = `# ${title}\n\n${lines}\n\nThe end.\n`
  possible.add(text)
  return text
}

/** What a data directory has of the newsletter: the text of each issue that is here. */
async function contentsOf(dataDir: string): Promise<Map<number, string>> {
  const file = join(root, 'compare.bundle')
  await must(dataDir, ['export', feedKey, '--bundle', file, '--force'])
  const bytes = await readFile(file)
  const bundle = await loadBundle(
    (async function* () {
      yield await Promise.resolve(bytes)
    })(),
  )
  const { issues, invalid, missing } = await new History(bundle).list()
  assert(invalid + missing === 0, `${invalid} records are not valid, ${missing} are missing`)
  const contents = new Contents(bundle)
  const found = new Map<number, string>()
  for (const issue of issues) {
    const text = issue.retraction === undefined ? contents.body(newestEdition(issue)) : GONE
    found.set(issue.record.number, await text)
  }
  return found
}

/**
 * Compares what the author has with what was acknowledged: each issue once, whole, in its newest edition. What is there
 * though nobody said so counts from now on.
 */
async function checkAuthor(): Promise<void> {
  const newestFirst = (await must(author, ['issues', feedKey])) as Issue[]
  newestFirst
    .toReversed()
    .forEach(({ number }, i) => assert(number === i + 1, `issue ${i + 1} has number ${number}`))
  assert(
    newestFirst.every((it) => it.held),
    'a half issue is visible',
  )
  const found = await contentsOf(author)
  assert(found.size === newestFirst.length, 'an issue is listed that is not in the log')
  for (const [number, text] of published) {
    const now = found.get(number)
    if (now === text) continue
    assert(now !== undefined && possible.has(now), `issue ${number} lost what was acknowledged`)
  }
  for (const [number, text] of found) {
    if (published.get(number) === text) continue
    assert(possible.delete(text), `issue ${number} has a text that nobody wrote, or has twice`)
    published.set(number, text)
    unsaid++
  }
}

/** After a command that publishes: what it acknowledged counts; else the new text may be there or not. */
async function settle({ stdout }: Ended, text: string, number?: number): Promise<void> {
  if (stdout.includes('"number"')) {
    published.set(number ?? (JSON.parse(stdout) as { number: number }).number, text)
    possible.delete(text)
  }
  await checkAuthor()
  // Whatever is not there now comes no more.
  possible.clear()
}

/** An issue that still has a text. */
function anyIssue(): number {
  return any([...published].flatMap(([number, text]) => (text === GONE ? [] : number)))
}

/** What a reader has is what the author has. */
async function assertSame(reader: string): Promise<void> {
  const found = await contentsOf(reader)
  assert(found.size === published.size, `a reader has ${found.size} of ${published.size} issues`)
  for (const [number, text] of found) {
    assert(published.get(number) === text, `a reader has another issue ${number}`)
  }
}

/** Runs work while the author is online. */
async function withAuthorOnline(work: () => Promise<void>): Promise<void> {
  const daemon = start(author, ['daemon', 'run'])
  daemon.stderr?.resume()
  if (daemon.stdout === null) throw new Error('No pipe.')
  await once(daemon.stdout, 'data')
  try {
    await work()
  } finally {
    if (daemon.exitCode === null) {
      daemon.kill('SIGTERM')
      await once(daemon, 'exit')
    }
  }
}

// ── The rounds ───────────────────────────────────────────────────────────────────────────────────

async function publish(round: number): Promise<void> {
  const text = textOf(`Published ${round}`)
  await settle(await runKilled(author, ['publish', '-'], text), text)
}

async function importFolder(round: number): Promise<void> {
  const folder = join(root, `drafts-${round}`)
  await mkdir(folder)
  const texts = Array.from({ length: DRAFTS }, (_, i) => textOf(`Draft ${round}-${i}`))
  for (const [i, text] of texts.entries()) {
    await writeFile(join(folder, `${round}-${String(i).padStart(3, '0')}.md`), text)
  }
  await runKilled(author, ['import', folder])
  await checkAuthor()
  await must(author, ['import', folder])
  await checkAuthor()
  assert(possible.size === 0, `${possible.size} drafts were not imported`)
  await rm(folder, { recursive: true })
}

async function amend(round: number): Promise<void> {
  const number = anyIssue()
  const text = textOf(`Amended ${round}`)
  const ended = await runKilled(author, ['amend', feedKey, String(number), '-'], text)
  await settle(ended, text, number)
}

async function retract(): Promise<void> {
  const number = anyIssue()
  possible.add(GONE)
  await settle(await runKilled(author, ['retract', feedKey, String(number), '--yes']), GONE, number)
}

async function sync(round: number): Promise<void> {
  const reader = join(root, `reader-${round}`)
  await withAuthorOnline(async () => {
    await runKilled(reader, ['subscribe', feedKey])
    await must(reader, ['subscribe', feedKey])
  })
  await assertSame(reader)
  await rm(reader, { recursive: true, force: true })
}

/** Who holds all that it knows of does not wait for somebody who knows more. */
async function fetchAll(reader: string): Promise<void> {
  for (let attempt = 0; attempt < 30; attempt++) {
    await must(reader, ['subscribe', feedKey])
    const issues = (await must(reader, ['issues', feedKey])) as Issue[]
    if (issues.length === published.size && issues.every((it) => it.held)) return
    await pause(1_000)
  }
  throw new Error('A reader does not get what the author has.')
}

const keeper = join(root, 'keeper')

/** Keeps few issues or all again: what is within both choices, and what has a star, stays and can be read. */
async function keep(): Promise<void> {
  await withAuthorOnline(() => fetchAll(keeper))
  await must(keeper, ['keep', feedKey, '--everything'])
  const starred = anyIssue()
  await must(keeper, ['star', feedKey, String(starred)])
  await runKilled(keeper, ['keep', feedKey, '--newest', String(FEW)])
  const issues = (await must(keeper, ['issues', feedKey])) as Issue[]
  assert(issues.length === published.size, 'a reader lists fewer issues')
  for (const [i, { number, held }] of issues.entries()) {
    if (i >= FEW && number !== starred) continue
    assert(held, `issue ${number} was dropped, though it is to be kept`)
    const text = published.get(number)
    if (text === GONE) continue
    const read = await must(keeper, ['read', feedKey, String(number)])
    const { markdown, verified } = read as { markdown: string; verified: boolean }
    assert(verified && markdown === text, `issue ${number} is not what was published`)
  }
  await must(keeper, ['star', feedKey, String(starred), '--remove'])
  await must(keeper, ['keep', feedKey, '--everything'])
  await withAuthorOnline(() => fetchAll(keeper))
  await assertSame(keeper)
}

/** A bundle is written as a whole or not at all, and one that was taken in by half is taken in again. */
async function carryBundle(round: number): Promise<void> {
  const file = join(root, `round-${round}.bundle`)
  const reader = join(root, `offline-${round}`)
  await must(author, ['export', feedKey, '--bundle', file])
  const before = await readFile(file)
  await runKilled(author, ['export', feedKey, '--bundle', file, '--force'])
  assert(before.equals(await readFile(file)), 'a bundle was written by half')
  await runKilled(reader, ['import-bundle', file, '--subscribe'])
  await must(reader, ['import-bundle', file, '--subscribe'])
  await assertSame(reader)
  await rm(reader, { recursive: true, force: true })
  await rm(file)
}

function summary(): string {
  const rows = [...done].map(([name, times]) => `${name} ${times}`).join(', ')
  const kills = [...killed].map(([name, times]) => `${name} ${times}`).join(', ')
  return `${rows} rounds; killed: ${kills}; ${published.size} issues, nothing acknowledged lost; ${unsaid} entries whole without a word`
}

// The first one leaves issues behind, that the others need.
const KINDS = { import: importFolder, publish, sync, amend, retract, keep, bundle: carryBundle }
const chosen = Object.entries(KINDS)
let failure: Error | undefined
process.stdout.write(`${rounds} rounds, seed ${seed}, in ${root}\n`)
try {
  for (let round = 0; round < rounds; round++) {
    const [name, work] = chosen[round % chosen.length] ?? ['publish', publish]
    try {
      await work(round)
      done.set(name, (done.get(name) ?? 0) + 1)
    } catch (error) {
      throw new Error(`round ${round}, ${name}: ${String(error)}`, { cause: error })
    }
    if (process.stdout.isTTY) process.stdout.write(`\r${round + 1} of ${rounds}`)
    else if ((round + 1) % 10 === 0) process.stdout.write(`${round + 1}: ${summary()}\n`)
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
