import { spawn } from 'node:child_process'
import { once } from 'node:events'

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
