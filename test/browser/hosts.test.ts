import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Firefox, FIREFOX } from '../helpers/firefox.ts'
import { all } from '../helpers/operations.ts'
import { openPeer } from '../helpers/peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const ISSUES = new URL('../../fixtures/newsletters/tide-tables', import.meta.url).pathname
const NGINX = '/usr/sbin/nginx'
const PYTHON = '/usr/bin/python3'

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Runs a server until the test ends; resolves once it answers. */
async function running(command: string, args: readonly string[], port: number): Promise<string> {
  const child = spawn(command, args, { stdio: 'ignore' })
  onTestFinished(async () => {
    const ended = once(child, 'exit')
    child.kill()
    await ended
  })
  const origin = `http://127.0.0.1:${port}`
  await expect
    .poll(
      () =>
        fetch(origin).then(
          (it) => it.ok,
          () => false,
        ),
      { timeout: 10_000 },
    )
    .toBe(true)
  return origin
}

/** As docs/reach.md has it. */
async function nginx(root: string): Promise<string> {
  const folder = await temporaryDirectory()
  const port = await freePort()
  const [, server = ''] =
    /```nginx\n([\s\S]*?)```/.exec(
      await readFile(new URL('../../docs/reach.md', import.meta.url), 'utf8'),
    ) ?? []
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const config = `daemon off; pid ${folder}/pid; error_log ${folder}/errors; ${process.getuid?.() === 0 ? 'user root;' : ''}
events {}
http {
  include /etc/nginx/mime.types; access_log off;
  ${paths.map((it) => `${it}_temp_path ${folder}/${it};`).join(' ')}
  ${server.replace('listen 80;', `listen 127.0.0.1:${port};`).replace('root /srv/tides;', `root ${root};`)}
}`
  await writeFile(join(folder, 'nginx.conf'), config)
  return running(NGINX, ['-e', join(folder, 'errors'), '-c', join(folder, 'nginx.conf')], port)
}

/** Knows no ranges. */
async function python(root: string): Promise<string> {
  const port = await freePort()
  const args = ['-m', 'http.server', String(port), '--bind', '127.0.0.1', '--directory', root]
  return running(PYTHON, args, port)
}

const VERDICT = `document.documentElement.dataset.verified ?? 'busy'`
const TEXT = `document.querySelector('main').innerText`

describe('a website in a stock Firefox', () => {
  it('is verified from nginx and from Python, and not once it was altered', async ({ skip }) => {
    skip(!existsSync(FIREFOX), 'firefox-esr is not installed.')
    skip(!existsSync(NGINX), 'nginx is not installed.')
    skip(!existsSync(PYTHON), 'python3 is not installed.')
    const { operations } = await openPeer([], { isOnline: false })
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

    const firefox = await Firefox.launch()
    onTestFinished(() => firefox.close())
    const shown = async (url: string) => {
      await firefox.open('about:blank')
      await firefox.open(url)
      let verdict: unknown
      await expect
        .poll(async () => (verdict = await firefox.evaluate(VERDICT)), { timeout: 15_000 })
        .not.toBe('busy')
      return { verdict, text: String(await firefox.evaluate(TEXT)) }
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
  }, 90_000)
})
