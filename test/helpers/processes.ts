import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { Config } from '../../src/config/config.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const LAUNCHER = fileURLToPath(new URL('../../bin/hyperletter.js', import.meta.url))

/** Another process of Node.js in the folder of this project, killed when the running test ends. */
export function startNode(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(async () => void (await kill(child, 'SIGKILL')))
  return child
}

/** Sends a signal and waits for the end. @returns the exit code, or null if the signal ended it. */
export async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }
  return child.exitCode
}

/** The first line that a process prints. Fails with what it complained of if it ends before. */
export async function firstLine({ stdout, stderr }: ChildProcess): Promise<string> {
  if (stdout === null || stderr === null) throw new Error('The process has no pipes.')
  let complaint = ''
  stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
  for await (const line of createInterface({ input: stdout })) {
    // Kept flowing, so that the process never waits for us.
    stdout.resume()
    return line
  }
  throw new Error(`The process ended without a word: ${complaint}`)
}

/** A daemon by the real command, that listens already. */
export async function startRealDaemon(config: Config): Promise<ChildProcess> {
  const { dataDir, bootstrap = [] } = config
  const addresses = bootstrap.map(({ host, port }) => `${host}:${port}`).join(',')
  const flags = ['--json', '--data-dir', dataDir, '--bootstrap', addresses]
  const child = startNode([LAUNCHER, 'daemon', 'run', ...flags])
  await firstLine(child)
  return child
}

/** A process that is not ours and keeps the store of a data directory open. */
export async function holdStore({ storeDir }: Config): Promise<ChildProcess> {
  const script = `
    import Corestore from 'corestore'
    const store = new Corestore(${JSON.stringify(storeDir)})
    await store.ready()
    console.log('held')
    setInterval(() => undefined, 60_000)`
  const child = startNode(['--input-type=module', '--eval', script])
  await firstLine(child)
  return child
}
