import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, readFile, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { renderUnicodeCompact } from 'uqr'
import { describe, expect, it } from 'vitest'
import { HyperletterError } from '../../src/errors.ts'
import { openBrowser } from '../../src/cli/terminal/programs.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { Capture, jsonOf, runCli, answer, someConfig, streamOf } from '../helpers/cli.ts'

const URL_ONCE = 'http://127.0.0.1:4937/enter?token=abc'

/** Keeps what was asked for. */
function recorder() {
  const asked: unknown[] = []
  const shown: string[] = []
  return {
    asked,
    shown,
    openReader: (request: unknown) => {
      asked.push(request)
      return Promise.resolve(URL_ONCE)
    },
    services: {
      openBrowser: (url: string) => {
        shown.push(url)
        return Promise.resolve(true)
      },
    },
  }
}

describe('open', () => {
  it('prints the address and ends, where a daemon serves it', async () => {
    const { asked, openReader, shown, services } = recorder()
    const { code, stdout, opened, closed } = await runCli(['open', '--json', '--port', '8080'], {
      via: 'daemon',
      openReader,
      services,
    })
    expect([code, opened, closed]).toEqual([0, 1, 1])
    expect(jsonOf(stdout)).toEqual({ url: URL_ONCE, via: 'daemon' })
    expect(asked).toEqual([{ port: 8080, path: undefined }])
    expect(shown).toEqual([])
  })

  it('shows it in a browser on a terminal, unless told not to', async () => {
    const { openReader, shown, services } = recorder()
    const config = { ...someConfig, dataDir: await temporaryDirectory() }
    const loadConfig = () => Promise.resolve(config)
    const withConfig = { ...services, loadConfig }
    const options = { via: 'daemon' as const, openReader, services: withConfig }
    await runCli(['open'], { ...options, stdout: new Capture({ isTTY: true }) })
    await runCli(['open', '--no-browser'], { ...options, stdout: new Capture({ isTTY: true }) })
    // What a program is started with, every user of the machine can read.
    expect(shown).toHaveLength(1)
    expect(shown[0]).toMatch(/^file:/)
    const file = fileURLToPath(shown[0] ?? '')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readFile(file, 'utf8')).toContain(`url=${URL_ONCE}`)
  })

  it('serves it until it is interrupted, where there is no daemon', async () => {
    const { openReader, services } = recorder()
    const interrupt = new AbortController()
    const stdout = new Capture()
    const running = runCli(['open'], { openReader, services, stdout, signal: interrupt.signal })
    await stdout.waitFor(/enter\?token=/)
    interrupt.abort()
    expect(await running).toMatchObject({ code: 0, opened: 1, closed: 1 })
  })

  it('fails as the reader fails, and closes the connection', async () => {
    const openReader = () => Promise.reject(new HyperletterError('INVALID_INPUT', 'Taken.'))
    const { code, closed } = await runCli(['open'], { via: 'daemon', openReader })
    expect([code, closed]).toEqual([2, 1])
  })

  it.each(['0', '65536', 'x', '1.5'])('refuses the port %s', async (port) => {
    expect((await runCli(['open', '--port', port])).code).toBe(2)
  })
})

describe('open <link>', () => {
  const feedKey = 'o8dtnjmjr7e7rorway4h14fizji9nexupj4n9zzmbbiemhbjtk9o'
  const preview = {
    feedKey,
    title: 'Tide Tables',
    authors: [{ name: 'Ada' }],
    private: false,
    issues: 12,
    subscribed: false,
    newest: { number: 12, title: 'Spring', publishedAt: '2026-03-20T07:00:00Z' },
  }
  const started: unknown[] = []
  const daemon = (running: boolean) => ({
    daemonStatus: () => Promise.resolve({ running, socket: '' }),
    startDaemon: (...args: unknown[]) => {
      started.push(args)
      return Promise.resolve({ running: true, socket: '' })
    },
  })

  it('starts the daemon, looks, follows, and shows the newest issue', async () => {
    const { asked, openReader, services } = recorder()
    const followed: unknown[] = []
    const subscribe = (input: unknown) => {
      followed.push(input)
      return streamOf([{ event: 'subscribed' as const, feedKey, issues: 12 }])()
    }
    started.length = 0
    const { code, stdout, stderr } = await runCli(
      ['open', `<hyperletter://${feedKey}>.`, '--json', '--unread', '5'],
      {
        via: 'daemon',
        openReader,
        services: { ...services, ...daemon(false) },
        operations: { previewNewsletter: answer(preview), subscribe },
      },
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(started).toHaveLength(1)
    expect(followed).toMatchObject([{ unread: 5 }])
    expect(asked).toEqual([{ port: undefined, path: `/n/${feedKey}/12` }])
    expect(jsonOf(stdout)).toMatchObject({ url: URL_ONCE, feedKey, number: 12, subscribed: true })
  })

  it('goes to the issue that the link names, and follows only once', async () => {
    const { asked, openReader, services } = recorder()
    const { code, stderr } = await runCli(['open', `hyperletter://${feedKey}/3`], {
      via: 'daemon',
      openReader,
      services: { ...services, ...daemon(true) },
      operations: { previewNewsletter: answer({ ...preview, subscribed: true }) },
    })
    expect(code).toBe(0)
    expect(asked).toEqual([{ port: undefined, path: `/n/${feedKey}/3` }])
    expect(stderr).toContain('“Tide Tables”, by Ada, 12 issues')
  })

  it('only shows what a click leads to, in the browser, though there is no terminal', async () => {
    const { asked, shown, openReader, services } = recorder()
    const dataDir = await temporaryDirectory()
    const loadConfig = () => Promise.resolve({ ...someConfig, dataDir })
    const { code } = await runCli(['open', '--preview', `hyperletter://${feedKey}`], {
      via: 'daemon',
      openReader,
      services: { ...services, ...daemon(true), loadConfig },
      operations: { listNewsletters: answer([]) },
    })
    expect(code).toBe(0)
    expect(shown).toHaveLength(1)
    const link = encodeURIComponent(`hyperletter://${feedKey}`)
    expect(asked).toEqual([{ port: undefined, path: `/add?link=${link}` }])
  })

  it('starts nothing for what is no link', async () => {
    started.length = 0
    const options = { services: daemon(false) }
    expect((await runCli(['open', 'hyperletter://abc'], options)).code).toBe(2)
    expect(started).toEqual([])
  })
})

describe('read --browser', () => {
  it('opens the page of the issue', async () => {
    const { asked, openReader, services } = recorder()
    const issue = { feedKey: 'y'.repeat(52), number: 3 }
    const { code } = await runCli(['read', 'tides', '3', '--browser'], {
      via: 'daemon',
      openReader,
      services,
      operations: { readIssue: answer(issue as never) },
    })
    expect(code).toBe(0)
    expect(asked).toEqual([{ port: undefined, path: `/n/${issue.feedKey}/3` }])
  })
})

describe('the browser', () => {
  it('is not looked for where there is no screen', async () => {
    expect(await openBrowser(URL_ONCE, {}, 'linux')).toBe(false)
  })

  it('that cannot be started counts as none', async () => {
    const env = { DISPLAY: ':0', PATH: '/nowhere' }
    expect(await openBrowser(URL_ONCE, env, 'linux')).toBe(false)
  })
})

describe('web', () => {
  const PROJECT = new URL('../../', import.meta.url)

  const own = { feedKey: 'y'.repeat(52), title: 'Tides', roles: ['author'] }
  const followed = { feedKey: 'b'.repeat(52), title: 'Clouds', roles: ['subscriber'] }
  const gateway = {
    address: 'https://news.example/',
    tabs: 0,
    uploadedBytes: 0,
    newsletters: [own.feedKey],
  }
  const withStatus = (status: object) => ({
    operations: { status: answer({ newsletters: [own, followed], ...status } as never) },
  })

  it('prints the address of the gateway, the reader with its hash, and the link as a QR code', async () => {
    const link = `${gateway.address}#${own.feedKey}`
    const { stdout, stderr } = await runCli(['web'], withStatus({ web: gateway }))
    const { stdout: sha256 } = await runCli(['web', '--hash'])
    expect(stdout).toContain(renderUnicodeCompact(link, { border: 2 }))
    expect(stdout).toMatch(new RegExp(`Link +${link}\n`))
    expect(stdout).toMatch(/Reader +\/.*\/reader\.html\n/)
    expect(stdout).toMatch(new RegExp(`SHA-256 +${sha256}`))
    expect(stderr).toBe('')
    const json = await runCli(['web', '--json'], withStatus({ web: gateway }))
    expect(jsonOf(json.stdout)).toEqual({
      address: gateway.address,
      link,
      file: expect.stringMatching(/reader\.html$/) as string,
      sha256: sha256.trim(),
    })
  })

  it('says what is wrong with the gateway, and how one is opened', async () => {
    const problem = 'Port 8765 of 127.0.0.1 is taken.'
    const bad = await runCli(['web'], withStatus({ web: { ...gateway, problem } }))
    expect(bad.stderr).toContain(problem)
    const other = await runCli(['web', 'clouds'], withStatus({ web: gateway }))
    expect(other.stdout).not.toContain(followed.feedKey)
    expect(other.stderr).toContain('not opened for “Clouds”')
    const none = await runCli(['web'], withStatus({}))
    expect(none.stdout).not.toContain('Link')
    expect(none.stderr).toContain('daemon start --gateway 127.0.0.1:8765')
  })

  it('names the hash of the reader in one file, which is the same wherever it is built', async () => {
    const { stdout } = await runCli(['web', '--hash'])
    const shown = stdout.trim()
    expect(shown).toMatch(/^[0-9a-f]{64}$/)
    // Built again, in a copy that lies elsewhere.
    const elsewhere = await temporaryDirectory()
    for (const it of ['src', 'scripts/browser.mjs', 'package.json']) {
      await cp(new URL(it, PROJECT), join(elsewhere, it), { recursive: true })
    }
    await symlink(new URL('node_modules', PROJECT), join(elsewhere, 'node_modules'))
    await promisify(execFile)(process.execPath, [join(elsewhere, 'scripts/browser.mjs')])
    const bytes = await readFile(join(elsewhere, 'dist/browser/reader.html'))
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(shown)
  })
})
