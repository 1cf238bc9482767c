import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'

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

/** Until a page shows what is waited for. */
const TIMEOUT_MS = 60_000

/** Between two looks at a page. */
const LOOK_MS = 100

/** A browser of the Chromium family: the one that `CHROME_PATH` names, else one that is found. */
export function findChromium(env: NodeJS.ProcessEnv): string | undefined {
  const named = env['CHROME_PATH']
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined
  const folders = (env['PATH'] ?? '').split(delimiter).filter((it) => it !== '')
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))
  return [...found, ...PLACES].find((path) => existsSync(path))
}

/**
 * What a page has become, in a browser without a window. It is driven through a pipe, by the DevTools protocol
 * (<https://chromedevtools.github.io/devtools-protocol/>): messages of JSON, each with a zero byte after it.
 * @param profile a folder for it; it need not exist.
 * @param isDone whether this HTML is what is waited for.
 * @returns its HTML once it is done, or as it is after a minute; undefined if the browser does not run.
 */
export async function loadedPage(
  browser: string,
  url: string,
  profile: string,
  isDone: (html: string) => boolean,
): Promise<string | undefined> {
  const args = [
    '--headless=new',
    '--disable-gpu',
    '--no-first-run',
    '--no-startup-window',
    `--user-data-dir=${profile}`,
    '--remote-debugging-pipe',
    // Chromium refuses to be run by root otherwise.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  ]
  const child = spawn(browser, args, {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  const ended = new Promise((resolve) => child.once('error', resolve).once('exit', resolve))
  void ended.then(() => child.stdio.forEach((pipe) => pipe?.destroy()))
  const call = caller(child.stdio[3] as Writable, child.stdio[4] as Readable)
  let html: string | undefined
  try {
    const { targetId } = await call<{ targetId: string }>('Target.createTarget', { url })
    const target = { targetId, flatten: true }
    const { sessionId } = await call<{ sessionId: string }>('Target.attachToTarget', target)
    const expression = 'document.documentElement.outerHTML'
    for (;;) {
      // Without a value while one page makes room for the next.
      const { result } = await call<Evaluated>('Runtime.evaluate', { expression }, sessionId)
      html = result?.value ?? html
      if (html !== undefined && isDone(html)) break
      await setTimeout(LOOK_MS)
    }
    await call('Browser.close', {})
  } catch {
    // There is no browser to answer, any more.
    child.kill('SIGKILL')
  }
  await ended
  return html
}

interface Evaluated {
  readonly result?: { readonly value?: string }
}

/** Calls one method at a time. @throws if the browser ends. */
function caller(requests: Writable, replies: Readable) {
  requests.on('error', () => undefined)
  const messages = messagesOf(replies)
  let id = 0
  return async <T>(method: string, params: object, sessionId?: string): Promise<T> => {
    id++
    requests.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    for (;;) {
      const next = await messages.next()
      if (next.done === true) throw new Error('The browser ended.')
      const message = JSON.parse(next.value) as { id?: number; result?: T }
      // Others are events.
      if (message.id === id) return message.result ?? ({} as T)
    }
  }
}

async function* messagesOf(replies: Readable): AsyncGenerator<string, undefined> {
  let rest = ''
  for await (const piece of replies.setEncoding('utf8')) {
    const parts = (rest + String(piece)).split('\0')
    rest = parts.pop() ?? ''
    yield* parts
  }
}
