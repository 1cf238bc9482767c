import { execFile, execFileSync } from 'node:child_process'
import { chmod, readdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { SCRIPTS, type Shell } from '../../src/cli/commands/more/shells.ts'
import { remoteOperations } from '../../src/api/socket/client.ts'
import { startDaemonHere } from '../helpers/daemons.ts'
import { configOf } from '../helpers/engines.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

const run = promisify(execFile)
const LAUNCHER = resolve(import.meta.dirname, '../../bin/hyperletter.js')

/** What strangers may call a newsletter, to have it run when somebody completes it and presses Enter. */
const HOSTILE = 'tidy; $(touch pwned) `touch pwned` "\'* &'

const absent = (shell: string) => {
  try {
    execFileSync(shell, ['-c', 'exit'], { stdio: 'ignore' })
    return undefined
  } catch {
    return `Completing in ${shell} needs ${shell}.`
  }
}
const NO_SHELL = { bash: absent('bash'), zsh: absent('zsh'), fish: absent('fish') }

/** A folder to work in, the command on the path, our script beside it, and a daemon with two newsletters. */
async function laboratory(shell: Shell) {
  const config = configOf(await temporaryDirectory(), await privateNetwork())
  await startDaemonHere(config)
  const remote = remoteOperations(config.socketPath)
  await remote.createNewsletter({ title: 'Spring Tide' })
  await remote.createNewsletter({ title: HOSTILE })
  const folder = await temporaryDirectory()
  const bin = join(await temporaryDirectory(), 'hyperletter')
  await writeFile(bin, `#!/bin/sh\nexec '${process.execPath}' '${LAUNCHER}' "$@"\n`)
  await chmod(bin, 0o755)
  await writeFile(join(folder, 'completion'), SCRIPTS[shell])
  await writeFile(join(folder, 'a draft.md'), '')
  const env = {
    ...process.env,
    PATH: `${join(bin, '..')}:${process.env['PATH']}`,
    HYPERLETTER_HOME: config.dataDir,
    HOME: folder,
    TERM: 'dumb',
  }
  const script = async (text: string) => {
    const { stdout } = await run(shell, ['-c', text], { cwd: folder, env, timeout: 60_000 })
    return stdout
  }
  return { script, folder }
}

describe('in a real bash', () => {
  /** What is offered after the words; the last of them is the one with the cursor. */
  const offer = (...words: readonly string[]) => `
    COMP_WORDS=(hyperletter ${words.join(' ')}); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
    _hyperletter; printf '%s|' "\${COMPREPLY[@]}"; echo`

  it('commands, options, values, files and titles are completed', async ({ skip }) => {
    skip(NO_SHELL.bash !== undefined, NO_SHELL.bash)
    const { script } = await laboratory('bash')
    const printed = await script(`source completion
      complete -p hyperletter
      ${offer('dae')}
      ${offer('daemon', 'start', '--disk')}
      ${offer('daemon', 'run', '--notify', '=', "''")}
      ${offer('publish', 'a')}
      ${offer('read', 'spr')}
      ${offer('read', `'"spr'`)}`)
    expect(printed.trimEnd().split('\n')).toEqual([
      'complete -F _hyperletter hyperletter',
      'daemon|',
      '--disk-cap|',
      'on|off|',
      'a\\ draft.md|',
      'Spring\\ Tide|',
      'Spring Tide|',
    ])
  })

  it('a title runs nothing when the line is run', async ({ skip }) => {
    skip(NO_SHELL.bash !== undefined, NO_SHELL.bash)
    const { script, folder } = await laboratory('bash')
    const printed = await script(`source completion
      { ${offer('read', 'tid')}
      } > offered
      for quoted in '"tid' "'tid"; do
        COMP_WORDS=(hyperletter read "$quoted"); COMP_CWORD=2; _hyperletter; echo "\${#COMPREPLY[@]}"
      done
      eval "printf '<%s>' $(sed 's/|$//' offered)"`)
    // Between quotation marks it cannot be written, so it is not offered there.
    expect(printed).toBe(`0\n0\n<${HOSTILE}>`)
    expect(await readdir(folder)).not.toContain('pwned')
  })
})

describe('in a real zsh', () => {
  // A terminal, in which a key shows what is on the line.
  const terminal = (...lines: readonly string[]) => `
    zmodload zsh/zpty
    zpty lab zsh -f -i
    zpty -w lab 'PS1= PS2= RPS1=; unsetopt zle_bracketed_paste 2>/dev/null; autoload -Uz compinit; compinit -u -D'
    zpty -w lab 'show() { print -r -- "LINE<$BUFFER>"; BUFFER= }; zle -N show; bindkey "^X" show'
    zpty -w lab 'source completion; print READY$((1))'
    zpty -r -m lab out '*READY1*'
    ${lines
      .map(
        (line) => `zpty -w -n lab $'${line}\\t\\x18'
        zpty -r -m lab out '*LINE<*>*'
        print -r -- "\${\${out##*LINE<}%%>*}"`,
      )
      .join('\n')}
    zpty -d lab`

  it(
    'commands, options, values, files and titles are completed',
    { timeout: 90_000 },
    async ({ skip }) => {
      skip(NO_SHELL.zsh !== undefined, NO_SHELL.zsh)
      const { script } = await laboratory('zsh')
      const printed = await script(
        terminal(
          'hyperletter dae',
          'hyperletter daemon start --disk',
          'hyperletter daemon run --notify of',
          'hyperletter daemon run --notify=of',
          'hyperletter publish a',
          'hyperletter read spr',
        ),
      )
      const lines = printed.trimEnd().split('\n')
      expect(lines.map((line) => line.trimEnd())).toEqual([
        'hyperletter daemon',
        'hyperletter daemon start --disk-cap',
        'hyperletter daemon run --notify off',
        'hyperletter daemon run --notify=off',
        'hyperletter publish a\\ draft.md',
        'hyperletter read Spring\\ Tide',
      ])
    },
  )

  it('a title runs nothing when the line is run', { timeout: 90_000 }, async ({ skip }) => {
    skip(NO_SHELL.zsh !== undefined, NO_SHELL.zsh)
    const { script, folder } = await laboratory('zsh')
    const line = (await script(terminal('hyperletter read tid'))).trim()
    expect(line.startsWith('hyperletter read tidy')).toBe(true)
    const words = line.slice('hyperletter read '.length)
    expect(await script(`printf '<%s>' ${words}`)).toBe(`<${HOSTILE}>`)
    expect(await readdir(folder)).not.toContain('pwned')
  })
})

describe('in a real fish', () => {
  it('commands, options, values, files and titles are completed', async ({ skip }) => {
    skip(NO_SHELL.fish !== undefined, NO_SHELL.fish)
    const { script } = await laboratory('fish')
    const lines = [
      'hyperletter dae',
      'hyperletter daemon start --disk',
      'hyperletter daemon run --notify ',
      'hyperletter publish a',
      'hyperletter read spr',
    ]
    const printed = await script(`source completion
      ${lines.map((line) => `complete -C '${line}' | string replace -r '\\t.*' ''`).join('\n')}
      true`)
    expect(printed.trimEnd().split('\n')).toEqual([
      'daemon',
      '--disk-cap',
      'off',
      'on',
      'a draft.md',
      'Spring Tide',
    ])
  })
})
