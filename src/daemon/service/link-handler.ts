import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { invalidInput } from '../../errors.ts'

const execute = promisify(execFile)

const ENTRY = 'hyperletter.desktop'
const SCHEME_TYPE = 'x-scheme-handler/hyperletter'

/** What opens links of other programs, where the system allows to register that: Linux with a desktop. */
export interface LinkHandler {
  /** A desktop entry, https://specifications.freedesktop.org/desktop-entry-spec/1.5/ */
  readonly file: string
  readonly text: string
  /** Where the desktop remembers which program opens what. */
  readonly associations: string
  readonly env: NodeJS.ProcessEnv
}

/**
 * The handler of this user; undefined where there is no way that we know.
 * @param command the program with its arguments, which gets the link as the last one.
 * @throws INVALID_INPUT for what no entry can hold
 */
export function linkHandlerOf(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): LinkHandler | undefined {
  if (platform !== 'linux') return undefined
  const home = env['HOME'] || homedir()
  const data = env['XDG_DATA_HOME'] || join(home, '.local', 'share')
  return {
    file: join(data, 'applications', ENTRY),
    associations: join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'mimeapps.list'),
    env,
    text: `# Written by \`hyperletter daemon install\`, which replaces it.
[Desktop Entry]
Type=Application
Name=Hyperletter
Comment=Newsletters that their readers carry
Exec=${command.map(quote).join(' ')} %u
NoDisplay=true
Terminal=false
MimeType=${SCHEME_TYPE};
`,
  }
}

/** Has the desktop open links with it. @returns what was done; nothing where there is no xdg-mime */
export async function installLinkHandler(handler: LinkHandler): Promise<readonly string[]> {
  const { file, text, env } = handler
  try {
    await execute('xdg-mime', ['--version'], { env })
  } catch {
    return []
  }
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
  await mkdir(dirname(handler.associations), { recursive: true })
  await execute('xdg-mime', ['default', ENTRY, SCHEME_TYPE], { env })
  return [`wrote ${file}`, `xdg-mime default ${ENTRY} ${SCHEME_TYPE}`]
}

/** Takes that back. @returns what was done; nothing if it was not installed */
export async function uninstallLinkHandler(handler: LinkHandler): Promise<readonly string[]> {
  const { file, associations } = handler
  try {
    await rm(file)
  } catch {
    return []
  }
  // xdg-mime can set what opens a scheme, and not unset it.
  const text = await readFile(associations, 'utf8').catch(() => '')
  const left = text.replace(new RegExp(`^${SCHEME_TYPE}=${ENTRY};?\\n?`, 'gm'), '')
  if (left !== text) await writeFile(associations, left)
  return [`removed ${file}`]
}

// In quotation marks a few characters are escaped, and the backslash of that again, as in every text of an entry.
function quote(text: string): string {
  if (/[\u0000-\u001f\u007f]/.test(text)) {
    const message = 'A desktop entry cannot be given control characters, as in a path of a folder.'
    throw invalidInput(message)
  }
  // xdg-open takes words in quotation marks for part of the name.
  if (/^[\w./:@+=,-]+$/.test(text)) return text
  const escaped = text.replace(/["`$\\]/g, String.raw`\$&`).replaceAll('\\', '\\\\')
  return `"${escaped.replaceAll('%', '%%')}"`
}
