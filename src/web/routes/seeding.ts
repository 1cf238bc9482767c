import { Hono } from 'hono'
import type { Input, Output } from '../../api/contract/contract.ts'
import { HyperletterError } from '../../errors.ts'
import { seedingPage, type TrafficSample } from '../../site/pages/seeding.ts'
import { show, viewOf, type Env, type Reader } from '../context.ts'
import { readForm, type Fields } from '../forms.ts'

/** What this machine shares, and within which limits, which only the machine itself may change. */
export function seedingRoutes(reader: Reader): Hono<Env> {
  const app = new Hono<Env>()
  const { operations } = reader
  const traffic = new Traffic()
  const page = { title: 'Seeding', place: 'seeding', kind: 'live', wide: true } as const

  app.get('/seeding', async (c) => {
    const view = viewOf(reader, c)
    const status = await operations.status({})
    return show(c, view, { ...page, body: seedingPage(view, status, traffic.add(status)) })
  })

  app.post('/seeding', async (c) => {
    const fields = await readForm(reader, c)
    try {
      await operations.changeSettings({ settings: limitsIn(fields) })
      return c.redirect('/seeding?done=limits', 303)
    } catch (cause) {
      const view = { ...viewOf(reader, c), path: '/seeding' }
      const status = await operations.status({})
      const refused = { typed: fields, error: HyperletterError.from(cause) }
      const body = seedingPage(view, status, traffic.add(status), refused)
      return show(c, view, { ...page, body }, 422)
    }
  })

  return app
}

/** The limits of which a form says something; what is empty is set no more. */
export function limitsIn(fields: Fields): Input<'changeSettings'>['settings'] {
  const names = ['diskCap', 'uploadLimit', 'downloadLimit', 'maxConnections', 'pause'] as const
  const said = names.filter((it) => fields[it] !== undefined)
  return Object.fromEntries(said.map((it) => [it, fields[it]?.trim() || null]))
}

const MAX_SAMPLES = 121
const MIN_PAUSE_MS = 900

/** Bytes sent and received, sampled at each request for the page. */
class Traffic {
  readonly #samples: TrafficSample[] = []

  /** Adds what `status` says and gives all that is remembered, oldest first. */
  add(status: Output<'status'>): readonly TrafficSample[] {
    const at = Date.now()
    const last = this.#samples.at(-1)
    if (last === undefined || at - last.at >= MIN_PAUSE_MS) {
      const sum = (pick: (it: Output<'status'>['newsletters'][number]) => number) =>
        status.newsletters.reduce((total, it) => total + pick(it), 0)
      this.#samples.push({
        at,
        uploadedBytes: sum((it) => it.uploadedBytes),
        downloadedBytes: sum((it) => it.downloadedBytes),
      })
      if (this.#samples.length > MAX_SAMPLES) this.#samples.shift()
    }
    return this.#samples
  }
}
