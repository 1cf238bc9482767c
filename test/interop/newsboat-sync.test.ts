import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { ReaderServer } from '../../src/web/server.ts'
import { openAuthor, openPeer } from '../helpers/peers.ts'
import { all } from '../helpers/operations.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

const run = promisify(execFile)

/** Instead of the `newsboat` in PATH, such as a newer one: `chroot /somewhere newsboat`. */
const COMMAND = (process.env['HYPERLETTER_TEST_NEWSBOAT'] ?? 'newsboat').split(' ')

async function newsboatVersion(): Promise<number | undefined> {
  const [program = '', ...args] = COMMAND
  const found = await run(program, [...args, '-v']).catch(() => undefined)
  const version = /(\d+)\.(\d+)/.exec(found?.stdout ?? '')
  return version === null ? undefined : Number(version[1]) * 100 + Number(version[2])
}

/** newsboat in a terminal of its own: keys go in, and its screen comes out. */
async function openTerminal(command: readonly string[]) {
  const socket = `hyperletter-${process.pid}-${Math.random().toString(36).slice(2)}`
  const tmux = (...args: readonly string[]) => run('tmux', ['-L', socket, ...args])
  const text = command.map((it) => `'${it}'`).join(' ')
  await tmux('-f', '/dev/null', 'new-session', '-d', '-x', '100', '-y', '30', text)
  onTestFinished(async () => void (await tmux('kill-server').catch(() => undefined)))
  const screen = async () => (await tmux('capture-pane', '-p')).stdout
  return {
    press: (...keys: readonly string[]) => tmux('send-keys', ...keys),
    async shows(pattern: RegExp) {
      await expect.poll(screen, { timeout: 30_000 }).toMatch(pattern)
    },
  }
}

// Debian 12 has 2.21, which speaks the API to FeedHQ, with documents in Atom; since 2.31 there is a source for FreshRSS.
it(
  'newsboat shares read marks and stars with the reader',
  { timeout: 120_000 },
  async ({ skip }) => {
    const version = await newsboatVersion()
    skip(version === undefined, 'newsboat is not installed.')
    skip((await run('tmux', ['-V']).catch(() => undefined)) === undefined, 'tmux is not installed.')
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 3 })
    const { operations } = await openPeer(bootstrap)
    await all(operations.subscribe({ link: author.link }))
    const newsletter = author.feedKey
    await operations.markIssue({ newsletter, number: 1, read: true })
    const server = await ReaderServer.listen({ operations, dataDir: await temporaryDirectory() })
    onTestFinished(() => server.close())
    const { token } = await operations.addDevice({ name: 'newsboat' })

    // Below /tmp itself: a newsboat in another root may have that in common with this one.
    const home = await mkdtemp(join(tmpdir(), 'newsboat-'))
    onTestFinished(() => rm(home, { recursive: true, force: true }))
    const source = (version ?? 0) >= 231 ? 'freshrss' : 'feedhq'
    const config = [
      `urls-source "${source}"`,
      `${source}-url "${server.origin}/api/greader.php"`,
      `${source}-login "anybody"`,
      `${source}-password "${token}"`,
      `${source}-flag-star "s"`,
      `${source}-show-special-feeds no`,
      'auto-reload no',
      'show-read-feeds yes',
    ]
    await writeFile(join(home, 'config'), `${config.join('\n')}\n`)
    await writeFile(join(home, 'urls'), '')
    const files = ['-u', `${home}/urls`, '-c', `${home}/cache.db`, '-C', `${home}/config`]
    const [program = '', ...args] = [...COMMAND, ...files]
    const newsboat = async (...more: readonly string[]) =>
      (await run(program, [...args, ...more])).stdout

    // What was read here is read there.
    await newsboat('-x', 'reload')
    expect(await newsboat('-x', 'print-unread')).toMatch(/^2 unread/)

    // What is read and starred there is so here.
    const terminal = await openTerminal([program, ...args])
    await terminal.shows(/Tide tables/)
    await terminal.press('Enter')
    await terminal.shows(/Issue 3/)
    await terminal.press('Enter')
    await terminal.shows(/High water at 3/)
    await terminal.press('C-e')
    await terminal.shows(/Flags:/)
    await terminal.press('s', 'Enter')
    const marks = async () =>
      (await operations.listIssues({ newsletter })).map((it) => [it.number, it.read, it.starred])
    await expect.poll(marks, { timeout: 30_000 }).toEqual([
      [3, true, true],
      [2, false, false],
      [1, true, false],
    ])
    // `A` in the list of feeds: the whole feed is read, once later versions have asked whether it should be.
    await terminal.press('q')
    await terminal.press('q')
    await terminal.shows(/Tide tables/)
    await terminal.press('A')
    await terminal.press('y')
    await expect
      .poll(async () => (await marks()).every(([, read]) => read), { timeout: 30_000 })
      .toBe(true)
  },
)
