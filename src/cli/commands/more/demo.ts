import type { Commands, Context } from '../../context.ts'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Output } from '../../../api/contract/contract.ts'
import { HyperletterError } from '../../../errors.ts'

export const commands: Commands = {
  demo: (command, bind) =>
    command.examples('hyperletter demo', 'hyperletter demo --json').action(bind(demo)),
}

const NEXT = `Try it yourself:
  hyperletter create "My newsletter"      a newsletter, and the link for its readers
  hyperletter publish first-issue.md      sign an issue and append it
  hyperletter daemon start                keep serving it, and fetch what others publish
  hyperletter --help                      everything else
`

async function demo(context: Context): Promise<void> {
  const { io, options, out } = context
  const isQuiet = options.json === true || options.quiet === true
  const say = (line: string) => (isQuiet ? Promise.resolve() : out.text(line))
  const startedAt = performance.now()
  const steps: { what: string; seconds: number }[] = []
  const step: Step = async (doing, work, done) => {
    await say(`${out.style.bold(`${steps.length + 1}.`)} ${doing}\n`)
    const began = performance.now()
    const result = await work()
    const seconds = secondsSince(began)
    steps.push({ what: doing, seconds })
    await say(`   ${out.style.dim(`${seconds.toFixed(1)} s`)}  ${done(result)}\n`)
    return result
  }
  const result = await tellStory(step, io.signal)
  const seconds = secondsSince(startedAt)
  await out.result(
    { ok: true, ...result, seconds, steps },
    () =>
      `\n${out.style.green('✓')} The newsletter outlived its publisher’s machine, in ${seconds.toFixed(1)} s.\n\n${NEXT}`,
  )
}

function secondsSince(began: number): number {
  return Math.round((performance.now() - began) / 100) / 10
}

/** A newsletter written for this project, with pictures; it travels in the package. */
const NEWSLETTER = fileURLToPath(
  new URL('../../../../fixtures/newsletters/tide-tables', import.meta.url),
)
const TITLE = 'Tide Tables'

interface DemoResult {
  readonly feedKey: string
  readonly issues: number
  readonly pictures: number
  readonly bytes: number
}

/** Announces a step, runs it, and prints its result. */
type Step = <T>(doing: string, work: () => Promise<T>, done: (result: T) => string) => Promise<T>

interface Created {
  readonly feedKey: string
  readonly link: string
}

type Issue = Output<'readIssue'>

/**
 * The whole story on one machine: a publisher, two readers, each in processes of their own, on a
 * private network. The publisher is killed, and the second reader gets every issue from the first.
 * Everything is in a temporary directory, and gone afterwards.
 * @throws INTERNAL if anything that the second reader got differs from what was published
 */
async function tellStory(step: Step, signal: AbortSignal): Promise<DemoResult> {
  const home = await mkdtemp(join(tmpdir(), 'hyperletter-demo-'))
  const actors: Actor[] = []
  const cast = (name: string, bootstrap?: string) => {
    const dataDir = join(home, name)
    const actor = new Actor({ dataDir, signal, bootstrap })
    actors.push(actor)
    return actor
  }
  try {
    return await play(step, cast, home)
  } finally {
    await Promise.all(actors.map((actor) => actor.kill()))
    await rm(home, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function play(
  step: Step,
  cast: (name: string, bootstrap?: string) => Actor,
  home: string,
): Promise<DemoResult> {
  const network = cast('network')
  const { host, port } = await step(
    'A private network on this machine; nothing leaves it.',
    () => network.start<{ host: string; port: number }>('dht'),
    (it) => `bootstrap node at ${it.host}:${it.port}`,
  )
  const bootstrap = `${host}:${port}`
  const publisher = cast('publisher', bootstrap)
  const readerA = cast('reader-a', bootstrap)
  const readerB = cast('reader-b', bootstrap)

  const { feedKey, link } = await step(
    `The publisher creates “${TITLE}” and goes online.`,
    async () => {
      await publisher.start('daemon', 'run')
      return publisher.run<Created>('create', TITLE)
    },
    (it) => it.link,
  )
  const files = (await readdir(NEWSLETTER)).filter((it) => it.endsWith('.md')).toSorted()
  await step(
    `The publisher publishes ${files.length} issues with pictures.`,
    async () => {
      for (const file of files) await publisher.run('publish', join(NEWSLETTER, file))
    },
    () => files.map((file) => file.replace(/\.md$/, '')).join(', '),
  )
  await step(
    'Reader A subscribes with the link.',
    async () => {
      await readerA.start('daemon', 'run')
      return readerA.run<{ issues: number }>('subscribe', link)
    },
    (it) => `holds all ${it.issues} issues, checked against the feed key`,
  )
  await step(
    'The publisher’s machine dies: its process is killed.',
    () => publisher.kill(),
    () => 'reader A is the only one left who has the newsletter',
  )
  await step(
    'Reader B, who never met the publisher, subscribes with the same link.',
    async () => {
      await readerB.start('daemon', 'run')
      return readerB.run<{ issues: number }>('subscribe', link)
    },
    (it) => `got all ${it.issues} issues from reader A`,
  )
  const { pictures, bytes } = await step(
    'Reader B checks every issue and picture against what was published.',
    () => compare(readerB, feedKey, files, join(home, 'saved')),
    (it) =>
      `${files.length} issues and ${it.pictures} pictures, ${it.bytes} bytes: signed and identical`,
  )
  return { feedKey, issues: files.length, pictures, bytes }
}

async function compare(reader: Actor, feedKey: string, files: readonly string[], folder: string) {
  let pictures = 0
  let bytes = 0
  for (const [i, file] of files.entries()) {
    const number = String(i + 1)
    const issue = await reader.run<Issue>('read', feedKey, number)
    const source = await readFile(join(NEWSLETTER, file), 'utf8')
    check(issue.verified, `issue ${number} is not verified`)
    check(source.endsWith(issue.markdown), `the text of issue ${number} differs`)
    bytes += Buffer.byteLength(issue.markdown)
    const target = join(folder, number)
    await reader.run('save', feedKey, number, '--to', target)
    for (const { name } of issue.attachments) {
      const [sent, got] = await Promise.all([
        readFile(join(NEWSLETTER, name)),
        readFile(join(target, name)),
      ])
      check(sent.equals(got), `${name} differs`)
      pictures++
      bytes += got.byteLength
    }
  }
  check(pictures > 0, 'no picture arrived')
  return { pictures, bytes }
}

function check(holds: boolean, complaint: string): void {
  if (!holds) throw new HyperletterError('INTERNAL', `The demo failed: ${complaint}.`)
}

type Child = ChildProcessByStdio<null, Readable, Readable>

const LAUNCHER = fileURLToPath(new URL('../../../../bin/hyperletter.js', import.meta.url))

interface ActorOptions {
  readonly dataDir: string
  /** `host:port` of the private network. */
  readonly bootstrap?: string | undefined
  readonly signal: AbortSignal
}

/**
 * Somebody with a machine of their own: a data directory, and commands that run in processes of their
 * own, exactly as a person would run them.
 */
class Actor {
  readonly #options: ActorOptions
  #background: Child | undefined

  constructor(options: ActorOptions) {
    this.#options = options
  }

  /** Runs a command to its end and gives its JSON result. @throws what the command reported */
  async run<T>(...args: readonly string[]): Promise<T> {
    const child = this.#spawn(args)
    const [out, err] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ])
    if (child.exitCode === 0) return JSON.parse(out) as T
    throw failure(args, err)
  }

  /** Starts a command that stays, and gives the first line it prints, as JSON. */
  async start<T>(...args: readonly string[]): Promise<T> {
    const child = this.#spawn(args)
    this.#background = child
    for await (const line of createInterface({ input: child.stdout })) {
      return JSON.parse(line) as T
    }
    throw failure(args, await text(child.stderr))
  }

  /** Ends what `start` started without any warning, as a power cut would. Returns when it is gone. */
  async kill(): Promise<void> {
    const child = this.#background
    this.#background = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  #spawn(args: readonly string[]): Child {
    const { dataDir, bootstrap, signal } = this.#options
    signal.throwIfAborted()
    const network = bootstrap === undefined ? [] : ['--bootstrap', bootstrap]
    const flags = ['--json', '--data-dir', dataDir, ...network]
    const child = spawn(process.execPath, [LAUNCHER, ...args, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      windowsHide: true,
    })
    // An aborted child reports it here; the caller notices by the missing result.
    child.on('error', () => undefined)
    return child
  }
}

function failure(args: readonly string[], stderr: string): HyperletterError {
  const line = stderr.trim().split('\n').at(-1) ?? ''
  try {
    return HyperletterError.fromJSON((JSON.parse(line) as { error: unknown }).error)
  } catch {
    return new HyperletterError('INTERNAL', `hyperletter ${args[0]} failed: ${line}`)
  }
}
