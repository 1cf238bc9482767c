import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { median } from '../measure.ts'
import { cpuMs } from '../processes.ts'
import { LineProcess } from '../swarm/lines.ts'

const HELP = `Usage: npm run bench:pair -- [options]

Two peers on one machine without any limit between them: how fast one gets everything from the other, over UDX and
over TCP, and what processor time that takes. Bare encrypted streams, plain Hypercore and BitTorrent beside them. In a
network namespace of its own, with loopback and one network in which peers find each other.

  --only <row>   part of a row's name; may be repeated
  --block <KiB>  of the log: 64, 16 or 4; may be repeated; default: 64
  --size <MiB>   a multiple of 16; default: 256
  --runs <n>     rounds; the table has medians; default: 3
  --help         show this

Needs root on Linux, ip (iproute2), and for BitTorrent python3-libtorrent.
`

/** Of the namespace, in a network that is not loopback: peers look for each other in such ones. */
const ADDRESS = '10.78.0.1'
const DHT_PORT = '49737'

const GIB = 1024 ** 3
const SPACE = `pair${process.pid}`
const LAUNCHER = fileURLToPath(new URL('../../bin/hyperletter.js', import.meta.url))
const run = promisify(execFile)

interface Measured {
  /** From the first bytes to the last. */
  readonly mbPerSecond: number
  /** From the moment that it was asked for: until they have met, too. */
  readonly metMbPerSecond: number
  readonly sendCpu: number
  readonly takeCpu: number
}

interface Row {
  readonly name: string
  readonly measure: (dir: string) => Promise<Measured>
}

const { values: given } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    block: { type: 'string', multiple: true, default: ['64'] },
    size: { type: 'string', default: '256' },
    runs: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
})
const sizeBytes = Number(given.size) * 1024 * 1024

const TRANSPORTS = ['udx', 'tcp'] as const
type Transport = (typeof TRANSPORTS)[number]

const LARGEST_BLOCK = Math.max(...given.block.map(Number))

const rowsOver = (transport: Transport): Row[] => {
  const over = `over ${transport.toUpperCase()}`
  const bare = (script: string, blockKib: number) => (dir: string) =>
    bareTransfer(script, dir, transport, blockKib)
  return [
    { name: `encrypted stream ${over}`, measure: bare('stream.js', LARGEST_BLOCK) },
    ...given.block.map(Number).flatMap((kib) => [
      { name: `plain Hypercore ${over}, ${kib} KiB`, measure: bare('hypercore.js', kib) },
      {
        name: `Hyperletter ${over}, ${kib} KiB`,
        measure: (dir: string) => hyperletter(dir, transport, kib),
      },
    ]),
  ]
}

const ROWS: readonly Row[] = [
  ...TRANSPORTS.flatMap(rowsOver),
  { name: 'BitTorrent over TCP', measure: bitTorrent },
]

/** What a row has to reach: in times the MB/s of another one at least, or in times its processor time at most. */
const GOALS: readonly (readonly [string, 'MB/s' | 'CPU', number, string])[] = [
  ['Hyperletter over UDX, 64 KiB', 'MB/s', 0.75, 'encrypted stream over UDX'],
  ['Hyperletter over TCP, 64 KiB', 'MB/s', 1.2, 'BitTorrent over TCP'],
  ['Hyperletter over UDX, 64 KiB', 'CPU', 1.7, 'encrypted stream over UDX'],
  ['Hyperletter over TCP, 64 KiB', 'CPU', 0.7, 'plain Hypercore over TCP, 64 KiB'],
  ['Hyperletter over TCP, 16 KiB', 'CPU', 0.5, 'plain Hypercore over TCP, 16 KiB'],
  ['Hyperletter over TCP, 4 KiB', 'CPU', 0.33, 'plain Hypercore over TCP, 4 KiB'],
]

const running = new Set<LineProcess>()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Whoever waits for one of them fails, and so everything ends.
  process.once(signal, () => void stopAll())
}

if (given.help) process.stdout.write(HELP)
else await main()

async function main(): Promise<void> {
  const rows = ROWS.filter(
    ({ name }) => given.only?.some((it) => name.toLowerCase().includes(it.toLowerCase())) ?? true,
  )
  const measured = new Map<string, Measured[]>(rows.map(({ name }) => [name, []]))
  await openSpace()
  try {
    for (let round = 0; round < Number(given.runs); round++) {
      for (const row of rows) measured.get(row.name)?.push(await measureOnce(row))
    }
  } finally {
    await stopAll()
    await run('ip', ['netns', 'delete', SPACE])
  }
  print(measured)
}

async function measureOnce({ name, measure }: Row): Promise<Measured> {
  const dir = await mkdtemp(join(tmpdir(), 'hyperletter-pair-'))
  try {
    const result = await measure(dir)
    process.stderr.write(`${name}: ${result.mbPerSecond.toFixed(0)} MB/s\n`)
    return result
  } finally {
    await stopAll()
    await rm(dir, { recursive: true, force: true })
  }
}

function print(measured: ReadonlyMap<string, readonly Measured[]>): void {
  const of = (name: string, what: keyof Measured) =>
    median((measured.get(name) ?? []).map((it) => it[what]))
  const lines = [...measured.keys()].map((name) => {
    const cells = [
      of(name, 'mbPerSecond').toFixed(0),
      of(name, 'metMbPerSecond').toFixed(0),
      of(name, 'sendCpu').toFixed(1),
      of(name, 'takeCpu').toFixed(1),
    ]
    return `| ${[name, ...cells].join(' | ')} |`
  })
  const cpu = (name: string) => of(name, 'sendCpu') + of(name, 'takeCpu')
  const goals = GOALS.filter(([name, , , other]) => measured.has(name) && measured.has(other))
  const verdicts = goals.map(([name, unit, goal, other]) => {
    const value = unit === 'CPU' ? cpu : (it: string) => of(it, 'mbPerSecond')
    const ratio = value(name) / value(other)
    return `${unit} of ${name}: ${ratio.toFixed(2)} × ${other} (goal ${goal})`
  })
  process.stdout.write(
    [
      `One pair, ${given.size} MiB; ${cpus().length} processors, Node ${process.versions.node}`,
      '',
      '| | MB/s | with meeting | CPU s/GiB of who sends | of who takes |',
      '| --- | ---: | ---: | ---: | ---: |',
      ...lines,
      '',
      ...verdicts,
      '',
    ].join('\n'),
  )
}

async function openSpace(): Promise<void> {
  await run('ip', ['netns', 'add', SPACE])
  const inside = (...args: string[]) => run('ip', ['-n', SPACE, ...args])
  await inside('link', 'set', 'lo', 'up')
  await inside('link', 'add', 'room', 'type', 'veth', 'peer', 'name', 'wall')
  await inside('addr', 'add', `${ADDRESS}/24`, 'dev', 'room')
  for (const it of ['room', 'wall']) await inside('link', 'set', it, 'up')
}

function start(argv: readonly string[], env: NodeJS.ProcessEnv = {}): LineProcess {
  const child = new LineProcess(['ip', 'netns', 'exec', SPACE, ...argv], { ...process.env, ...env })
  running.add(child)
  return child
}

async function stopAll(): Promise<void> {
  await Promise.all([...running].map((it) => it.stop()))
  running.clear()
}

async function bareTransfer(
  script: string,
  dir: string,
  transport: Transport,
  blockKib: number,
): Promise<Measured> {
  const peer = (role: string) =>
    start([...node(script), transport, role, `${sizeBytes}`, `${blockKib * 1024}`, join(dir, role)])
  const [sender, taker] = [peer('send'), peer('take')]
  await Promise.all([sender.next(), taker.next()])
  return transfer(sender, taker)
}

async function hyperletter(dir: string, transport: Transport, blockKib: number): Promise<Measured> {
  const isTcp = transport === 'tcp'
  // Nobody is there in the one case; in the other the peers bind loopback alone, and so look for nobody.
  const bootstrap = isTcp ? `${ADDRESS}:1` : `127.0.0.1:${DHT_PORT}`
  if (!isTcp) {
    const dht = ['dht', '--host', '127.0.0.1', '--port', DHT_PORT, '--json', '--quiet']
    await start([process.execPath, LAUNCHER, ...dht]).next()
  }
  const peer = (name: string, ...rest: string[]) =>
    start([...node('hyperletter.ts'), join(dir, name), bootstrap, ...rest], {
      XDG_CONFIG_HOME: dir,
    })
  const sender = peer('sender', `${sizeBytes}`, `${blockKib}`)
  const { link } = JSON.parse((await sender.next()).line) as { link: string }
  const taker = peer('taker', 'link', link)
  await taker.next()
  return transfer(sender, taker, ({ tcp }) => {
    if (tcp !== Number(isTcp)) throw new Error(`It did not run over ${transport.toUpperCase()}.`)
  })
}

interface Last {
  readonly tcp?: number
}

async function transfer(
  sender: LineProcess,
  taker: LineProcess,
  check: (last: Last) => void = () => undefined,
): Promise<Measured> {
  const beganMs = performance.now()
  taker.say('begin')
  const first = await taker.next()
  const before = await cpuOf(sender, taker)
  const last = await taker.next()
  const after = await cpuOf(sender, taker)
  check(JSON.parse(last.line) as Last)
  const times = { ms: last.atMs - first.atMs, metMs: last.atMs - beganMs }
  return resultOf(sizeBytes, times, before, after)
}

async function bitTorrent(dir: string): Promise<Measured> {
  const script = fileURLToPath(new URL('../swarm/peers/bittorrent.py', import.meta.url))
  const peer = (address: string, rest: object) =>
    start([
      '/usr/bin/python3',
      script,
      JSON.stringify({ dir: join(dir, address), address, torrent: join(dir, 't'), ...rest }),
    ])
  const sender = peer('127.0.0.1', { files: 1, sizeBytes })
  await sender.next()
  const taker = peer('127.0.0.2', { others: ['127.0.0.1'] })
  await taker.next()
  const before = await cpuOf(sender, taker)
  taker.say('begin')
  const { points } = JSON.parse((await taker.next()).line) as { points: [number, number][] }
  const after = await cpuOf(sender, taker)
  const first = points.findLast(([, bytes]) => bytes === 0) ?? [0, 0]
  const [lastMs] = points.at(-1) ?? [0]
  return resultOf(sizeBytes, { ms: lastMs - first[0], metMs: lastMs }, before, after)
}

type Cpu = readonly [send: number, take: number]

async function cpuOf(sender: LineProcess, taker: LineProcess): Promise<Cpu> {
  return [(await cpuMs(sender.pid)) ?? 0, (await cpuMs(taker.pid)) ?? 0]
}

interface Times {
  readonly ms: number
  readonly metMs: number
}

function resultOf(bytes: number, { ms, metMs }: Times, before: Cpu, after: Cpu): Measured {
  const perGib = (cpu: number) => (cpu / 1_000) * (GIB / bytes)
  return {
    mbPerSecond: bytes / 1_000 / ms,
    metMbPerSecond: bytes / 1_000 / metMs,
    sendCpu: perGib(after[0] - before[0]),
    takeCpu: perGib(after[1] - before[1]),
  }
}

function node(script: string): string[] {
  const loader = script.endsWith('.ts') ? ['--import', 'tsx'] : []
  return [process.execPath, ...loader, fileURLToPath(new URL(`peers/${script}`, import.meta.url))]
}
