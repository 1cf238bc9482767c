import { existsSync } from 'node:fs'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'

/** Where to find a browser that is on the machine, instead of the one that comes with the packages. */
const OWN_BROWSER = process.env['HYPERLETTER_TEST_BROWSER']

const MACS = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome']

// The sandbox of a browser needs rights that a container, or root, does not have. It shows only what
// the tests serve.
const ARGS = ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none']

/**
 * A real headless Chromium. Whoever launches it closes it.
 * @param found one that is on the machine; else the one that comes with the packages.
 * @param more arguments.
 */
export async function launchBrowser(
  found = OWN_BROWSER ?? MACS.find((path) => existsSync(path)),
  more: readonly string[] = [],
): Promise<Browser> {
  const args = [...ARGS, ...more]
  if (found !== undefined) return chromium.launch({ executablePath: found, args })
  const folder = await unpacked()
  const env: Record<string, string> = { ...definedEnv() }
  // A machine without fonts shows nothing at all.
  if (!existsSync('/etc/fonts/fonts.conf')) env['FONTCONFIG_PATH'] = join(folder, 'fonts')
  const executablePath = join(folder, 'chromium')
  try {
    return await chromium.launch({ executablePath, args, env })
  } catch (error) {
    if (!String(error).includes('error while loading shared libraries')) throw error
    const libraries = join(folder, 'al2023', 'lib')
    return chromium.launch({
      executablePath,
      args,
      env: { ...env, LD_LIBRARY_PATH: libraries },
    })
  }
}

function definedEnv(): Record<string, string> {
  const entries = Object.entries(process.env)
  return Object.fromEntries(entries.filter((it): it is [string, string] => it[1] !== undefined))
}

// Unpacked beside its place and then moved there, so that nobody starts half a browser.
async function unpacked(): Promise<string> {
  const packageFile = createRequire(import.meta.url).resolve('@sparticuz/chromium')
  const { version } = createRequire(packageFile)('../package.json') as { version: string }
  const folder = join(tmpdir(), `hyperletter-chromium-${version}-${process.getuid?.() ?? 0}`)
  if (existsSync(join(folder, 'chromium'))) return folder
  await mkdir(dirname(folder), { recursive: true })
  const part = await mkdtemp(`${folder}-`)
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = part
  try {
    const { inflate } = await import('@sparticuz/chromium')
    const bin = join(dirname(packageFile), '..', 'bin')
    await Promise.all(
      ['chromium.br', 'fonts.tar.br', 'al2023.tar.br'].map((it) => inflate(join(bin, it))),
    )
    await access(join(part, 'chromium'))
  } finally {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  }
  try {
    await rename(part, folder)
  } catch {
    // Another process was faster.
    await rm(part, { recursive: true, force: true })
  }
  return folder
}
