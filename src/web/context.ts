import type { Context } from 'hono'
import type { Operations } from '../api/contract/contract.ts'
import type { Assets } from '../site/assets.ts'
import type { Secrets } from './secrets.ts'

/** What every route works with. */
export interface Reader {
  readonly operations: Operations
  /** `http://127.0.0.1:<port>`: where feeds and their pictures can be found. */
  readonly origin: () => string
  readonly secrets: Secrets
  readonly assets: Assets
  /** Aborted when the reader closes. */
  readonly signal: AbortSignal
}

/** What the guard found out about a request. */
export interface Env {
  Variables: {
    /** The request comes from a browser that was let in with a one-time token. */
    session: boolean
  }
}

export type ReaderContext = Context<Env>
