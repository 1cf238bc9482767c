import { createHmac } from 'node:crypto'
import { timeoutSignal } from '../async.ts'
import { packageVersion } from '../version.ts'
import { deliveryId, eventOf, isOutcome, type Outlet } from './outlet.ts'

export interface WebhookOutletOptions {
  readonly address: string
  readonly secret: string | undefined
  readonly queueFile: string
  readonly timeoutMs?: number
  readonly retryPausesMs?: readonly number[]
}

const TIMEOUT_MS = 10_000

const RETRY_PAUSES_MS = [2_000, 10_000, 60_000, 300_000, 1_800_000, 3_600_000]

/** Posts each issue as JSON to an address, signed, one after the other. */
export function webhookOutlet(options: WebhookOutletOptions): Outlet {
  const { address, secret, queueFile } = options
  const { timeoutMs = TIMEOUT_MS, retryPausesMs = RETRY_PAUSES_MS } = options
  return {
    failure: 'the webhook did not take an issue',
    policy: { concurrency: 1, retryPausesMs, queueFile },
    async deliver([it], signal) {
      const body = JSON.stringify({ event: eventOf(it), [isOutcome(it) ? 'draft' : 'issue']: it })
      const response = await fetch(address, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'user-agent': `hyperletter/${packageVersion()}`,
          'hyperletter-event': eventOf(it),
          'hyperletter-delivery': deliveryId(it),
          ...(secret === undefined ? {} : { 'hyperletter-signature': signature(secret, body) }),
        },
        // Where it leads is not what the user wrote.
        redirect: 'manual',
        signal: timeoutSignal(timeoutMs, signal),
      })
      // Whatever it says is not of interest, however long it is.
      response.body?.cancel().catch(() => undefined)
      if (!response.ok) throw new Error(`It answered with ${response.status}.`)
    },
  }
}

/**
 * `t=<seconds since 1970>,sha256=<hex>`: the HMAC-SHA-256 of the seconds, a full stop and the body, under
 * the secret. The time is signed too, so that nobody can post an old one again.
 */
export function signature(secret: string, body: string, now = Date.now()): string {
  const seconds = Math.floor(now / 1_000)
  const hmac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')
  return `t=${seconds},sha256=${hmac}`
}
