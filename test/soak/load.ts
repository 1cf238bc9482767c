/**
 * A daemon, by the real command, under everything at once that strangers can do to it: a peer for each replication flood,
 * connections to its web reader that send nothing, and requests that never end, each begun anew as soon as it is cut
 * off. Meanwhile it is asked for its status, a browser reads, and a reader who never met it subscribes.
 *
 * npm run soak:load -- --seconds 20 [--slack 1]
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { remoteOperations, requestReader } from '../../src/api/socket/client.ts'
import { FLOODS } from '../helpers/floods.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/hyperletter.js', import.meta.url))
const HOSTILE_PEERS = fileURLToPath(new URL('../helpers/hostile-process.ts', import.meta.url))

const SILENT_CONNECTIONS = 500
const SLOW_REQUESTS = 300

/** What is promised. */
const MAX_STATUS_MS = 1_000
const MAX_GROWTH_MIB = 50

/** How often each slow request sends something. */
const DRIP_MS = 500

/** How soon each connection is opened again. */
const AGAIN_MS = 200

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    /** By how much what is promised may be missed, on a machine that has other things to do. */
    slack: { type: 'string', default: '1' },
    /** Of the process that opens connections: to which port. */
    attack: { type: 'string' },
  },
})

if (values.attack === undefined) await measure()
else attack(Number(values.attack))

/** Opens connections, and each again when it ends, until the process is killed. */
function attack(port: number): void {
  const begin = (onConnect: (socket: Socket) => void) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.once('connect', () => onConnect(socket))
    socket.once('close', () => setTimeout(() => begin(onConnect), AGAIN_MS))
    socket.resume()
  }
  for (let i = 0; i < SILENT_CONNECTIONS; i++) begin(() => undefined)
  for (let i = 0; i < SLOW_REQUESTS; i++) {
    begin((socket) => {
      socket.write('POST /add HTTP/1.1\r\nHost: 127.0.0.1\r\n')
      const drip = setInterval(() => socket.write('X: y\r\n'), DRIP_MS)
      socket.once('close', () => clearInterval(drip))
    })
  }
  process.stdout.write('begun\n')
}

async function measure(): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'hyperletter-load-'))
  const children: ChildProcess[] = []
  const env = { ...process.env, XDG_CONFIG_HOME: join(root, 'none') }
  const start = (args: readonly string[]): ChildProcess => {
    const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'ignore'] })
    children.push(child)
    return child
  }
  const command = (...args: readonly string[]) => start([LAUNCHER, '--json', ...args])
  const result = async (child: ChildProcess, input = '') => {
    child.stdin?.end(input)
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new Error(`${child.spawnargs.slice(3).join(' ')} ended with ${code}.`)
    return JSON.parse(text.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
  }
  try {
    const dht = JSON.parse(await firstLine(command('dht', '--host', '127.0.0.1'))) as {
      host: string
      port: number
    }
    const bootstrap = `${dht.host}:${dht.port}`
    const of = (name: string) => ['--data-dir', join(root, name), '--bootstrap', bootstrap]
    const created = await result(command('create', 'Tides', '--no-confirm', ...of('author')))
    const feedKey = String(created['feedKey'])
    for (let i = 1; i <= 3; i++) {
      await result(command('publish', '-', ...of('author')), `# Issue ${i}\n\nHigh water.\n`)
    }
    const daemon = command('daemon', 'run', ...of('author'))
    await firstLine(daemon)
    const socketPath = join(root, 'author', 'daemon.sock')
    const operations = remoteOperations(socketPath)
    const browser = await openBrowser(await requestReader(socketPath, {}))
    for (let i = 0; i < 20; i++) await Promise.all([operations.status({}), browser.read()])
    const before = await residentMib(daemon)

    const kinds = Object.keys(FLOODS)
    const flood = [HOSTILE_PEERS, bootstrap, feedKey, kinds.join(','), root]
    const floods = start(['--import', 'tsx', ...flood])
    await firstLine(floods)
    const port = String(browser.port)
    await firstLine(start(['--import', 'tsx', fileURLToPath(import.meta.url), '--attack', port]))

    const status: number[] = []
    const pages: number[] = []
    let peak = before
    let readers = 0
    let refused = 0
    const end = performance.now() + Number(values.seconds) * 1_000
    const reading = (async () => {
      for (let i = 1; performance.now() < end; i++) {
        const reader = `reader-${i}`
        await result(command('subscribe', feedKey, ...of(reader)))
        readers++
      }
    })()
    reading.catch(() => undefined)
    while (performance.now() < end) {
      status.push(await timeOf(() => operations.status({})))
      await timeOf(() => browser.read()).then(
        (ms) => pages.push(ms),
        () => refused++,
      )
      peak = Math.max(peak, await residentMib(daemon))
      await pause(50)
    }
    await reading
    const slowest = Math.max(...status)
    const slack = Number(values.slack)
    const isGood =
      slowest <= slack * MAX_STATUS_MS && peak - before <= slack * MAX_GROWTH_MIB && readers > 0
    const report = {
      date: new Date().toISOString(),
      cores: cpus().length,
      seconds: Number(values.seconds),
      floods: kinds.length,
      silentConnections: SILENT_CONNECTIONS,
      slowRequests: SLOW_REQUESTS,
      statusMs: { median: median(status), slowest: Math.round(slowest) },
      pageMs: {
        median: median(pages),
        slowest: Math.round(Math.max(...pages)),
        refused,
        read: pages.length,
      },
      newReaders: readers,
      residentMib: { before: Math.round(before), peak: Math.round(peak) },
      isGood,
    }
    process.stdout.write(`${JSON.stringify(report)}\n`)
    process.exitCode = isGood ? 0 : 1
  } finally {
    for (const child of children) child.kill('SIGKILL')
    await pause(200)
    await rm(root, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** A browser that was let in. */
async function openBrowser(address: string) {
  const { origin, port } = new URL(address)
  const entered = await fetch(address, { redirect: 'manual' })
  const [cookie = ''] = entered.headers.getSetCookie()
  const headers = { cookie: cookie.split(';', 1)[0] ?? '' }
  const read = async () => {
    // On a connection of its own each time, as a browser has it that was not here for a while.
    const request = get(`${origin}/newsletters`, { headers, agent: false, timeout: 30_000 })
    request.once('timeout', () => request.destroy())
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    let page = ''
    for await (const chunk of response) page += String(chunk)
    if (!page.includes('Tides')) throw new Error('It shows something else.')
  }
  return { port: Number(port), read }
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('The child has no output.')
  const [line] = (await once(createInterface({ input: stdout }), 'line')) as [string]
  return line
}

async function residentMib({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_024
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

function median(numbers: readonly number[]): number {
  return Math.round(numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN)
}
