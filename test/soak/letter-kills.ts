/**
 * Kills the daemon of a writer, a carrier or an author with SIGKILL while a letter is written or on its way, again and
 * again. In the end each letter that was acknowledged has reached the author once; of one that was not, its writer is
 * told what became of it, or it does not exist.
 *
 * npm run soak:letters -- --rounds 100 [--seed 1]
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { LAUNCHER, random, roundsOr, seed } from './rounds.ts'

/** For a letter to arrive once everybody is there. */
const ARRIVAL_MS = 120_000

const PEOPLE = ['writer', 'carrier', 'author'] as const
type Person = (typeof PEOPLE)[number]

interface Letters {
  readonly mine: readonly { readonly text: string; readonly state: string }[]
  readonly waiting: readonly { readonly text: string }[]
  readonly wanted: boolean
}

const rounds = roundsOr(20)

const root = await mkdtemp(join(tmpdir(), 'hyperletter-letters-'))
const running = new Set<ChildProcess>()
const daemons = new Map<Person, ChildProcess>()
let bootstrap: string | undefined

function start(args: readonly string[]): ChildProcess {
  const network = bootstrap === undefined ? [] : ['--bootstrap', bootstrap]
  const env = { ...process.env, XDG_CONFIG_HOME: join(root, 'none') }
  const all = [LAUNCHER, ...args, '--json', ...network]
  const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'], env })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

async function run(person: Person, ...args: string[]) {
  const child = start([...args, '--data-dir', join(root, person)])
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (it: Buffer) => (stdout += it.toString()))
  child.stderr?.on('data', (it: Buffer) => (stderr += it.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

async function must<T>(person: Person, ...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await run(person, ...args)
  if (code !== 0)
    throw new Error(`${args.join(' ')} of the ${person} ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as T
}

async function goOnline(person: Person): Promise<void> {
  const child = start(['daemon', 'run', '--data-dir', join(root, person)])
  daemons.set(person, child)
  child.stderr?.resume()
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`No daemon: ${person}`)))
  await Promise.race([child.stdout && once(child.stdout, 'data'), ended])
  ended.catch(() => undefined)
}

async function kill(person: Person): Promise<void> {
  const child = daemons.get(person)
  daemons.delete(person)
  if (child === undefined || child.exitCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

function assert(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what)
}

/** Looks at a list until it is as it should be. */
async function until(
  person: Person,
  feedKey: string,
  isRight: (letters: Letters) => boolean,
): Promise<Letters> {
  const deadline = Date.now() + ARRIVAL_MS
  for (;;) {
    const letters = await must<Letters>(person, 'letters', feedKey)
    if (isRight(letters)) return letters
    assert(Date.now() < deadline, `The ${person} has ${JSON.stringify(letters)}`)
    await pause(200)
  }
}

async function soak(): Promise<void> {
  const dht = start(['dht', '--host', '127.0.0.1'])
  const [line] = (await once(dht.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  const { host, port } = JSON.parse(line.toString()) as { host: string; port: number }
  bootstrap = `${host}:${port}`
  const { feedKey, link } = await must<{ feedKey: string; link: string }>(
    ...(['author', 'create', 'Soak', '--no-confirm'] as const),
  )
  await must('author', 'edit', feedKey, '--letters', 'admitted')
  const { code } = await must<{ code: string }>('author', 'admit', feedKey)
  await goOnline('author')
  for (const it of ['carrier', 'writer'] as const) {
    await goOnline(it)
    await must(it, 'subscribe', link, '--timeout', '60')
    await until(it, feedKey, ({ wanted }) => wanted)
  }

  const acknowledged = new Set<string>()
  const killed = { writer: 0, carrier: 0, author: 0 }
  let usualMs = 1_500
  for (let round = 0; round < rounds; round++) {
    const victim = PEOPLE[round % PEOPLE.length] as Person
    const text = `Letter ${round} of ${seed}`
    // Each other time the author is not there, and the carrier has to take it.
    const isAway = victim !== 'author' && random() < 0.5
    if (isAway) await kill('author')
    const begun = Date.now()
    const written = run('writer', 'write', feedKey, '--text', text, '--code', code, '--wait', '5')
    await pause(random() * 1.5 * usualMs)
    await kill(victim)
    killed[victim]++
    const { code: exit } = await written
    if (exit === 0) {
      acknowledged.add(text)
      usualMs = (usualMs + Math.min(Date.now() - begun, 3_000)) / 2
    }
    for (const it of PEOPLE) if (!daemons.has(it)) await goOnline(it)
    process.stderr.write(
      `round ${round + 1}: ${victim} killed, ${exit === 0 ? '' : 'not '}written\n`,
    )
  }

  const { mine } = await until('writer', feedKey, (it) =>
    it.mine.every((letter) => letter.state === 'received'),
  )
  const { waiting } = await must<Letters>('author', 'letters', feedKey)
  const arrived = waiting.map((it) => it.text)
  assert(new Set(arrived).size === arrived.length, `A letter arrived twice: ${arrived.join(', ')}`)
  const told = mine.map((it) => it.text)
  assert(new Set(told).size === told.length, `A letter is listed twice: ${told.join(', ')}`)
  for (const it of acknowledged) assert(told.includes(it), `${it} was acknowledged, and is lost`)
  assert(
    arrived.toSorted().join('\n') === told.toSorted().join('\n'),
    `The author has ${arrived.join(', ')}; the writer was told of ${told.join(', ')}`,
  )
  const { writer, carrier, author } = killed
  process.stdout.write(
    `${rounds} rounds, killed: writer ${writer}, carrier ${carrier}, author ${author}; ${acknowledged.size} letters acknowledged, ${arrived.length} arrived, each once\n`,
  )
}

try {
  await soak()
} finally {
  for (const it of running) it.kill('SIGKILL')
  await rm(root, { recursive: true, force: true, maxRetries: 5 })
}
