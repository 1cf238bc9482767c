import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { connect } from '../../src/connect.ts'
import { saveState } from '../../src/web/state.ts'
import { startDaemonHere } from '../helpers/daemons.ts'
import { configOf } from '../helpers/engines.ts'
import { expectFailure } from '../helpers/operations.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

async function someConfig(): Promise<Config> {
  return configOf(await temporaryDirectory(), await privateNetwork())
}

async function open(config: Config) {
  const connection = await connect(config)
  onTestFinished(() => connection.close())
  return connection
}

/** Goes where a printed address leads, as a browser does. */
async function follow(url: string): Promise<{ readonly path: string; readonly text: string }> {
  const entered = await fetch(url, { redirect: 'manual' })
  const cookie = String(entered.headers.get('set-cookie')).split(';', 1)[0] ?? ''
  const path = entered.headers.get('location') ?? ''
  const page = await fetch(new URL(path, url), { headers: { cookie } })
  return { path, text: await page.text() }
}

const isUp = (url: string) =>
  fetch(new URL('/', url)).then(
    () => true,
    () => false,
  )

describe('the web reader', () => {
  it('is served by this process without a daemon, until the connection closes', async () => {
    const connection = await open(await someConfig())
    await connection.operations.createNewsletter({ title: 'Tide tables' })
    const url = await connection.openReader({ path: '/newsletters' })
    const { path, text } = await follow(url)
    expect(path).toBe('/newsletters')
    expect(text).toContain('Tide tables')
    await connection.close()
    expect(await isUp(url)).toBe(false)
  })

  it('is served on both loopback addresses', async ({ skip }) => {
    const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
      all?.some(({ address }) => address === '::1'),
    )
    skip(!hasIpv6, 'This machine has no ::1.')
    const connection = await open(await someConfig())
    const url = await connection.openReader({})
    const other = url.replace('127.0.0.1', '[::1]')
    expect((await follow(other)).text).toContain('Inbox')
    await connection.close()
    expect(await isUp(other)).toBe(false)
  })

  it('is served by the daemon, and stays when the command has ended', async () => {
    const config = await someConfig()
    const daemon = await startDaemonHere(config)
    const { operations, openReader, close, via } = await open(config)
    expect(via).toBe('daemon')
    await operations.createNewsletter({ title: 'Tide tables' })
    const url = await openReader({})
    await close()
    const { path, text } = await follow(url)
    expect(path).toBe('/')
    expect(text).toContain('Inbox')
    daemon.abort()
    await daemon.ended
    expect(await isUp(url)).toBe(false)
  })

  it('comes back with the daemon at the same address, once it was opened', async () => {
    const config = await someConfig()
    const first = await startDaemonHere(config)
    const url = await (await open(config)).openReader({})
    first.abort()
    await first.ended
    await startDaemonHere(config)
    await expect.poll(() => isUp(url), { timeout: 10_000 }).toBe(true)
  })

  it('goes elsewhere while something else has its port, and comes back', async () => {
    const config = await someConfig()
    const other = createServer()
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    await saveState(config.dataDir, { port, secret: 'a'.repeat(64) })
    const portNow = async () => {
      const connection = await open(config)
      const url = new URL(await connection.openReader({}))
      await connection.close()
      return Number(url.port)
    }
    const away = await portNow()
    expect(away).not.toBe(port)
    // Stable also as long as that lasts.
    expect(await portNow()).toBe(away)
    other.close()
    await once(other, 'close')
    expect(await portNow()).toBe(port)
  })

  it('moves to another port when asked, and remembers it', async () => {
    const connection = await open(await someConfig())
    const first = new URL(await connection.openReader({}))
    // A port that was free a moment ago.
    const other = new URL(await (await open(await someConfig())).openReader({}))
    const taken = { port: Number(other.port) }
    await expectFailure('INVALID_INPUT', connection.openReader(taken))
    const again = new URL(await connection.openReader({}))
    expect(again.hostname).toBe(first.hostname)
  })

  it('refuses what is not a page', async () => {
    const config = await someConfig()
    await startDaemonHere(config)
    const { openReader } = await open(config)
    await expectFailure('INVALID_INPUT', openReader({ port: 0 }))
    const outside = await openReader({ path: '//evil.example' })
    expect((await follow(outside)).path).toBe('/')
  })
})
