import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { temporaryDirectory } from './temporary-directory.ts'
import { freePort, runServer } from './web-servers.ts'

/** Where Debian installs its packages `webkit2gtk-driver` and `xvfb`. */
export const WEBKIT_PROGRAMS = ['/usr/bin/WebKitWebDriver', '/usr/bin/Xvfb'] as const

const BROWSER = '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser'

/** A stock WebKit, the engine of Safari, until the test ends: on a screen that nobody sees, driven by WebDriver (https://www.w3.org/TR/webdriver2/). */
export async function launchWebKit() {
  const [driver, screen] = WEBKIT_PROGRAMS
  const home = await temporaryDirectory()
  const display = await openScreen(screen)
  const port = await freePort()
  await runServer(driver, ['--host=127.0.0.1', `--port=${port}`], port, {
    ...process.env,
    DISPLAY: display,
    HOME: home,
    // It takes namespaces that not every machine for tests lets a program have.
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
  })
  const sessions = `http://127.0.0.1:${port}/session`
  const options = { binary: BROWSER, args: ['--automation'] }
  const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': options } }
  const { sessionId } = (await ask('POST', sessions, { capabilities })) as { sessionId: string }
  const session = `${sessions}/${sessionId}`
  onTestFinished(() => ask('DELETE', session).then(() => undefined))
  return {
    /** Opens an address, and waits until it is loaded. */
    open: (url: string) => ask('POST', `${session}/url`, { url }),
    /** The value of an expression in the page: a text, number or truth value. */
    evaluate: (expression: string) =>
      ask('POST', `${session}/execute/sync`, { script: `return ${expression}`, args: [] }),
  }
}

/** @returns its name. */
async function openScreen(program: string): Promise<string> {
  const args = ['-displayfd', '1', '-nolisten', 'tcp']
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  onTestFinished(async () => {
    const ended = once(child, 'exit')
    child.kill()
    await ended
  })
  const [number] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return `:${number}`
}

async function ask(method: string, url: string, body?: object): Promise<unknown> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) }
  const answer = await fetch(url, init)
  const { value } = (await answer.json()) as { value: unknown }
  if (!answer.ok) throw new Error(`${method} ${url}: ${JSON.stringify(value)}`)
  return value
}
