import { once } from 'node:events'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { SerialQueue } from '../async.ts'
import { CODE, IS_SOURCE } from '../places.ts'
import type { Jobs, Request } from './worker.ts'
import { renderHtml, renderUnformatted } from '../render/html/html.ts'
import { optionsOf, type IssueLinks } from '../render/html/placed.ts'

/**
 * Texts up to this length, in UTF-16 code units, are worked on where they are: the worst of them takes a
 * fraction of a second, and most issues are shorter.
 */
export const INLINE_LENGTH = 32_768

/** What the worker may take for one text, its start included. The worst known text of 2 MiB takes a tenth. */
const DEADLINE_MS = 15_000

/** Then the worker ends, until it is wanted again. */
const IDLE_MS = 30_000

// The worst text of 2 MiB that is known gets by with half of it.
const LIMITS = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 64 }

export interface TextWorkerOptions {
  readonly script?: URL
  readonly deadlineMs?: number
  readonly idleMs?: number
  readonly limits?: typeof LIMITS
}

/**
 * One thread for texts of strangers, so that none of them keeps the process from anything else. Texts
 * wait for each other. The thread starts with the first one, and keeps no process alive while it waits.
 */
export class TextWorker {
  readonly #options: Required<TextWorkerOptions>
  readonly #queue = new SerialQueue()
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined

  constructor(options: TextWorkerOptions = {}) {
    const defaults = { deadlineMs: DEADLINE_MS, idleMs: IDLE_MS, limits: LIMITS }
    this.#options = { script: workerFile(), ...defaults, ...options }
  }

  /** The result of a job; undefined if it failed, took too long, or took more memory than a text may. */
  run<Name extends keyof Jobs>(
    job: Name,
    input: Parameters<Jobs[Name]>[0],
  ): Promise<ReturnType<Jobs[Name]> | undefined> {
    return this.#queue.run(() => this.#ask({ job, input })) as Promise<
      ReturnType<Jobs[Name]> | undefined
    >
  }

  /** Starts the thread, which takes a tenth of a second, where a text is likely to come soon. */
  prepare(): void {
    if (this.#queue.size > 0) return
    clearTimeout(this.#idle)
    this.#rest((this.#worker ??= this.#start()))
  }

  async #ask(request: Request): Promise<unknown> {
    clearTimeout(this.#idle)
    const worker = (this.#worker ??= this.#start())
    worker.ref()
    worker.postMessage(request)
    const signal = AbortSignal.timeout(this.#options.deadlineMs)
    try {
      const [{ result }] = (await once(worker, 'message', { signal })) as [{ result?: unknown }]
      this.#rest(worker)
      return result
    } catch (error) {
      await this.#end(worker)
      if (signal.aborted || isOutOfMemory(error)) return undefined
      throw error
    }
  }

  #start(): Worker {
    const { script, limits } = this.#options
    const options = { execArgv: [], resourceLimits: limits }
    const worker = script.pathname.endsWith('.ts')
      ? new Worker(typeScriptLoader(script), { ...options, eval: true })
      : new Worker(script, options)
    // Whoever asks it hears of a failure, too; one while nobody does is of no account.
    worker.on('error', () => void this.#end(worker))
    return worker
  }

  #rest(worker: Worker): void {
    this.#idle = setTimeout(() => void this.#end(worker), this.#options.idleMs).unref()
    worker.unref()
  }

  async #end(worker: Worker): Promise<void> {
    if (this.#worker === worker) this.#worker = undefined
    await worker.terminate()
  }
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
}

function workerFile(): URL {
  return new URL(`text-worker/worker.${IS_SOURCE ? 'ts' : 'js'}`, CODE)
}

/** TypeScript is only there where this project is worked on; a thread has to be told how to read it. */
function typeScriptLoader(script: URL): string {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx'))
  const api = new URL('./esm/api/index.mjs', tsx).href
  return `import('${api}').then(({ register }) => (register(), import('${script.href}')))`
}

const shared = new TextWorker()

/** As `TextWorker.run`, in the one worker of this process. */
export const inWorker = shared.run.bind(shared)

/** As `TextWorker.prepare`, of that worker. */
export const prepareWorker = shared.prepare.bind(shared)

/** Where an issue is shown: what its pictures and links have for addresses. */
export interface IssuePlace extends IssueLinks {
  readonly attachmentUrl: (name: string) => string | undefined
}

/** What is rendered of an issue. */
interface RenderedText {
  readonly markdown: string
  /** Where an import found it. */
  readonly importedFrom?: string | undefined
  readonly attachments: readonly { readonly name: string }[]
}

/** HTML of an issue. Long texts are rendered by a worker; one that takes it too long is shown unformatted. */
export async function renderIssue(
  { markdown, attachments, importedFrom }: RenderedText,
  { attachmentUrl, ...place }: IssuePlace,
  run = inWorker,
): Promise<string> {
  const addresses = new Map<string, string>()
  for (const { name } of attachments) {
    const address = attachmentUrl(name)
    if (address !== undefined) addresses.set(name, address)
  }
  const input = { text: markdown, addresses, importedFrom, ...place }
  if (markdown.length <= INLINE_LENGTH) return renderHtml(markdown, optionsOf(input))
  return (await run('html', input)) ?? renderUnformatted(markdown)
}
