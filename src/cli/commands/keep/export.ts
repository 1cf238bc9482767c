import { lstat, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Option } from 'commander'
import { defined } from '../../../defined.ts'
import { writeBeside } from '../../../atomic-file.ts'
import { invalidInput } from '../../../errors.ts'
import type { BundleHeader } from '../../../format/bundle/format.ts'
import type { Input, Operations } from '../../../api/contract/contract.ts'
import { unwritable } from '../../files.ts'
import { issueNumber } from '../../command.ts'
import { type Commands, type Context, finishOf, withOperations } from '../../context.ts'
import { nameOf, plural, shellWord } from '../../terminal/format.ts'
import { formatBytes } from '../../../render/plain.ts'
import { Progress } from '../../terminal/progress.ts'

type OfSite = 'logOnly' | 'address' | 'theme' | 'completeFeed'

interface Options extends Pick<Input<'exportSite'>, OfSite> {
  readonly bundle?: string
  readonly markdown?: string
  readonly site?: string
  readonly since?: number
  readonly force?: boolean
}

const STDOUT = '-'

export const commands: Commands = {
  export: (command, bind) =>
    command
      .option('--bundle <file>', 'one signed file, or - for standard output')
      .addOption(
        new Option('--markdown <folder>', 'Markdown files with their pictures').conflicts('bundle'),
      )
      .addOption(
        new Option('--site <folder>', 'a folder for any web server').conflicts([
          'bundle',
          'markdown',
          'since',
          'force',
        ]),
      )
      .option('--address <url>', 'with --site: where it will be on the web')
      .option('--theme <folder>', 'with --site: your own style, header, footer, icon and cover')
      .option('--complete-feed', 'with --site: also one feed with every issue')
      .option('--log-only', 'with --site: nothing but the verified log')
      .option('--since <number>', 'only issues since this number', issueNumber)
      .option('--force', 'replace existing files')
      .details(
        `
A bundle is for \`hyperletter import-bundle\`: readers verify it and replicate it on. A folder of Markdown
files is for other programs, and for \`hyperletter import\`, which makes the same issues of it. A folder
that was exported before gets the issues that it lacks.

With --site, a folder becomes a website for any web host: a page for each issue, the archive, feeds, and the
log as files, against which each page checks its text in the browser. Readers also fetch from there what no
peer has. Run it again after each issue; only what is new changes. Upload everything but log/head first, and
then everything, removing what is gone. Of a private newsletter it has ciphertext only, and a reader that
opens it for those who have the whole link. docs/reach.md has the steps for GitHub Pages and others.
`,
      )
      .examples(
        'hyperletter export "Tide Tables" --bundle tides.bundle',
        'hyperletter export "Tide Tables" --bundle news.bundle --since 12',
        'hyperletter export "Tide Tables" --markdown ~/letters/tides',
        'hyperletter export "Tide Tables" --site ~/sites/tides --address https://tides.example/',
      )
      .action(bind(exportNewsletter)),
}

async function exportNewsletter(
  context: Context,
  newsletter: string,
  { bundle, markdown, site, since, force, ...web }: Options,
): Promise<number | void> {
  const [only] = Object.keys(web)
  if (only !== undefined && site === undefined) {
    const option = only.replace(/[A-Z]/g, (it) => `-${it.toLowerCase()}`)
    throw invalidInput(`--${option} goes with --site <folder>.`)
  }
  if (site !== undefined) return exportSite(context, newsletter, site, web)
  const options = defined({ since, force })
  if (bundle !== undefined) return exportBundle(context, newsletter, bundle, options)
  if (markdown !== undefined) return exportFolder(context, newsletter, markdown, options)
  throw invalidInput('Say what to write: --bundle <file>, --markdown <folder> or --site <folder>.')
}

async function exportFolder(
  context: Context,
  newsletter: string,
  to: string,
  { since = 1, force = false }: Options,
): Promise<number | void> {
  const { io, out } = context
  const { exportMarkdown } = await import('./export-markdown.ts')
  const folder = resolve(io.cwd, to)
  const exported = await withOperations(context, (operations) =>
    exportMarkdown(context, operations, { newsletter, folder, since, force }),
  )
  const { feedKey, title, issues, files, skipped, warnings } = exported
  await out.result(exported, () => {
    const name = nameOf({ feedKey, title })
    return `Wrote ${plural(issues, 'issue')} of ${name} to ${folder}, ${plural(files, 'file')}.\n`
  })
  for (const it of warnings) await out.warn(it)
  for (const { number, message } of skipped)
    await out.warn(`Issue ${number} is left out: ${message}`)
  return skipped.some(({ code }) => code !== 'ISSUE_NOT_FOUND') ? 3 : 0
}

async function exportSite(
  context: Context,
  newsletter: string,
  to: string,
  { address, theme, ...web }: Pick<Options, 'address' | 'theme' | 'completeFeed' | 'logOnly'>,
): Promise<void> {
  const { io, out } = context
  const folder = resolve(io.cwd, to)
  const options = {
    ...web,
    // As people type it.
    address: address?.replace(/([^/])$/, '$1/'),
    theme: theme === undefined ? undefined : resolve(io.cwd, theme),
  }
  const finished = await withOperations(context, async (operations) => {
    using progress = new Progress(context, 'exporting')
    const input = { newsletter, folder, ...options }
    const events = operations.exportSite(input, { signal: io.signal })
    return await finishOf(events, (event) => progress.update(event))
  })
  const { changed, changedBytes, removed, files } = finished
  await out.result({ ...finished, folder }, () => {
    if (changed + removed === 0) return `${folder} is up to date, ${plural(files, 'file')}.\n`
    const gone = removed === 0 ? '' : `, removed ${removed}`
    return `Wrote ${changed} of ${plural(files, 'file')} to ${folder}, ${formatBytes(changedBytes)}${gone}.\n`
  })
}

async function exportBundle(
  context: Context,
  newsletter: string,
  bundle: string,
  { since, force = false }: Options,
): Promise<void> {
  const { io, out, options } = context
  const isStdout = bundle === STDOUT
  if (isStdout && (out.isTerminal || options.json === true)) {
    const why = out.isTerminal ? 'A bundle is binary' : 'Standard output carries the JSON result'
    throw invalidInput(`${why}: give a file, or pipe it.`)
  }
  const file = isStdout ? STDOUT : resolve(io.cwd, bundle)
  if (!isStdout) await refuseExisting(file, force)

  const exported = await withOperations(context, async (operations) => {
    using progress = new Progress(context, 'exporting')
    const input = { newsletter, since }
    const pieces = new Counted(operations.exportBundle(input, { signal: io.signal }), progress)
    if (isStdout) {
      for await (const piece of pieces) await out.bytes(piece)
    } else await writeFile(file, pieces, force)
    const { feedKey, blocks } = await pieces.header()
    return {
      feedKey,
      ...(await contentsOf(operations, feedKey, since)),
      blocks,
      bytes: pieces.bytes,
    }
  })

  const { feedKey, title, issues, bytes } = exported
  const name = nameOf({ feedKey, title })
  const summary = `${name}: ${plural(issues, 'issue')}, ${formatBytes(bytes)}`
  if (isStdout) return out.note(`Wrote ${summary}.`)
  await out.result({ ...exported, file }, () => `Wrote ${file}, ${summary}.\n`)
  await out.next(`hyperletter subscribe ${shellWord(bundle)} (on another machine, offline)`)
}

async function contentsOf(operations: Operations, feedKey: string, since: number | undefined) {
  const found = (await operations.listNewsletters({})).find((it) => it.feedKey === feedKey)
  const issues =
    since === undefined
      ? (found?.issues ?? 0)
      : (await operations.listIssues({ newsletter: feedKey })).filter((it) => it.number >= since)
          .length
  return { title: found?.title, issues }
}

/** Pieces of a bundle on their way; keeps what its head says of it. */
class Counted {
  bytes = 0
  readonly #source: AsyncIterable<Uint8Array>
  readonly #progress: Progress
  #head: Uint8Array = new Uint8Array()

  constructor(source: AsyncIterable<Uint8Array>, progress: Progress) {
    this.#source = source
    this.#progress = progress
  }

  async header(): Promise<BundleHeader> {
    const { decodeHeader, HEADER_BYTES } = await import('../../../format/bundle/format.ts')
    return decodeHeader(this.#head.subarray(0, HEADER_BYTES))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const { HEADER_BYTES } = await import('../../../format/bundle/format.ts')
    for await (const piece of this.#source) {
      if (this.#head.byteLength < HEADER_BYTES) this.#head = Buffer.concat([this.#head, piece])
      this.bytes += piece.byteLength
      this.#progress.update({ done: 0, total: 0, note: formatBytes(this.bytes) })
      yield piece
    }
  }
}

// Whole or not at all, and on the disk: it may be the only backup.
async function writeFile(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  force: boolean,
): Promise<void> {
  let temporary = ''
  try {
    temporary = await writeBeside(path, pieces, { isSynced: true })
    await refuseExisting(path, force)
    await rename(temporary, path)
  } catch (error) {
    throw unwritable(
      error,
      'write the bundle',
      'Choose a folder that exists and that you may write to.',
    )
  } finally {
    if (temporary !== '') await rm(temporary, { force: true })
  }
}

async function refuseExisting(path: string, force: boolean): Promise<void> {
  const existing = await lstat(path).catch(() => undefined)
  if (existing === undefined) return
  if (!existing.isFile()) {
    const what = existing.isDirectory() ? 'is a folder' : 'is no regular file'
    throw invalidInput(`${path} ${what}: give the name of a file.`)
  }
  if (force) return
  throw invalidInput(`${path} exists.`, {
    hint: 'Choose another name, or replace it with --force.',
  })
}
