import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs, promisify } from 'node:util'
import { LAUNCHER } from './children.ts'

const HELP = `Usage: npm run build && npx tsx bench/bounded-disk.ts [options]

A daemon with a disk cap follows a newsletter that is larger, with the command as users start it, on a
private DHT. Samples what its data directory takes, all the time, and prints the most it ever took.

  --cap <MB>      the cap (default: 50)
  --size <MB>     the newsletter (default: 200)
  --issues <n>    how many issues it has (default: 100)
  --more <n>      issues that are published afterwards, while it follows (default: 20)
  --keep-files    leave the directories where they are

Ends with 1 if the directory took more than 110 % of the cap at any moment, if the newest issue is not
held, or if an old one cannot be read.
`

const SAMPLE_MS = 20
const SETTLE_DEADLINE_MS = 300_000
const MB = 1e6

const { values } = parseArgs({
  options: {
    cap: { type: 'string', default: '50' },
    size: { type: 'string', default: '200' },
    issues: { type: 'string', default: '100' },
    more: { type: 'string', default: '20' },
    'keep-files': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

interface Issue {
  readonly number: number
  readonly held: boolean
}

interface Standing {
  readonly disk: { readonly usedBytes: number; readonly capBytes: number; readonly next?: object }
  readonly newsletters: readonly {
    readonly heldBlocks: number
    readonly length: number
    readonly leftOut: number
    readonly downloadedBytes: number
  }[]
}

const children: ChildProcess[] = []

async function run(): Promise<number> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // What waits for one of them fails then.
    process.once(signal, () => children.forEach((it) => it.kill()))
  }
  const root = await mkdtemp(join(tmpdir(), 'hyperletter-bounded-'))
  try {
    return await measure(root)
  } finally {
    for (const child of children.toReversed()) await stop(child)
    if (!values['keep-files']) await rm(root, { recursive: true, force: true })
  }
}

async function measure(root: string): Promise<number> {
  const cap = Number(values.cap) * MB
  const issues = Number(values.issues)
  const bytesEach = Math.round((Number(values.size) * MB) / issues)
  const dht = await start<{ host: string; port: number }>(root, ['dht'])
  const bootstrap = `${dht.host}:${dht.port}`
  const as = (name: string) => ({
    HYPERLETTER_HOME: join(root, name),
    HYPERLETTER_BOOTSTRAP: bootstrap,
  })
  const author = { env: as('author'), home: join(root, 'author') }
  const reader = {
    env: { ...as('reader'), HYPERLETTER_DISK_CAP: `${values.cap} MB` },
    home: join(root, 'reader'),
  }

  const created = await command<{ link: string; feedKey: string }>(author.env, [
    'create',
    'Large',
    '--no-confirm',
  ])
  const { link, feedKey } = created
  const drafts = join(root, 'drafts')
  await writeDrafts(drafts, 1, issues, bytesEach)
  await command(author.env, ['import', drafts])
  await start(root, ['daemon', 'run'], author.env)
  await start(root, ['daemon', 'run'], reader.env)
  const sampler = new Sampler(reader.home)

  const startedAt = performance.now()
  await command(reader.env, ['subscribe', link, '--no-wait'])
  const synced = await settled(reader.env, feedKey, issues)
  report('after the first sync', { seconds: since(startedAt), ...synced, ...sampler.take() }, cap)

  const more = Number(values.more)
  for (let number = issues + 1; number <= issues + more; number++) {
    const folder = join(root, 'more')
    await writeDrafts(folder, number, number, bytesEach)
    await command(author.env, ['publish', join(folder, nameOf(number))])
  }
  const followed = await settled(reader.env, feedKey, issues + more)
  report(`after ${more} more issues`, { ...followed, ...sampler.take() }, cap)

  const readAt = performance.now()
  const old = await command<{ number: number; markdown: string; verified: boolean }>(reader.env, [
    'read',
    feedKey,
    '1',
  ])
  const image = join(root, 'saved')
  await command(reader.env, ['save', feedKey, '1', '--to', image])
  report(
    'issue 1 read and saved on demand',
    { seconds: since(readAt), verified: old.verified, ...sampler.take() },
    cap,
  )

  await command(reader.env, ['keep', feedKey, '--newest', '3'])
  const kept = await settled(reader.env, feedKey, issues + more)
  report(
    'after keep --newest 3',
    { ...kept, bytesNow: await sampler.now(), ...sampler.take() },
    cap,
  )
  await sampler.close()

  const isBounded = sampler.most.allocated <= cap * 1.1 && sampler.most.sized <= cap * 1.1
  const isNewest = synced.newest === issues && followed.newest === issues + more
  const percent = ((100 * sampler.most.allocated) / cap).toFixed(1)
  process.stdout.write(
    `most ever: ${inMB(sampler.most.allocated)} allocated (${percent} % of the cap), ${inMB(sampler.most.sized)} by size, in ${sampler.samples} samples\n`,
  )
  return isBounded && isNewest && old.number === 1 && old.verified ? 0 : 1
}

/** Waits until the daemon holds what it wants of so many issues, and does not change any more. */
async function settled(env: NodeJS.ProcessEnv, feedKey: string, issues: number) {
  const deadline = performance.now() + SETTLE_DEADLINE_MS
  for (let same = 0, before = ''; ;) {
    if (performance.now() > deadline) throw new Error('The reader does not come to rest.')
    const { newsletters, disk } = await command<Standing>(env, ['status'])
    const [it] = newsletters
    const list: readonly Issue[] = await command<readonly Issue[]>(env, ['issues', feedKey]).catch(
      () => [],
    )
    const held = list.filter((issue) => issue.held).map((issue) => issue.number)
    const now = JSON.stringify([held, it?.heldBlocks])
    const isDone = it !== undefined && it.heldBlocks === it.length && list.length === issues
    same = isDone && now === before ? same + 1 : 0
    before = now
    if (same >= 3) {
      return {
        held: held.length,
        newest: held[0],
        oldest: held.at(-1),
        leftOut: it?.leftOut,
        downloadedMB: Math.round((it?.downloadedBytes ?? 0) / MB),
        usedMB: Math.round(disk.usedBytes / MB),
      }
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 300)
    })
  }
}

/** Samples what a directory takes until it is closed. */
class Sampler {
  readonly most = { allocated: 0, sized: 0 }
  samples = 0
  readonly #dir: string
  #since = { allocated: 0, sized: 0 }
  #isOver = false
  readonly #running: Promise<void>

  constructor(dir: string) {
    this.#dir = dir
    this.#running = this.#run()
  }

  /** The most since the last time. */
  take() {
    const { allocated, sized } = this.#since
    this.#since = { allocated: 0, sized: 0 }
    return { mostAllocated: inMB(allocated), mostSized: inMB(sized) }
  }

  async now(): Promise<string> {
    return inMB((await bytesBelow(this.#dir)).allocated)
  }

  async close(): Promise<void> {
    this.#isOver = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const now = await bytesBelow(this.#dir)
      for (const most of [this.most, this.#since]) {
        most.allocated = Math.max(most.allocated, now.allocated)
        most.sized = Math.max(most.sized, now.sized)
      }
      this.samples++
      await new Promise((resolve) => {
        setTimeout(resolve, SAMPLE_MS)
      })
    }
  }
}

/** As `du` counts, and as the sizes of the files say. */
async function bytesBelow(dir: string) {
  const entries = await readdir(dir, { withFileTypes: true, recursive: true }).catch(() => [])
  const sum = { allocated: 0, sized: 0 }
  for (const entry of entries) {
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined)
    if (found?.isFile() !== true) continue
    sum.allocated += found.blocks * 512
    sum.sized += found.size
  }
  return sum
}

async function writeDrafts(folder: string, first: number, last: number, bytesEach: number) {
  await mkdir(folder, { recursive: true })
  for (let number = first; number <= last; number++) {
    const picture = `picture-${number}.png`
    await writeFile(join(folder, picture), randomBytes(bytesEach))
    const date = new Date(Date.UTC(2020, 0, number)).toISOString().slice(0, 10)
    const text = `---\ntitle: Issue ${number}\ndate: ${date}\n---\n\nText of ${number}.\n\n![A picture](${picture})\n`
    await writeFile(join(folder, nameOf(number)), text)
  }
}

function nameOf(number: number): string {
  return `issue-${String(number).padStart(4, '0')}.md`
}

async function command<T>(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<T> {
  const { stdout } = await promisify(execFile)(process.execPath, [LAUNCHER, ...args, '--json'], {
    env: { ...clean(), ...env },
    maxBuffer: 64 * MB,
  })
  return JSON.parse(stdout) as T
}

async function start<T>(root: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    cwd: root,
    env: { ...clean(), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return JSON.parse(line) as T
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(timer)
}

// Nothing of a person's own settings.
function clean(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('HYPERLETTER_')),
  )
}

function report(what: string, facts: object, cap: number): void {
  process.stdout.write(`${what} (cap ${inMB(cap)}): ${JSON.stringify(facts)}\n`)
}

function since(startedAt: number): number {
  return Math.round((performance.now() - startedAt) / 100) / 10
}

function inMB(bytes: number): string {
  return `${(bytes / MB).toFixed(1)} MB`
}

if (values.help) process.stdout.write(HELP)
else process.exitCode = await run()
