import { execFile, spawnSync } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  installLinkHandler,
  linkHandlerOf,
  uninstallLinkHandler,
} from '../../../src/daemon/service/link-handler.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const run = promisify(execFile)

const NO_XDG =
  spawnSync('xdg-mime', ['--version']).status === 0 ? undefined : 'xdg-utils is not installed'

async function handlerHere(command: readonly string[]) {
  const home = await temporaryDirectory()
  const env = { PATH: process.env['PATH'], HOME: home, XDG_UTILS_DEBUG_LEVEL: '0' }
  const handler = linkHandlerOf(command, env, 'linux')
  if (handler === undefined) throw new Error('There is none.')
  return { handler, env, home }
}

const query = async (env: NodeJS.ProcessEnv) =>
  (
    await run('xdg-mime', ['query', 'default', 'x-scheme-handler/hyperletter'], { env })
  ).stdout.trim()

describe('links of other programs', () => {
  it('are opened by the program, until that is taken back', async ({ skip }) => {
    skip(NO_XDG !== undefined, NO_XDG)
    const { handler, env, home } = await handlerHere(['/bin/true'])
    await mkdir(join(home, '.config'))
    await writeFile(handler.associations, '[Default Applications]\ntext/html=other.desktop\n')
    expect(await query(env)).toBe('')
    expect(await installLinkHandler(handler)).toHaveLength(2)
    expect(await query(env)).toBe('hyperletter.desktop')
    // Again, as after an update.
    await installLinkHandler(handler)
    expect(await uninstallLinkHandler(handler)).toEqual([`removed ${handler.file}`])
    expect(await query(env)).toBe('')
    expect(await readFile(handler.associations, 'utf8')).toContain('text/html=other.desktop')
    expect(await uninstallLinkHandler(handler)).toEqual([])
  })

  it('reach the program as they are', async ({ skip }) => {
    skip(NO_XDG !== undefined, NO_XDG)
    const folder = await temporaryDirectory()
    const script = join(folder, 'program')
    await writeFile(script, `#!/bin/sh\nprintf '%s\\n' "$@" > "$(dirname "$0")/got"\n`)
    await chmod(script, 0o755)
    const { handler, env } = await handlerHere([script, '--data-dir=/x'])
    await installLinkHandler(handler)
    const link = 'hyperletter://o8dtnjmjr7e7rorway4h14fizji9nexupj4n9zzmbbiemhbjtk9o#secret'
    await run('xdg-open', [link], { env: { ...env, DISPLAY: ':99', BROWSER: '/bin/false' } })
    await expect
      .poll(() => readFile(join(folder, 'got'), 'utf8').catch(() => ''), { timeout: 10_000 })
      .toBe(`--data-dir=/x\n${link}\n`)
  })

  // https://specifications.freedesktop.org/desktop-entry-spec/1.5/exec-variables.html
  it('are given to a program of any name, but for control characters', () => {
    const handler = linkHandlerOf(['/a "b" $c `d` \\e 5%'], {}, 'linux')
    const words = ['"/a', '\\\\"b\\\\"', '\\\\$c', '\\\\`d\\\\`', '\\\\\\\\e', '5%%"', '%u']
    expect(handler?.text).toContain(`Exec=${words.join(' ')}\n`)
    expect(() => linkHandlerOf(['/a\nb'], {}, 'linux')).toThrow(/control characters/)
  })

  it('are left to others where the system has no way', () => {
    expect(linkHandlerOf(['/bin/true'], {}, 'darwin')).toBeUndefined()
    expect(linkHandlerOf(['/bin/true'], {}, 'win32')).toBeUndefined()
  })
})
