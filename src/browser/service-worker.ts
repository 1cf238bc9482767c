/*
 * Keeps the page of a gateway, so that it is there when its server is not: what was installed answers, and a newer page is
 * taken as a whole. It never keeps a log, which is in IndexedDB. It is no protection: who serves the page serves this too.
 */

/** Of what is built beside it. */
declare const VERSION: string
declare const FILES: readonly string[]

// What is used of a worker: its types and those of a page exclude each other.
interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void
}
interface FetchEvent extends ExtendableEvent {
  readonly request: Request
  respondWith(response: Promise<Response>): void
}
interface Worker {
  readonly registration: { readonly scope: string }
  readonly clients: { claim(): Promise<void> }
  skipWaiting(): Promise<void>
  addEventListener(type: 'install' | 'activate', listener: (event: ExtendableEvent) => void): void
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void
}

const worker = globalThis as unknown as Worker
const PREFIX = 'hyperletter-page-'
const NAME = PREFIX + VERSION

worker.addEventListener('install', (event) => {
  const install = async () => {
    const cache = await caches.open(NAME)
    await cache.addAll(FILES.map((it) => new Request(it, { cache: 'no-cache' })))
    await worker.skipWaiting()
  }
  event.waitUntil(install())
})

worker.addEventListener('activate', (event) => {
  const activate = async () => {
    const old = (await caches.keys()).filter((it) => it.startsWith(PREFIX) && it !== NAME)
    await Promise.all(old.map((it) => caches.delete(it)))
    await worker.clients.claim()
  }
  event.waitUntil(activate())
})

worker.addEventListener('fetch', (event) => {
  const { request } = event
  const { origin, pathname, href } = new URL(request.url)
  const name = href.slice(worker.registration.scope.length).replace(/[?#].*$/, '')
  const isOurs = href.startsWith(worker.registration.scope) && FILES.includes(name || './')
  if (request.method !== 'GET' || !isOurs) return
  const answer = async () => {
    const cache = await caches.open(NAME)
    return (await cache.match(new URL(pathname, origin).href)) ?? fetch(request)
  }
  event.respondWith(answer())
})
