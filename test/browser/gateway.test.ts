import { createHash, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Engine } from '../../src/engine/engine.ts'
import { launchBrowser } from '../helpers/browser.ts'
import { fetchAll, openGateway, openTab } from '../helpers/gateways.ts'
import { openAuthor } from '../helpers/peers.ts'
import {
  CADDY,
  certificateFor,
  NGINX,
  runCaddy,
  runNginx,
  type TestCertificate,
} from '../helpers/web-servers.ts'

/** Of the examples. */
const UPSTREAM = '127.0.0.1:8765'

/** Runs a server with TLS before a gateway; gives its port. */
type RunServer = (host: string, gateway: string, files: TestCertificate) => Promise<number>

const SERVERS: Readonly<Record<string, RunServer>> = {
  'news.example': (_, gateway, { certificate, key }) =>
    runNginx(1, (server, port) =>
      server
        .replace('listen 443 ssl;', `listen 127.0.0.1:${port} ssl;`)
        .replaceAll(UPSTREAM, gateway)
        .replace('/etc/ssl/news.example.pem', certificate)
        .replace('/etc/ssl/news.example.key', key),
    ),
  'tides.example': (host, gateway, { certificate, key }) =>
    runCaddy((site, port) =>
      site
        .replace('news.example {', `https://${host}:${port} {\n  tls ${certificate} ${key}`)
        .replace(UPSTREAM, gateway),
    ),
}

/** A gateway behind a server, with a certificate that the browser trusts, and no other that it does not know. */
async function serve(engine: Engine, host: string, run: RunServer) {
  const { origin, gateway } = await openGateway(engine, {
    gatewayAddress: `https://${host}/`,
    gatewayProxies: ['127.0.0.1'],
  })
  const files = await certificateFor(host)
  const port = await run(host, new URL(origin).host, files)
  const { publicKey } = new X509Certificate(await readFile(files.certificate))
  const key = publicKey.export({ type: 'spki', format: 'der' })
  const pin = createHash('sha256').update(key).digest('base64')
  return { host, gateway, port, pin, ca: await readFile(files.authority) }
}

describe('a gateway behind nginx and behind Caddy, with TLS of a test authority', () => {
  it('shows verified issues in Chromium, and lets a Hypercore replicate', async ({ skip }) => {
    skip(!existsSync(NGINX), 'nginx is not installed.')
    skip(!existsSync(CADDY), 'Caddy is not installed.')
    const { engine, feedKey } = await openAuthor([], { issues: 3, isOnline: false })
    const served = await Promise.all(
      Object.entries(SERVERS).map(([host, run]) => serve(engine, host, run)),
    )
    const rules = served.map(({ host, port }) => `MAP ${host}:443 127.0.0.1:${port}`)
    const browser = await launchBrowser(undefined, [
      `--host-resolver-rules=${rules.join(', ')}`,
      `--ignore-certificate-errors-spki-list=${served.map(({ pin }) => pin).join(',')}`,
    ])
    onTestFinished(() => browser.close())

    for (const { host, gateway, port, ca } of served) {
      const tab = await openTab(`https://127.0.0.1:${port}`, {
        ca,
        servername: host,
        headers: { host, origin: 'https://elsewhere.example' },
      })
      expect(await fetchAll(await tab.open(feedKey))).toHaveLength(7)
      expect(gateway.facts()).toMatchObject({ address: `https://${host}/`, tabs: 1 })
      expect(gateway.facts()?.problem).toBeUndefined()

      const page = await browser.newPage()
      const complaints: string[] = []
      page.on('console', (it) => {
        if (it.type() === 'error') complaints.push(it.text())
      })
      page.on('pageerror', (it) => complaints.push(it.message))
      for (const path of [`#${feedKey}`, `#${feedKey}/2`, `${feedKey}/issues/1/`]) {
        await page.goto('about:blank')
        await page.goto(`https://${host}/${path}`)
        await page.locator('html[data-verified=yes]').waitFor({ timeout: 20_000 })
        const number = path.endsWith('2') ? 2 : path.endsWith('1/') ? 1 : 3
        expect(await page.locator('main').innerText()).toContain(`High water at ${number}`)
      }
      // The tab replicates, too.
      await page.goto(`https://${host}/#${feedKey}`)
      await page.locator('html[data-kept="7/7"]').waitFor({ timeout: 20_000, state: 'attached' })
      expect(gateway.facts()?.tabs).toBe(2)
      expect(complaints).toEqual([])
    }
  }, 120_000)
})
