import type { MiddlewareHandler } from 'hono'
import { getCookie } from 'hono/cookie'
import { API_PATH, isForDevices, type Device } from './admission.ts'
import { remoteAddress, type Env, type Reader, type ReaderContext } from './context.ts'
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

interface Refusal {
  readonly status: number
  readonly words: string
}

/**
 * First in line for every request: only this machine's own names in `Host`, so that a name somebody
 * else points at it reaches nothing; no request on behalf of another site; only known methods; from the network
 * only devices that were added, and only what is for them.
 */
export function guard(reader: Reader): MiddlewareHandler<Env> {
  return async (c, next) => {
    c.set('session', false)
    const refused = refusal(reader, c) ?? (await identify(reader, c))
    if (refused === undefined) await next()
    else {
      c.res = new Response(`${refused.words}\n`, {
        status: refused.status,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
      })
    }
    protect(c.res.headers)
  }
}

/** Finds out who asks. What needs a session refuses those who have none itself. */
async function identify(reader: Reader, c: ReaderContext): Promise<Refusal | undefined> {
  // With a token of its own in a header, whatever cookies come along.
  if (API_PATH.test(c.req.path)) return undefined
  if (c.env?.isRemote === true) return identifyDevice(reader, c)
  const session = reader.secrets.check(getCookie(c, cookieName(reader)))
  c.set('session', session !== 'none')
  // An app on this machine may have the addresses of a device.
  if (c.req.path.startsWith('/feeds/')) c.set('device', await ofAddress(reader, c))
  if (session === 'old') c.header('set-cookie', sessionCookie(reader))
  return undefined
}

async function identifyDevice(reader: Reader, c: ReaderContext): Promise<Refusal | undefined> {
  if (!isForDevices(c.req.method, c.req.path))
    return { status: 403, words: 'Only on the machine that Hyperletter runs on.' }
  const isEntering = c.req.path === '/enter'
  const token = isEntering ? c.req.query('device') : getCookie(c, deviceCookieName(c))
  const found =
    token === undefined ? undefined : await reader.admission.admit(token, remoteAddress(c))
  if (found === 'too many') return { status: 429, words: 'Too many wrong tokens.' }
  c.set('session', found !== undefined)
  const isFeed = c.req.path.startsWith('/feeds/')
  c.set('device', found ?? (isFeed ? await ofAddress(reader, c) : undefined))
  if (isFeed && c.get('device') === undefined) {
    return { status: 401, words: 'This address has no secret of a device.' }
  }
  // Each page that is opened makes it last longer.
  if (found !== undefined && token !== undefined && (isEntering || isNavigation(c))) {
    const age = `Max-Age=${DEVICE_COOKIE_SECONDS}`
    const cookie = `${deviceCookieName(c)}=${token}; Path=/; HttpOnly; SameSite=Strict; ${age}`
    c.header('set-cookie', cookie)
  }
  return undefined
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

function refusal(reader: Reader, c: ReaderContext): Refusal | undefined {
  const origins = originsFor(reader, c)
  const [own] = origins
  if (own === undefined) {
    const address =
      c.env?.isRemote === true ? 'an address that `hyperletter devices` shows' : reader.origin()
    const words = `This name is not the reader’s: use ${address}, or allow the name with the setting readerHosts.`
    return { status: 421, words }
  }
  c.set('origin', own)
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
  const isUnknown = origin === undefined && site === undefined
  // Browsers say where a form comes from; other programs do not, and are known by a token.
  if (c.req.method === 'POST' && (isForeign || (isUnknown && !API_PATH.test(c.req.path)))) {
    return { status: 403, words: 'Not from another site.' }
  }
  return undefined
}

function isNavigation(c: ReaderContext): boolean {
  return c.req.method === 'GET' && c.req.header('sec-fetch-mode') === 'navigate'
}

/**
 * The origins of pages under a name that a browser may use, first the one that it is asked by. None for every other
 * name. With any port: `ssh -L` and containers have others, and no page can say another one in `Host` than its own.
 */
function originsFor({ hosts = [] }: Reader, c: ReaderContext): string[] {
  const host = c.req.header('host') ?? ''
  if (!/^[^/?#@\s]{1,300}$/.test(host) || !URL.canParse(`http://${host}`)) return []
  const asked = new URL(`http://${host}`)
  const reached = c.env?.incoming?.socket?.localAddress?.replace(/^::ffff:/, '')
  const own =
    c.env?.isRemote === true
      ? asked.hostname === reached
      : ['127.0.0.1', '[::1]', 'localhost'].includes(asked.hostname)
  if (own) return [asked.origin]
  if (!hosts.includes(asked.hostname)) return []
  const both = [asked.origin, new URL(`https://${host}`).origin]
  return c.req.header('x-forwarded-proto') === 'https' ? both.toReversed() : both
}

/** Cookies are shared among ports, so the name tells readers of two data directories apart. */
function cookieName(reader: Reader): string {
  return `hyperletter-${portOf(reader.origin())}`
}

/** Header that opens a session in the browser it is sent to. */
export function sessionCookie(reader: Reader): string {
  const value = `${cookieName(reader)}=${reader.secrets.session()}`
  return `${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_MS / 1_000}`
}

function ofAddress({ admission }: Reader, c: ReaderContext): Promise<Device | undefined> {
  return admission.ofAddress(c.req.path, c.req.query('key'))
}

/** Browsers keep none longer. */
const DEVICE_COOKIE_SECONDS = 400 * 24 * 60 * 60

function deviceCookieName(c: ReaderContext): string {
  return `hyperletter-device-${c.env?.incoming?.socket?.localPort ?? 0}`
}
