import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { isPrivate, getFromWeb } from '../../src/sources/web.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const own = { maxBytes: 10_000, allowPrivateAddresses: true }

describe('getFromWeb', () => {
  it('gets an answer, its headers, and where redirects led', async () => {
    const address = await serve((request, response) => {
      if (request.url === '/old') response.writeHead(301, { location: '/new' }).end()
      else response.writeHead(200, { etag: '"1"', 'content-encoding': 'gzip' }).end(gzipSync('sea'))
    })
    const answer = await getFromWeb(`${address}/old`, own)
    expect(answer).toMatchObject({ url: `${address}/new`, status: 200, headers: { etag: '"1"' } })
    expect(answer.body.toString()).toBe('sea')
  })

  it('asks no machine of a private network, however it is written, unless that is allowed', async () => {
    let asked = 0
    const address = await serve((_, response) => {
      asked++
      response.end('secret')
    })
    const { port } = new URL(address)
    for (const host of [
      '127.0.0.1',
      'localhost',
      '0x7f.1',
      '2130706433',
      '[::ffff:127.0.0.1]',
      '[::1]',
    ]) {
      await expect(getFromWeb(`http://${host}:${port}/`, { maxBytes: 10 })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      })
    }
    expect(asked).toBe(0)
  })

  it('follows a redirect to a private address only on the host that was typed', async () => {
    const asked: string[] = []
    const address = await serve((request, response) => {
      asked.push(request.headers.host ?? '')
      const location =
        request.url === '/here' ? '/there' : address.replace('127.0.0.1', 'localhost')
      response.writeHead(302, { location }).end()
    })
    const typed = { ...own, allowPrivateAddresses: 'typed' } as const
    await expect(getFromWeb(`${address}/here`, typed)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      hint: expect.stringContaining('redirects there') as string,
    })
    expect(asked).toEqual(Array(2).fill(new URL(address).host))
  })

  it('asks by https only, and follows so many redirects, where that is wanted', async () => {
    let asked = 0
    const address = await serve((_, response) => {
      asked++
      response.writeHead(302, { location: '/' }).end()
    })
    const { port } = new URL(address)
    await expect(
      getFromWeb(`http://localhost:${port}/`, { ...own, httpsOnly: true }),
    ).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(asked).toBe(0)
    await expect(getFromWeb(address, { ...own, maxRedirects: 3 })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
    expect(asked).toBe(4)
  })

  it.each(['file:///etc/passwd', 'ftp://example.org/', 'http://user:word@example.org/'])(
    'follows no redirect to %s',
    async (location) => {
      const address = await serve((_, response) => void response.writeHead(302, { location }).end())
      await expect(getFromWeb(address, own)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    },
  )

  it('ends a circle of redirects', async () => {
    const address = await serve(
      (_, response) => void response.writeHead(302, { location: '/' }).end(),
    )
    await expect(getFromWeb(address, own)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('stops at the limit of bytes, of an endless answer and of a compressed one', async () => {
    const address = await serve((request, response) => {
      if (request.url === '/bomb') {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(1e7)))
        return
      }
      const more = () => void (response.destroyed || response.write('x'.repeat(1_000), more))
      more()
    })
    for (const path of ['/bomb', '/endless']) {
      await expect(getFromWeb(address + path, own)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    }
  })

  it('gives up on an answer that does not end, and on a status that is an error', async () => {
    const address = await serve((request, response) => {
      if (request.url === '/gone') response.writeHead(410).end()
      else response.write('x')
    })
    const slow = getFromWeb(address, { ...own, timeoutMs: 50 })
    await expect(slow).rejects.toMatchObject({ code: 'NOT_AVAILABLE' })
    const gone = getFromWeb(`${address}/gone`, own)
    await expect(gone).rejects.toMatchObject({ code: 'NOT_AVAILABLE' })
  })
})

describe('isPrivate', () => {
  it.each(
    `127.0.0.1 10.1.2.3 100.64.0.1 169.254.169.254 172.31.0.1 192.168.1.1 0.0.0.0 255.255.255.255 ::1 :: fe80::1
    fe80::1%eth0 fd00::1 ::ffff:10.0.0.1 64:ff9b::a00:1 2002:a00:1::`.split(/\s+/),
  )('knows %s as private', (address) => {
    expect(isPrivate(address)).toBe(true)
  })

  it.each(['1.1.1.1', '100.128.0.1', '172.32.0.1', '2606:4700::1111', '::ffff:1.1.1.1'])(
    'knows %s as public',
    (address) => {
      expect(isPrivate(address)).toBe(false)
    },
  )
})
