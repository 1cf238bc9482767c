import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FoundDraft } from '../../../src/sources/source.ts'
import { draftOfPost } from '../../../src/sources/services/post.ts'
import { contextOf } from '../../../src/sources/services/shown-pictures.ts'

const GIF = Buffer.from('R0lGODlhAQABAAAAACH+CFNlY3JldCEhACwAAAAAAQABAAACAkQBADs=', 'base64')

let server: Server
let address: string
let asked: string[]
beforeEach(async () => {
  asked = []
  server = createServer((request, response) => {
    asked.push(request.url ?? '')
    if (request.url?.startsWith('/page') === true) response.end('<html>Log in</html>')
    else if (request.url?.startsWith('/gone') === true) response.writeHead(404).end()
    else response.end(GIF)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

function post(html: string, allowPrivateAddresses = true): Promise<FoundDraft> {
  const context = contextOf({ fetchPictures: true, allowPrivateAddresses })
  return draftOfPost({ id: 'x-1', title: 'T', date: '2026-01-01', body: { html } }, context)
}

const finish = (it: FoundDraft) => it.finish?.(it.draft, { signal: undefined })

describe('pictures on the web', () => {
  it('travel with an issue when it is published, without what else is in them', async () => {
    const found = await post(
      `<p><img src="${address}/a(1).png?x=1" alt="A"></p><img src="${address}/a(1).png?x=1">`,
    )
    expect(asked).toEqual([])
    const draft = await finish(found)
    expect(asked).toEqual(['/a(1).png?x=1'])
    const [attachment] = draft?.attachments ?? []
    expect(draft?.attachments).toHaveLength(1)
    expect(attachment).toMatchObject({ mediaType: 'image/gif' })
    expect(attachment?.name).toMatch(/^pictures\/[0-9a-f]{12}-a-1-\.gif$/)
    expect(draft?.markdown).toBe(`![A](${attachment?.name})\n\n![](${attachment?.name})\n`)
    const bytes = Buffer.from((await attachment?.open()) ?? [])
    expect(bytes.includes('Secret')).toBe(false)
    expect(bytes.length).toBeGreaterThan(20)
  })

  it('stay there when they are no pictures, or cannot be had', async () => {
    const draft = await finish(
      await post(
        `<img src="${address}/page.png"><img src="${address}/gone(2).png"><img src=${address}/b>`,
      ),
    )
    expect(draft?.attachments).toHaveLength(1)
    expect(draft?.warnings.filter((it) => it.message.startsWith('A picture stays'))).toHaveLength(2)
    expect(draft?.markdown).toContain(`![](${address}/page.png)`)
    expect(draft?.markdown).toContain(`![](${address}/gone%282%29.png)`)
  })

  it('are not fetched from a private network unless that is allowed', async () => {
    const draft = await finish(await post(`<img src="${address}/a.png">`, false))
    expect(asked).toEqual([])
    expect(draft?.attachments).toEqual([])
    expect(draft?.markdown).toBe(`![](${address}/a.png)\n`)
  })
})
