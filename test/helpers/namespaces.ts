import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'

const run = promisify(execFile)

const LAUNCHER = fileURLToPath(new URL('../../bin/hyperletter.js', import.meta.url))

/** Why there can be no rooms here, if so. */
export const NO_ROOMS = reason()

/** A machine in a room: a network namespace with one plug. */
export interface Host {
  readonly name: string
  readonly address: string
  /** Its address becomes another one, at once. */
  move(address: string): Promise<void>
  /** Pulls the plug, and puts it back. */
  unplug(): Promise<void>
  plug(): Promise<void>
  /** Lets at most so much through in either direction, and the rest wait. */
  slowDown(bitsPerSecond: number): Promise<void>
  /** Runs the real command there. It is killed when the running test ends. */
  start(args: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess
}

let rooms = 0

/**
 * Machines with the addresses 10.77.0.1, 10.77.0.2 … on one switch, and nothing else in the world. They go
 * when the running test ends.
 */
export async function openRoom(size: number): Promise<Host[]> {
  const room = `hl${process.pid}x${++rooms}`
  const hub = `${room}s`
  const names = Array.from({ length: size }, (_, i) => `${room}h${i + 1}`)
  onTestFinished(async () => {
    for (const name of [hub, ...names]) await ip('netns', 'del', name).catch(() => undefined)
  })
  await ip('netns', 'add', hub)
  await ip('-n', hub, 'link', 'add', 'switch', 'type', 'bridge')
  await ip('-n', hub, 'link', 'set', 'switch', 'up')
  const hosts: Host[] = []
  for (const [i, name] of names.entries()) {
    await ip('netns', 'add', name)
    await ip('-n', name, 'link', 'set', 'lo', 'up')
    const port = `p${i + 1}`
    await ip('-n', hub, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'plug', 'netns', name)
    await ip('-n', hub, 'link', 'set', port, 'master', 'switch', 'up')
    hosts.push(await hostOf({ name, hub, port }, `10.77.0.${i + 1}`))
  }
  return hosts
}

/** The first line that a process prints, as JSON. */
export async function readyLine<T>({ stdout }: ChildProcess): Promise<T> {
  if (stdout === null) throw new Error('The process has no output.')
  const lines = createInterface({ input: stdout })
  const [line] = (await once(lines, 'line')) as [string]
  return JSON.parse(line) as T
}

interface Place {
  readonly name: string
  readonly hub: string
  readonly port: string
}

async function hostOf({ name, hub, port }: Place, first: string): Promise<Host> {
  let address = first
  const settle = async () => {
    await ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'plug')
    await ip('-n', name, 'link', 'set', 'plug', 'up')
    // Multicast and whatever asks for a way out need a route.
    await ip('-n', name, 'route', 'add', 'default', 'dev', 'plug').catch(() => undefined)
  }
  await settle()
  return {
    name,
    get address() {
      return address
    },
    move: async (next) => {
      await ip('-n', name, 'addr', 'flush', 'dev', 'plug')
      address = next
      await settle()
    },
    unplug: async () => void (await ip('-n', hub, 'link', 'set', port, 'down')),
    plug: async () => void (await ip('-n', hub, 'link', 'set', port, 'up')),
    slowDown: async (bitsPerSecond) => {
      const shape = ['tbf', 'rate', `${bitsPerSecond}bit`, 'burst', '16kb', 'latency', '200ms']
      await run('tc', ['-n', name, 'qdisc', 'replace', 'dev', 'plug', 'root', ...shape])
      await run('tc', ['-n', hub, 'qdisc', 'replace', 'dev', port, 'root', ...shape])
    },
    start: (args, env = {}) => {
      const command = ['netns', 'exec', name, process.execPath, LAUNCHER, ...args]
      const child = spawn('ip', command, {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      onTestFinished(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return
        child.kill('SIGKILL')
        await once(child, 'exit')
      })
      return child
    },
  }
}

function ip(...args: readonly string[]) {
  return run('ip', args)
}

function reason(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    return 'Network namespaces need root on Linux.'
  }
  const name = `hl${process.pid}try`
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'ignore' })
    execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'This machine makes no network namespaces (`ip netns add` fails).'
  }
}
