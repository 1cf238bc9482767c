import type { MiddlewareHandler } from 'hono'
import { getCookie } from 'hono/cookie'
import type { Env, Reader, ReaderContext } from './context.ts'
import { portOf, SESSION_MS } from './state.ts'

const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const METHODS = new Set(['GET', 'HEAD', 'POST'])

/**
 * First in line for every request: only this machine's own names in `Host`, so that a name somebody
 * else points at 127.0.0.1 reaches nothing; no request on behalf of another site; only known methods.
 */
export function guard(reader: Reader): MiddlewareHandler<Env> {
  return async (c, next) => {
    const refused = refusal(reader, c)
    if (refused !== undefined) {
      c.res = new Response(`${refused.words}\n`, {
        status: refused.status,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
      })
    } else {
      const session = reader.secrets.check(getCookie(c, cookieName(reader)))
      c.set('session', session !== 'none')
      await next()
      if (session === 'old' && !c.res.headers.has('set-cookie')) {
        c.res.headers.set('set-cookie', sessionCookie(reader))
      }
    }
    protect(c.res.headers)
  }
}

function protect(headers: Headers): void {
  const defaults: Readonly<Record<string, string>> = {
    'content-security-policy': POLICY,
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  }
  for (const [name, value] of Object.entries(defaults)) {
    if (!headers.has(name)) headers.set(name, value)
  }
  headers.set('x-content-type-options', 'nosniff')
  // Not `no-referrer`: with that a browser hides from us that its own form comes from this origin.
  headers.set('referrer-policy', 'same-origin')
  headers.set('cross-origin-opener-policy', 'same-origin')
  headers.set('x-frame-options', 'DENY')
  headers.set('permissions-policy', 'camera=(), geolocation=(), microphone=()')
}

function refusal(
  reader: Reader,
  c: ReaderContext,
): { readonly status: number; readonly words: string } | undefined {
  const origins = originsFor(reader, c.req.header('host') ?? '')
  if (origins.length === 0) {
    const words = `This name is not the reader’s: use ${reader.origin()}, or allow the name with the setting readerHosts.`
    return { status: 421, words }
  }
  if (!METHODS.has(c.req.method)) return { status: 405, words: 'Not allowed.' }
  const origin = c.req.header('origin')
  if (origin !== undefined && !origins.includes(origin)) {
    return { status: 403, words: 'Not from another site.' }
  }
  const site = c.req.header('sec-fetch-site')
  const isForeign = site === 'cross-site' || site === 'same-site'
  if (isForeign && !isNavigation(c) && !c.req.path.startsWith('/feeds/')) {
    return { status: 403, words: 'Not from another site.' }
  }
  if (c.req.method === 'POST' && (isForeign || (origin === undefined && site === undefined))) {
    return { status: 403, words: 'Not from another site.' }
  }
  return undefined
}

function isNavigation(c: ReaderContext): boolean {
  return c.req.method === 'GET' && c.req.header('sec-fetch-mode') === 'navigate'
}

/**
 * The origins of pages under a name that a browser may use: this machine's own, and with any port and
 * over TLS those that the user has allowed. None for every other name.
 */
function originsFor({ origin, hosts = [] }: Reader, host: string): string[] {
  if (!/^[^/?#@\s]{1,300}$/.test(host) || !URL.canParse(`http://${host}`)) return []
  const asked = new URL(`http://${host}`)
  const own = ['127.0.0.1', '[::1]', 'localhost'].includes(asked.hostname)
  if (own && portOf(asked.origin) === portOf(origin())) return [asked.origin]
  if (!hosts.includes(asked.hostname)) return []
  return [asked.origin, new URL(`https://${host}`).origin]
}

/** Cookies are shared among ports, so the name tells readers of two data directories apart. */
export function cookieName(reader: Reader): string {
  return `hyperletter-${portOf(reader.origin())}`
}

/** Header that opens a session in the browser it is sent to. */
export function sessionCookie(reader: Reader): string {
  const value = `${cookieName(reader)}=${reader.secrets.session()}`
  return `${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_MS / 1_000}`
}
