import { HyperletterError } from '../../errors.ts'
import type { Operations, Output } from '../../api/contract/contract.ts'
import { EXPOSITION_TYPE, formatMetrics } from './exposition.ts'
import { engineMetrics, processMetrics } from './metrics.ts'

type Measures = Output<'measure'>

export interface Page {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** Who asks more often than that gets the same numbers. */
const FRESH_MS = 1_000

/** Whoever monitors gives up after ten seconds; an answer that says why must come before. */
const MEASURE_TIMEOUT_MS = 5_000

/** What is served to monitoring: `/metrics` and `/healthz`. */
export class Pages {
  readonly #operations: Pick<Operations, 'measure'>
  readonly #timeoutMs: number
  #last: Promise<Measures> | undefined
  #lastAt = -Infinity

  constructor(operations: Pick<Operations, 'measure'>, timeoutMs = MEASURE_TIMEOUT_MS) {
    this.#operations = operations
    this.#timeoutMs = timeoutMs
  }

  /** Undefined for a path where nothing is. */
  async get(path: string): Promise<Page | undefined> {
    if (path === '/metrics') return this.#metrics()
    if (path === '/healthz') return this.#health()
    return undefined
  }

  // The process can be looked at even where its engine does not answer.
  async #metrics(): Promise<Page> {
    const measures = await this.#measure().catch(() => undefined)
    const up = {
      name: 'hyperletter_up',
      help: 'Whether the engine answers.',
      type: 'gauge',
      samples: [{ value: measures === undefined ? 0 : 1 }],
    } as const
    const engine = measures === undefined ? [] : engineMetrics(measures)
    const body = formatMetrics([up, ...(await processMetrics()), ...engine])
    return { status: 200, contentType: EXPOSITION_TYPE, body }
  }

  async #health(): Promise<Page> {
    const reasons = await this.#measure().then(reasonsIn, (error: unknown) => [
      { code: HyperletterError.from(error).code, message: 'The engine does not answer.' },
    ])
    const isWell = reasons.length === 0
    const json = isWell ? { status: 'ok' } : { status: 'failing', reasons }
    const body = `${JSON.stringify(json)}\n`
    return { status: isWell ? 200 : 503, contentType: 'application/json', body }
  }

  #measure(): Promise<Measures> {
    const now = performance.now()
    if (this.#last === undefined || now - this.#lastAt > FRESH_MS) {
      const signal = AbortSignal.timeout(this.#timeoutMs)
      this.#last = orLate(this.#operations.measure({}, { signal }), signal)
      this.#lastAt = now
    }
    return this.#last
  }
}

function reasonsIn({ online, problem }: Measures) {
  const offline = { code: 'NOT_AVAILABLE', message: 'The network was not joined.' }
  return [...(problem === undefined ? [] : [problem]), ...(online ? [] : [offline])]
}

// What hangs may not even notice that it is to end.
async function orLate<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => undefined)
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener(
      'abort',
      () => reject(new HyperletterError('TIMEOUT', 'No answer in time.')),
      { once: true },
    )
  })
  return Promise.race([work, late])
}
