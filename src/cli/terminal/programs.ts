import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { OutputStream } from '../output.ts'

/** Lines of the terminal that the shell's prompt takes after a text. */
const PROMPT_LINES = 1

export function needsPager(text: string, stream: OutputStream): boolean {
  return stream.isTTY === true && text.split('\n').length + PROMPT_LINES > (stream.rows ?? 24)
}

/**
 * Shows a text in the program that `PAGER` names, `less -R` by default, and waits until it is left.
 * @returns False if there is none or it does not start: the text was not shown.
 */
export async function openPager(text: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const [command, ...args] = pagerCommand(env)
  if (command === undefined) return false
  // Ctrl-C belongs to the pager while it is open: `less` uses it to stop a search.
  const ignore = () => {}
  process.on('SIGINT', ignore)
  try {
    return await new Promise<boolean>((resolve) => {
      const pager = spawn(command, args, { stdio: ['pipe', 'inherit', 'inherit'], env })
      pager.once('error', () => resolve(false))
      pager.once('close', () => resolve(true))
      // Leaving the pager before the end of the text breaks the pipe.
      pager.stdin.on('error', ignore)
      pager.stdin.end(text)
    })
  } finally {
    process.off('SIGINT', ignore)
  }
}

/** The pager as a program and its arguments, never for a shell. Empty if none is wanted. */
export function pagerCommand(env: NodeJS.ProcessEnv, platform = process.platform): string[] {
  const fallback = platform === 'win32' ? '' : 'less -R'
  return (env['PAGER'] ?? fallback).split(' ').filter((part) => part !== '')
}

/**
 * Shows an address in the user's browser.
 * @returns false where there is none, as on a machine without a screen.
 */
export async function openBrowser(
  url: string,
  env: NodeJS.ProcessEnv,
  platform = process.platform,
): Promise<boolean> {
  const command = commandFor(env, platform)
  if (command === undefined) return false
  const [program, ...args] = command
  const child = spawn(program, [...args, url], { detached: true, stdio: 'ignore', env })
  try {
    await once(child, 'spawn')
  } catch {
    return false
  }
  child.unref()
  return true
}

function commandFor(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): readonly [string, ...string[]] | undefined {
  if (platform === 'darwin') return ['open']
  // Not `start` of a shell, which would read the `&` of an address its own way.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler']
  const hasScreen = (env['DISPLAY'] ?? env['WAYLAND_DISPLAY'] ?? '') !== ''
  return hasScreen ? ['xdg-open'] : undefined
}
