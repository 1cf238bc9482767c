import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Firefox, FIREFOX } from '../helpers/firefox.ts'
import { launchWebKit, WEBKIT_PROGRAMS } from '../helpers/webkit.ts'
import { freePort, NGINX, runNginx, runServer } from '../helpers/web-servers.ts'
import { openGateway } from '../helpers/gateways.ts'
import { all } from '../helpers/operations.ts'
import { openPeer } from '../helpers/peers.ts'
import { feedOf } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const ISSUES = new URL('../../fixtures/newsletters/tide-tables', import.meta.url).pathname
const PYTHON = '/usr/bin/python3'

/** As docs/reach.md has it. */
async function nginx(root: string): Promise<string> {
  const port = await runNginx(0, (server, at) =>
    server
      .replace('listen 80;', `listen 127.0.0.1:${at};`)
      .replace('root /srv/tides;', `root ${root};`),
  )
  return `http://127.0.0.1:${port}`
}

/** Knows no ranges. */
async function python(root: string): Promise<string> {
  const port = await freePort()
  const args = ['-m', 'http.server', String(port), '--bind', '127.0.0.1', '--directory', root]
  await runServer(PYTHON, args, port)
  return `http://127.0.0.1:${port}`
}

const VERDICT = `document.documentElement.dataset.verified ?? 'busy'`
const TEXT = `document.querySelector('main').innerText`

const launchFirefox = async () => {
  const firefox = await Firefox.launch()
  onTestFinished(() => firefox.close())
  return firefox
}

describe.each([
  { name: 'Firefox', programs: [FIREFOX], launch: launchFirefox },
  { name: 'WebKit', programs: WEBKIT_PROGRAMS, launch: launchWebKit },
])('a stock $name', ({ programs, launch }) => {
  it('verifies a website from nginx and from Python, finds what was altered, and is a peer of a gateway', async ({
    skip,
  }) => {
    for (const it of [...programs, NGINX, PYTHON]) skip(!existsSync(it), `${it} is not installed.`)
    const { operations, engine } = await openPeer([], { isOnline: false })
    const { feedKey } = await operations.createNewsletter({ title: 'Tide Tables' })
    await all(operations.importFolder({ newsletter: feedKey, folder: ISSUES }))
    const folder = join(await temporaryDirectory(), 'site')
    await mkdir(folder)
    await all(operations.exportSite({ newsletter: feedKey, folder }))
    const altered = join(await temporaryDirectory(), 'site')
    await cp(folder, altered, { recursive: true })
    const [pack = ''] = await readdir(join(altered, 'log/blocks'))
    const bytes = await readFile(join(altered, 'log/blocks', pack))
    // Of the newest record, with which a log ends.
    bytes[bytes.byteLength - 9] = (bytes.at(-9) ?? 0) ^ 1
    await writeFile(join(altered, 'log/blocks', pack), bytes)

    const browser = await launch()
    const shown = async (url: string) => {
      await browser.open('about:blank')
      await browser.open(url)
      let verdict: unknown
      await expect
        .poll(async () => (verdict = await browser.evaluate(VERDICT)), { timeout: 15_000 })
        .not.toBe('busy')
      return { verdict, text: String(await browser.evaluate(TEXT)) }
    }
    for (const origin of [await nginx(folder), await python(folder)]) {
      for (const path of ['issues/3/index.html', `reader.html#${feedKey}`]) {
        const { verdict, text } = await shown(`${origin}/${path}`)
        expect([path, verdict]).toEqual([path, 'yes'])
        expect(text).toContain('On Tuesday at 22:14 the lamp on the point went dark.')
        expect(text).toContain('Verified by key')
      }
    }
    const origin = await nginx(altered)
    const page = await shown(`${origin}/reader.html#${feedKey}`)
    expect(page.verdict).toBe('INVALID_LOG')
    expect(page.text).not.toContain('On Tuesday')
    expect((await shown(`${origin}/issues/3/index.html`)).text).toContain('Not verified')

    const { gateway, origin: web } = await openGateway(engine)
    expect((await shown(`${web}/#${feedKey}`)).verdict).toBe('yes')
    const { length } = await feedOf({ engine, operations }, feedKey)
    const kept = () => browser.evaluate('document.documentElement.dataset.kept')
    await expect.poll(kept, { timeout: 30_000 }).toBe(`${length}/${length}`)
    expect(gateway.facts()?.tabs).toBe(1)
  }, 90_000)
})
