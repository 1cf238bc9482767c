import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { singleLine } from '../../render/plain.ts'
import { Arrivals } from '../arrivals.ts'
import type { Env, Reader } from '../context.ts'

/** Pages that may listen at the same moment; a browser has few connections anyway. */
const MAX_LISTENERS = 32

/** A comment now and then tells both ends that the other is still there. */
const BEAT_MS = 15_000

/** Arrivals as server-sent events. */
export function eventRoutes(reader: Reader): Hono<Env> {
  const app = new Hono<Env>()
  const arrivals = new Arrivals(reader.operations, reader.signal)
  app.get('/events', (c) => {
    if (arrivals.listeners >= MAX_LISTENERS) return c.text('Too many pages.\n', 503)
    return streamSSE(c, async (out) => {
      const end = new AbortController()
      out.onAbort(() => end.abort())
      const stop = AbortSignal.any([end.signal, reader.signal])
      const beat = setInterval(() => void out.write(': \n\n'), BEAT_MS)
      try {
        await out.write(': \n\n')
        for await (const { feedKey, number, title, newsletter } of arrivals.follow(stop)) {
          const data = JSON.stringify({
            feedKey,
            number,
            title: singleLine(title),
            newsletter: singleLine(newsletter),
          })
          await out.writeSSE({ event: 'issue', data })
        }
      } finally {
        clearInterval(beat)
      }
    })
  })
  return app
}
