import { setTimeout as wait } from 'node:timers/promises'
import { Hono } from 'hono'
import { streamSSE, type SSEStreamingApi } from 'hono/streaming'
import { singleLine } from '../../render/plain.ts'
import type { Operations } from '../../api/contract/contract.ts'
import type { IssueSummary } from '../../site/pages/parts.ts'
import type { Env, Reader, ReaderContext } from '../context.ts'
import { Bell } from '../../async.ts'

/** Pages that may listen at the same moment; a browser has few connections anyway. */
const MAX_LISTENERS = 32

/** A comment now and then tells both ends that the other is still there. */
const BEAT_MS = 15_000

/** Arrivals as server-sent events. */
export function eventRoutes(reader: Reader): Hono<Env> {
  const app = new Hono<Env>()
  const arrivals = new Arrivals(reader.operations, reader.signal)
  const events = eventsFor(reader, MAX_LISTENERS)
  app.get('/events', (c) =>
    events(c, async (out, signal) => {
      await out.write(': \n\n')
      for await (const { feedKey, number, title, newsletter } of arrivals.follow(signal)) {
        const shown = { title: singleLine(title), newsletter: singleLine(newsletter) }
        await out.writeSSE({ event: 'issue', data: JSON.stringify({ feedKey, number, ...shown }) })
      }
    }),
  )
  return app
}

type Send = (out: SSEStreamingApi, signal: AbortSignal) => Promise<void>

/** Answers with events, as `sendEvents` does, for at most some pages at the same moment. */
export function eventsFor(reader: Reader, mostPages: number) {
  let pages = 0
  return (c: ReaderContext, send: Send): Response => {
    if (pages >= mostPages) return c.text('Too many pages.\n', 503)
    return sendEvents(reader, c, async (out, signal) => {
      pages++
      try {
        await send(out, signal)
      } finally {
        pages--
      }
    })
  }
}

/** Answers with events, until the page, its session or the reader ends, or its device is removed. */
function sendEvents(reader: Reader, c: ReaderContext, send: Send): Response {
  return streamSSE(c, async (out) => {
    const end = new AbortController()
    out.onAbort(() => end.abort())
    const device = c.get('device')
    const beat = setInterval(() => {
      void out.write(': \n\n')
      if (device === undefined) return
      void reader.admission.isStillIn(device).then(
        (isIn) => isIn || end.abort(),
        () => end.abort(),
      )
    }, BEAT_MS)
    try {
      await send(out, AbortSignal.any([end.signal, reader.signal, reader.secrets.signedOut]))
    } finally {
      clearInterval(beat)
    }
  })
}

/** How long the next attempt waits after a watch that failed. */
const RETRY_MS = 5_000

type Listener = (issue: IssueSummary) => void

/** One watch for all pages that listen; it begins with the first of them. */
class Arrivals {
  readonly #operations: Operations
  readonly #signal: AbortSignal
  readonly #listeners = new Set<Listener>()
  #isWatching = false

  constructor(operations: Operations, signal: AbortSignal) {
    this.#operations = operations
    this.#signal = signal
  }

  /** Issues as they arrive, until `signal` aborts. */
  async *follow(signal: AbortSignal): AsyncGenerator<IssueSummary> {
    const waiting: IssueSummary[] = []
    const bell = new Bell()
    const listener: Listener = (issue) => {
      waiting.push(issue)
      bell.ring()
    }
    this.#listeners.add(listener)
    if (!this.#isWatching) void this.#watch()
    try {
      while (!signal.aborted) {
        yield* waiting.splice(0)
        await bell.wait(signal)
      }
    } finally {
      this.#listeners.delete(listener)
    }
  }

  async #watch(): Promise<void> {
    this.#isWatching = true
    const signal = this.#signal
    while (!signal.aborted) {
      try {
        for await (const issue of this.#operations.watchIssues({}, { signal })) {
          // Where a newsletter continues stands on its page.
          if ('event' in issue) continue
          for (const listener of this.#listeners) listener(issue)
        }
      } catch {
        // The daemon may come back; until then pages show what is held.
      }
      await wait(RETRY_MS, undefined, { signal }).catch(() => undefined)
    }
  }
}
