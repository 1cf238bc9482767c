import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'microsoft-edge',
  'brave-browser',
]

/** Where browsers are that no `PATH` leads to. */
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
]

/** Until a page has loaded and its scripts have nothing more to do. */
const TIMEOUT_MS = 60_000

/** What time seems to be for the page: it stands still while something is fetched. */
const VIRTUAL_MS = 15_000

const MAX_PAGE_BYTES = 16 * 1024 * 1024

/** A browser of the Chromium family: the one that `CHROME_PATH` names, else one that is found. */
export function findChromium(env: NodeJS.ProcessEnv): string | undefined {
  const named = env['CHROME_PATH']
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined
  const folders = (env['PATH'] ?? '').split(delimiter).filter((it) => it !== '')
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))
  return [...found, ...PLACES].find((path) => existsSync(path))
}

/**
 * What a page has become once its scripts have run, in a browser without a window.
 * @param profile a folder for it; it need not exist.
 * @returns undefined if the browser fails.
 */
export async function loadedPage(
  browser: string,
  url: string,
  profile: string,
): Promise<string | undefined> {
  const args = [
    '--headless=new',
    '--disable-gpu',
    '--no-first-run',
    `--user-data-dir=${profile}`,
    `--virtual-time-budget=${VIRTUAL_MS}`,
    '--dump-dom',
    // Chromium refuses to be run by root otherwise.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    url,
  ]
  const options = { timeout: TIMEOUT_MS, maxBuffer: MAX_PAGE_BYTES }
  const ended = promisify(execFile)(browser, args, options)
  return ended.then(
    ({ stdout }) => stdout,
    () => undefined,
  )
}
