import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Children, type Child } from './children.ts'
import { writeSyntheticCorpus } from './corpus.ts'

/** What importing the archive left: a data directory that publishes it. */
export interface Archive {
  readonly dataDir: string
  readonly link: string
  readonly feedKey: string
  readonly issues: number
}

export interface ContextOptions {
  /** Folder of drafts; a synthetic one is written when absent. */
  readonly corpus: string | undefined
  /** Rounds of each row, where the row does not need more. */
  readonly runs: number | undefined
  /** Only to see that every row runs: in its smallest form. */
  readonly isSmallest: boolean
  /** Ends all children. */
  readonly signal: AbortSignal
}

/** What the rows share: temporary directories, the archive, a private DHT, child processes. */
export class Context {
  readonly children: Children
  readonly #options: ContextOptions
  readonly #root: string
  #corpus: Promise<string> | undefined
  #archive: Promise<Archive> | undefined
  #dht: Promise<Child<{ host: string; port: number }>> | undefined

  private constructor(options: ContextOptions, root: string) {
    this.#options = options
    this.#root = root
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('HYPERLETTER_'))
    this.children = new Children({
      ...Object.fromEntries(own),
      XDG_CONFIG_HOME: join(root, 'none'),
    })
    options.signal.addEventListener('abort', () => void this.children.close(), { once: true })
  }

  static async open(options: ContextOptions): Promise<Context> {
    return new Context(options, await mkdtemp(join(tmpdir(), 'hyperletter-bench-')))
  }

  /** Rounds to make: what was asked for, or what the row thinks right. */
  runs(usual: number, least = 1): number {
    const { runs } = this.#options
    return this.size(Math.max(least, runs ?? usual), runs ?? 1)
  }

  /** How much of something a row needs, or how long. */
  size(usual: number, smallest: number): number {
    return this.#options.isSmallest ? smallest : usual
  }

  /** One line of progress. @throws if the benchmark was interrupted. */
  say(text: string): void {
    this.#options.signal.throwIfAborted()
    process.stderr.write(`${text}\n`)
  }

  temporary(name: string): Promise<string> {
    return mkdtemp(join(this.#root, `${name}-`))
  }

  /** Runs `use` with an empty directory that is gone afterwards. */
  async withTemporary<T>(name: string, use: (dir: string) => Promise<T>): Promise<T> {
    this.#options.signal.throwIfAborted()
    const dir = await this.temporary(name)
    try {
      return await use(dir)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  }

  /** The folder of drafts. */
  corpus(): Promise<string> {
    this.#corpus ??= this.#makeCorpus()
    return this.#corpus
  }

  /** The archive, imported once. */
  archive(): Promise<Archive> {
    this.#archive ??= this.#makeArchive()
    return this.#archive
  }

  /** Address of a bootstrap node in a process of its own. */
  async bootstrap(): Promise<string> {
    this.#dht ??= this.children.startCommand(['dht', '--host', '127.0.0.1', '--quiet'])
    const { host, port } = (await this.#dht).ready
    return `${host}:${port}`
  }

  /** Runs `use` while a daemon publishes the archive. */
  async withDaemon<T>(use: (daemon: Child<unknown>, flags: string[]) => Promise<T>): Promise<T> {
    const { dataDir } = await this.archive()
    const flags = ['--data-dir', dataDir, '--bootstrap', await this.bootstrap()]
    const daemon = await this.children.startDaemon<unknown>(flags)
    try {
      return await use(daemon, flags)
    } finally {
      await daemon.stop()
    }
  }

  /** Ends the children and removes everything temporary. */
  async close(): Promise<void> {
    await this.children.close()
    await rm(this.#root, { recursive: true, force: true })
  }

  async #makeCorpus(): Promise<string> {
    if (this.#options.corpus !== undefined) return this.#options.corpus
    const folder = await this.temporary('corpus')
    await writeSyntheticCorpus(folder)
    return folder
  }

  async #makeArchive(): Promise<Archive> {
    this.say('importing the archive')
    const dataDir = await this.temporary('archive')
    const input = { dataDir, folder: await this.corpus() }
    const { link, feedKey, issues } = await this.children.run<Archive>('import.ts', input)
    return { dataDir, link, feedKey, issues }
  }
}
