/**
 * Keeps a daemon busy: an author publishes into some of the newsletters that it follows, and readers come,
 * fetch, and go, some of them without a word. Its memory at the end is compared with that after the first
 * sixth of the time (5 minutes of 30), and its open files with those at the beginning.
 *
 * npm run soak:daemon -- --minutes 30 [--newsletters 60]
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { loadConfig } from '../../src/config/config.ts'
import { Engine } from '../../src/engine/engine.ts'
import { createLogger } from '../../src/logger.ts'
import { bindOperations } from '../../src/api/operations.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/hyperletter.js', import.meta.url))

const SAMPLE_MS = 5_000

/** What is promised. */
const MAX_GROWTH = 1.1
const MAX_MORE_DESCRIPTORS = 8

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    newsletters: { type: 'string', default: '60' },
  },
})
const durationMs = Number(values.minutes) * 60_000
const newsletters = Number(values.newsletters)

interface Sample {
  readonly atMs: number
  readonly residentMb: number
  readonly descriptors: number
}

const root = await mkdtemp(join(tmpdir(), 'hyperletter-soak-'))
const children: ChildProcess[] = []
const counts = { published: 0, readers: 0, vanished: 0, fetched: 0 }

try {
  const dht = await startCommand(['dht', '--host', '127.0.0.1'])
  const { host, port } = dht.ready as { host: string; port: number }
  const bootstrap = `${host}:${port}`
  const author = await open('author', bootstrap)
  await author.engine.network()
  const links: string[] = []
  for (let i = 1; i <= newsletters; i++) {
    const { link } = await author.operations.createNewsletter({ title: `Newsletter ${i}` })
    links.push(link)
  }
  const daemonDir = join(root, 'daemon')
  const daemon = await startCommand(['daemon', 'run', ...flagsOf(daemonDir, bootstrap)])
  for (const link of links) {
    await run(['seed', link, ...flagsOf(daemonDir, bootstrap)])
  }

  const startedAt = performance.now()
  const stop = new AbortController()
  const samples: Sample[] = []
  const working = [
    repeat(stop.signal, () => publishSome(author, links)),
    repeat(stop.signal, () => comeAndGo(bootstrap, links)),
    repeat(stop.signal, () => comeAndGo(bootstrap, links)),
  ]
  while (performance.now() - startedAt < durationMs) {
    await pause(SAMPLE_MS)
    samples.push(await sample(daemon.child, performance.now() - startedAt))
    process.stderr.write(`${JSON.stringify({ ...samples.at(-1), ...counts })}\n`)
  }
  stop.abort()
  await Promise.all(working)
  const stoppedAt = performance.now()
  daemon.child.kill('SIGTERM')
  await once(daemon.child, 'exit')
  report(samples, performance.now() - stoppedAt)
  await author.engine.close()
} finally {
  for (const child of children) child.kill('SIGKILL')
  await rm(root, { recursive: true, force: true, maxRetries: 3 })
}

async function open(name: string, bootstrap: string) {
  const config = await loadConfig({ dataDir: join(root, name), bootstrap, logLevel: 'silent' })
  const engine = await Engine.open({ config, logger: createLogger('silent') })
  return { engine, operations: bindOperations(engine, 'engine') }
}

async function publishSome(
  { operations }: Awaited<ReturnType<typeof open>>,
  links: readonly string[],
): Promise<void> {
  const text = `# Issue\n\n${'High water at noon. '.repeat(50 + Math.random() * 2_000)}\n`
  for await (const _ of operations.publishIssue({
    newsletter: any(links),
    draft: { markdown: text },
  }));
  counts.published++
  await pause(1_000 + Math.random() * 2_000)
}

/** A reader of a few newsletters; every other one goes without leaving. */
async function comeAndGo(bootstrap: string, links: readonly string[]): Promise<void> {
  const name = `reader-${++counts.readers}`
  const reader = await open(name, bootstrap)
  for (const link of [any(links), any(links), any(links)]) {
    try {
      for await (const event of reader.operations.subscribe({ link, timeoutSeconds: 20 })) {
        if (event.event === 'progress' && event.heldBlocks === event.length) counts.fetched++
      }
    } catch {
      // Nobody was found in time: that is looked at elsewhere.
    }
  }
  await reader.engine.close()
  await rm(join(root, name), { recursive: true, force: true, maxRetries: 3 })
  if (Math.random() < 0.5) await vanish(bootstrap, any(links))
  await pause(2_000 + Math.random() * 4_000)
}

/** A reader in a process of its own, that is killed in the middle of its work. */
async function vanish(bootstrap: string, link: string): Promise<void> {
  const dir = join(root, `vanishing-${++counts.vanished}`)
  const child = start(['subscribe', link, ...flagsOf(dir, bootstrap)])
  await pause(500 + Math.random() * 3_000)
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  await rm(dir, { recursive: true, force: true, maxRetries: 3 })
}

async function repeat(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) await work()
}

async function sample({ pid }: ChildProcess, atMs: number): Promise<Sample> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const residentKb = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1])
  const descriptors = (await readdir(`/proc/${pid}/fd`)).length
  return { atMs: Math.round(atMs), residentMb: (residentKb * 1_024) / 1e6, descriptors }
}

/** Medians of a minute around the two moments: a single look may fall on a collection of garbage. */
function report(samples: readonly Sample[], stopMs: number): void {
  const around = (atMs: number) => samples.filter((it) => Math.abs(it.atMs - atMs) <= 30_000)
  const early = around(durationMs / 6)
  const late = samples.filter((it) => it.atMs > durationMs - 60_000)
  const [before, after] = [early, late].map((them) => median(them.map((it) => it.residentMb)))
  const growth = (after ?? NaN) / (before ?? NaN)
  const descriptors = [early, late].map((them) => median(them.map((it) => it.descriptors)))
  const more = (descriptors[1] ?? NaN) - (descriptors[0] ?? NaN)
  const isGood = growth <= MAX_GROWTH && more <= MAX_MORE_DESCRIPTORS
  const result = {
    date: new Date().toISOString(),
    cores: cpus().length,
    minutes: durationMs / 60_000,
    newsletters,
    ...counts,
    residentMb: [round(before), round(after)],
    growth: round(growth),
    descriptors,
    stopMs: Math.round(stopMs),
    isGood,
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
  process.exitCode = isGood ? 0 : 1
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN
}

function round(value: number | undefined): number {
  return Math.round((value ?? NaN) * 100) / 100
}

function any<T>(them: readonly T[]): T {
  return them[Math.floor(Math.random() * them.length)] as T
}

function flagsOf(dataDir: string, bootstrap: string): string[] {
  return ['--json', '--data-dir', dataDir, '--bootstrap', bootstrap]
}

function start(args: readonly string[]): ChildProcess {
  const env = { ...process.env, XDG_CONFIG_HOME: join(root, 'none') }
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  children.push(child)
  child.once('exit', () => children.splice(children.indexOf(child), 1))
  return child
}

async function run(args: readonly string[]): Promise<void> {
  const child = start(args)
  child.stdout?.resume()
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}.`)
}

async function startCommand(args: readonly string[]) {
  const child = start(args)
  if (child.stdout === null) throw new Error('The child has no output.')
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return { child, ready: JSON.parse(line) as unknown }
}
