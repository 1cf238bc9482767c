import { fileURLToPath } from 'node:url'
import { runCommand, type Child } from './child.ts'
import { jsonOf } from './cli.ts'
import type { Host } from './namespaces.ts'

export const LAUNCHER = fileURLToPath(new URL('../../bin/hyperletter.js', import.meta.url))

/** Runs Node on a host; killed when the running test ends. */
export function nodeOn(
  { name }: Host,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Child {
  return runCommand('ip', ['netns', 'exec', name, process.execPath, ...args], env)
}

/** Starts the real command on a host. */
export function startOn(
  host: Host,
  dataDir: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Child {
  // No settings of whoever runs the tests.
  const own = { XDG_CONFIG_HOME: dataDir, ...env }
  return nodeOn(host, [LAUNCHER, '--data-dir', dataDir, '--json', ...args], own)
}

/** Runs the real command on a host to its end. @returns what it printed as JSON @throws if it fails */
export async function runOn(
  host: Host,
  dataDir: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<unknown> {
  const child = startOn(host, dataDir, args, env)
  const code = await child.ended()
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${child.stderr()}`)
  const lines = child.stdout().trim().split('\n')
  return jsonOf(lines.at(-1) ?? '')
}

/** A daemon on a host that is ready. */
export async function daemonOn(
  host: Host,
  dataDir: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Child> {
  const daemon = startOn(host, dataDir, ['daemon', 'run'], env)
  await daemon.line(/"ready":true/)
  return daemon
}
