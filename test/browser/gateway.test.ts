import { createHash, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { launchBrowser } from '../helpers/browser.ts'
import { fetchAll, openGateway, openTab } from '../helpers/gateways.ts'
import { certificateFor, NGINX, runNginx } from '../helpers/nginx.ts'
import { openAuthor } from '../helpers/peers.ts'

const HOST = 'news.example'

describe('a gateway behind nginx, with TLS of a test authority', () => {
  it('shows verified issues in Chromium, and lets a Hypercore replicate', async ({ skip }) => {
    skip(!existsSync(NGINX), 'nginx is not installed.')
    const { engine, feedKey } = await openAuthor([], { issues: 3, isOnline: false })
    const { origin, gateway } = await openGateway(engine, {
      gatewayAddress: `https://${HOST}/`,
      gatewayProxies: ['127.0.0.1'],
    })
    const { authority, certificate, key } = await certificateFor(HOST)
    const port = await runNginx(1, (server, at) =>
      server
        .replace('listen 443 ssl;', `listen 127.0.0.1:${at} ssl;`)
        .replaceAll('http://127.0.0.1:8765', origin)
        .replace('/etc/ssl/news.example.pem', certificate)
        .replace('/etc/ssl/news.example.key', key),
    )

    const ca = await readFile(authority)
    const tab = await openTab(`https://127.0.0.1:${port}`, {
      ca,
      servername: HOST,
      headers: { host: HOST, origin: 'https://elsewhere.example' },
    })
    expect(await fetchAll(await tab.open(feedKey))).toHaveLength(7)
    expect(gateway.facts()).toMatchObject({ address: `https://${HOST}/`, tabs: 1 })
    expect(gateway.facts()?.problem).toBeUndefined()

    // The browser trusts this certificate, and no other that it does not know.
    const publicKey = new X509Certificate(await readFile(certificate)).publicKey
    const pin = createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' }))
    const browser = await launchBrowser(undefined, [
      `--host-resolver-rules=MAP ${HOST}:443 127.0.0.1:${port}`,
      `--ignore-certificate-errors-spki-list=${pin.digest('base64')}`,
    ])
    onTestFinished(() => browser.close())
    const page = await browser.newPage()
    const complaints: string[] = []
    page.on('console', (it) => {
      if (it.type() === 'error') complaints.push(it.text())
    })
    page.on('pageerror', (it) => complaints.push(it.message))
    for (const path of [`#${feedKey}`, `#${feedKey}/2`, `${feedKey}/issues/1/`]) {
      await page.goto('about:blank')
      await page.goto(`https://${HOST}/${path}`)
      await page.locator('html[data-verified=yes]').waitFor({ timeout: 20_000 })
      const number = path.endsWith('2') ? 2 : path.endsWith('1/') ? 1 : 3
      expect(await page.locator('main').innerText()).toContain(`High water at ${number}`)
    }
    expect(complaints).toEqual([])
  }, 120_000)
})
