import type { Commands, Context } from '../../context.ts'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Output } from '../../../api/contract/contract.ts'
import { HyperletterError } from '../../../errors.ts'
import { PACKAGE } from '../../../places.ts'
import { Actor } from './demo-actor.ts'
import { findChromium, loadedPage } from './headless-browser.ts'

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
const NEWSLETTER = fileURLToPath(new URL('fixtures/newsletters/tide-tables', PACKAGE))
const TITLE = 'Tide Tables'

interface DemoResult {
  readonly feedKey: string
  readonly issues: number
  readonly pictures: number
  readonly bytes: number
  /** Whether reader C could read it: there is a browser on this machine. */
  readonly inBrowser: boolean
}

/** Announces a step, runs it, and prints its result. */
type Step = <T>(doing: string, work: () => Promise<T>, done: (result: T) => string) => Promise<T>

interface Created {
  readonly feedKey: string
  readonly link: string
}

/**
 * The whole story on one machine: a publisher, two readers, each in processes of their own, on a
 * private network. The publisher is killed, and the second reader gets every issue from the first; that one is killed,
 * and a third reader gets it in a browser. Everything is in a temporary directory, and gone afterwards.
 * @throws INTERNAL if anything that a reader got differs from what was published
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
      await readerB.start(...(await withGateway()))
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
  const leftOut = await step(
    'Reader A is gone, too. Reader C opens the newsletter in a browser, with nothing installed.',
    async () => {
      await readerA.kill()
      const { link: address } = await readerB.run<{ link: string }>('web', feedKey)
      return showInBrowser(address, files.at(-1), join(home, 'browser'))
    },
    (why) =>
      why ??
      'the page took the newest issue from reader B’s gateway, and checked it against the feed key',
  )
  const inBrowser = leftOut === undefined
  return { feedKey, issues: files.length, pictures, bytes, inBrowser }
}

/** A daemon that browsers on this machine read from, at a port that is free. */
async function withGateway(): Promise<string[]> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return ['daemon', 'run', '--gateway', `127.0.0.1:${port}`, '--gateway-newsletters', 'all']
}

/** What the page says of the issue once it is no longer `busy`: `yes`, or the code of an error. */
const VERDICT = /<html[^>]* data-verified="(?!busy")([^"]*)"/

/** @returns why it is left out, if it is. @throws INTERNAL if the page does not show the issue, or did not verify it. */
async function showInBrowser(address: string, file = '', profile: string) {
  const browser = findChromium(process.env)
  if (browser === undefined) return 'left out: no Chromium is here; CHROME_PATH can name one'
  const page = await loadedPage(browser, address, profile, (html) => VERDICT.test(html))
  if (page === undefined) return `left out: ${browser} does not run here`
  const source = await readFile(join(NEWSLETTER, file), 'utf8')
  // The first line of its text, which looks the same in HTML.
  const [line = ''] = /^[\w ,.:]{40,}$/m.exec(source.split('\n---\n')[1] ?? '') ?? []
  const verdict = VERDICT.exec(page)?.[1] ?? 'not within a minute'
  check(verdict === 'yes', `the page did not verify the newest issue (${verdict})`)
  check(line !== '' && page.includes(line), 'the page does not show the newest issue')
  return undefined
}

async function compare(reader: Actor, feedKey: string, files: readonly string[], folder: string) {
  let pictures = 0
  let bytes = 0
  for (const [i, file] of files.entries()) {
    const number = String(i + 1)
    const issue = await reader.run<Output<'readIssue'>>('read', feedKey, number)
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
