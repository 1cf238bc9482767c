import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const LAUNCHER = fileURLToPath(new URL('../../bin/hyperletter.js', import.meta.url))

/** What `letters --json` says, as far as it is looked at. */
export interface Letters {
  readonly mine: readonly {
    readonly text: string
    readonly state: string
    readonly carriers: number
  }[]
  readonly waiting: readonly {
    readonly text: string
    readonly from: string
    readonly known: boolean
  }[]
  readonly wanted: boolean
}

/** For letters to arrive once everybody is there. */
const ARRIVAL_MS = 120_000

/** People with a data directory and a daemon each, by the real command, on a DHT of their own. */
export class People<Person extends string> implements AsyncDisposable {
  readonly #root: string
  readonly #running = new Set<ChildProcess>()
  readonly #daemons = new Map<Person, ChildProcess>()
  #bootstrap: string | undefined

  private constructor(root: string) {
    this.#root = root
  }

  static async open<Person extends string>(): Promise<People<Person>> {
    const people = new People<Person>(await mkdtemp(join(tmpdir(), 'hyperletter-people-')))
    const dht = people.#start(['dht', '--host', '127.0.0.1'])
    const [line] = (await once(dht.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
    const { host, port } = JSON.parse(line.toString()) as { host: string; port: number }
    people.#bootstrap = `${host}:${port}`
    return people
  }

  get bootstrap(): string {
    return this.#bootstrap ?? ''
  }

  dirOf(person: Person): string {
    return join(this.#root, person)
  }

  isOnline(person: Person): boolean {
    return this.#daemons.has(person)
  }

  /** Of a daemon. */
  pidOf(person: Person): number | undefined {
    return this.#daemons.get(person)?.pid
  }

  readonly run = async (person: Person, ...args: string[]) => {
    const child = this.#start([...args, '--data-dir', this.dirOf(person)])
    let [stdout, stderr] = ['', '']
    child.stdout?.on('data', (it: Buffer) => (stdout += it.toString()))
    child.stderr?.on('data', (it: Buffer) => (stderr += it.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, stdout, stderr }
  }

  /** @returns the JSON that it prints. */
  readonly must = async <T>(person: Person, ...args: string[]): Promise<T> => {
    const { code, stdout, stderr } = await this.run(person, ...args)
    assert(code === 0, `${args.join(' ')} of the ${person} ended with ${code}: ${stderr}`)
    return JSON.parse(stdout) as T
  }

  /** Looks at the letters of a newsletter until they are as they should be. */
  readonly until = async (
    person: Person,
    feedKey: string,
    isRight: (letters: Letters) => boolean,
  ): Promise<Letters> => {
    const deadline = Date.now() + ARRIVAL_MS
    for (;;) {
      const letters = await this.must<Letters>(person, 'letters', feedKey)
      if (isRight(letters)) return letters
      assert(Date.now() < deadline, `The ${person} has ${JSON.stringify(letters)}`)
      await pause(200)
    }
  }

  /** Starts the daemon of a person, and waits until it listens. */
  async goOnline(person: Person): Promise<void> {
    const child = this.#start(['daemon', 'run', '--data-dir', this.dirOf(person)])
    this.#daemons.set(person, child)
    child.stderr?.resume()
    const ended = once(child, 'exit').then(() => Promise.reject(new Error(`No daemon: ${person}`)))
    await Promise.race([child.stdout && once(child.stdout, 'data'), ended])
    ended.catch(() => undefined)
  }

  /** Ends the daemon of a person, if there is one. */
  async kill(person: Person, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#daemons.get(person)
    this.#daemons.delete(person)
    if (child === undefined || child.exitCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ends = [...this.#running].map((it) => (it.kill('SIGKILL'), once(it, 'exit')))
    await Promise.all(ends)
    await rm(this.#root, { recursive: true, force: true, maxRetries: 5 })
  }

  #start(args: readonly string[]): ChildProcess {
    const network = this.#bootstrap === undefined ? [] : ['--bootstrap', this.#bootstrap]
    const env = { ...process.env, XDG_CONFIG_HOME: join(this.#root, 'none') }
    const all = [LAUNCHER, ...args, '--json', ...network]
    const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'], env })
    this.#running.add(child)
    child.once('exit', () => this.#running.delete(child))
    return child
  }
}

export function assert(isTrue: boolean, what: string): asserts isTrue {
  if (!isTrue) throw new Error(what)
}
