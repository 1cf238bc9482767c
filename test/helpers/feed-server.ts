import { createServer, type IncomingHttpHeaders } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** The first bytes of any PNG. */
const PNG = Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1')

export interface FeedPost {
  readonly id: string
  readonly title: string
  readonly text: string
  readonly date?: string
}

/** The feed of somebody's site on this machine, with a picture wherever a path ends with .png, until the running test ends. */
export interface FeedServer {
  readonly address: string
  readonly posts: FeedPost[]
  /** What it answers instead of the feed. */
  failure: number | undefined
  /** Headers of each request, and the status of its answer. */
  readonly seen: { headers: IncomingHttpHeaders; status: number }[]
}

export async function startFeedServer(...posts: readonly FeedPost[]): Promise<FeedServer> {
  const server = createServer((request, response) => {
    if (request.url?.endsWith('.png') === true) return response.end(PNG)
    const body = atom(feed.posts)
    const etag = `"${Buffer.from(body).toString('base64').slice(-64)}${body.length}"`
    const isSame = request.headers['if-none-match'] === etag
    const status = feed.failure ?? (isSame ? 304 : 200)
    feed.seen.push({ headers: request.headers, status })
    response.writeHead(status, { etag, 'content-type': 'application/atom+xml' })
    return response.end(status === 200 ? body : undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const address = `http://127.0.0.1:${port}/feed.xml`
  const feed: FeedServer = { address, posts: [...posts], failure: undefined, seen: [] }
  return feed
}

function atom(posts: readonly FeedPost[]): string {
  const entries = posts.map(
    ({ id, title, text, date = '2026-01-02T03:04:05Z' }) => `<entry>
  <id>urn:post:${id}</id>
  <title>${title}</title>
  <link href="/posts/${id}"/>
  <published>${date}</published>
  <content type="html">&lt;p&gt;${text}&lt;/p&gt;</content>
</entry>`,
  )
  return `<feed xmlns="http://www.w3.org/2005/Atom"><title>Site</title>${entries.join('\n')}</feed>`
}
