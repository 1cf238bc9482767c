import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'

/** Where Debian installs its package `firefox-esr`. */
export const FIREFOX = '/usr/bin/firefox-esr'

interface Answer {
  readonly id?: number
  readonly type?: string
  readonly result?: unknown
  readonly message?: string
}

/** A stock Firefox without a window, driven by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/). */
export class Firefox {
  readonly #process: ChildProcess
  readonly #profile: string
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #sent = 0
  #context = ''

  private constructor(child: ChildProcess, profile: string, socket: WebSocket) {
    this.#process = child
    this.#profile = profile
    this.#socket = socket
    socket.on('message', (data: Buffer) => {
      const answer = JSON.parse(data.toString()) as Answer
      if (answer.id === undefined) return
      this.#waiting.get(answer.id)?.(answer)
      this.#waiting.delete(answer.id)
    })
  }

  static async launch(): Promise<Firefox> {
    const profile = await mkdtemp(join(tmpdir(), 'hyperletter-firefox-'))
    const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0']
    const child = spawn(FIREFOX, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, HOME: profile },
    })
    const address = await addressOf(child)
    const socket = new WebSocket(`${address}/session`)
    await once(socket, 'open')
    const firefox = new Firefox(child, profile, socket)
    await firefox.#ask('session.new', { capabilities: {} })
    const { context } = (await firefox.#ask('browsingContext.create', { type: 'tab' })) as {
      context: string
    }
    firefox.#context = context
    return firefox
  }

  /** Opens an address, and waits until it is loaded. */
  async open(url: string): Promise<void> {
    await this.#ask('browsingContext.navigate', { context: this.#context, url, wait: 'complete' })
  }

  /** The value of an expression in the page: a text, number or truth value. */
  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.#ask('script.evaluate', {
      expression,
      target: { context: this.#context },
      awaitPromise: true,
    })
    const { result } = answer as { result?: { value?: unknown } }
    return result?.value
  }

  async close(): Promise<void> {
    this.#socket.terminate()
    const ended = once(this.#process, 'exit')
    this.#process.kill()
    await ended
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }

  async #ask(method: string, params: object): Promise<unknown> {
    const id = ++this.#sent
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve))
    this.#socket.send(JSON.stringify({ id, method, params }))
    const { type, result, message } = await answered
    if (type === 'error') throw new Error(`${method}: ${message}`)
    return result
  }
}

async function addressOf(child: ChildProcess): Promise<string> {
  if (child.stderr === null) throw new Error('Firefox has no output.')
  for await (const line of createInterface({ input: child.stderr })) {
    const [, address] = /WebDriver BiDi listening on (ws:\S+)/.exec(line) ?? []
    if (address !== undefined) return address
  }
  throw new Error('Firefox ended.')
}
