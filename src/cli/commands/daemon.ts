import type { Command } from 'commander'
import type { DaemonStatus } from '../../daemon/spawn.ts'
import { examples, type Bind } from '../command.ts'
import { loadConfig, type Context } from '../context.ts'
import { formatDuration } from '../terminal/format.ts'

export function register(program: Command, bind: Bind): void {
  const daemon = program
    .command('daemon')
    .description('Run in the background: fetch new issues and pass them on.')
    .addHelpText(
      'after',
      examples('hyperletter daemon start', 'hyperletter daemon status', 'hyperletter daemon stop'),
    )
  daemon
    .command('start')
    .description('Start the daemon; returns when it answers.')
    .addHelpText('after', examples('hyperletter daemon start'))
    .action(bind(start))
  daemon
    .command('stop')
    .description('Stop the daemon; returns when it has closed everything.')
    .addHelpText('after', examples('hyperletter daemon stop'))
    .action(bind(stop))
  daemon
    .command('status')
    .description('Say whether the daemon runs.')
    .addHelpText('after', examples('hyperletter daemon status --json'))
    .action(bind(status))
  daemon
    .command('run')
    .description('Run the daemon in this terminal or under a service manager.')
    .addHelpText(
      'after',
      examples('hyperletter daemon run', 'hyperletter daemon run --verbose 2>daemon.log'),
    )
    .action(bind(run))
}

async function start(context: Context): Promise<void> {
  const config = await loadConfig(context)
  const { signal } = context.io
  const found = await context.services.startDaemon(config, { signal })
  await context.out.result(found, () => describe(found))
  await context.out.next('`hyperletter status` shows what it holds and passes on.')
}

async function stop(context: Context): Promise<void> {
  const config = await loadConfig(context)
  const { signal } = context.io
  const found = await context.services.stopDaemon(config, { signal })
  await context.out.result(found, () => 'The daemon has stopped. Nothing is passed on now.\n')
}

async function status(context: Context): Promise<void> {
  const found = await context.services.daemonStatus(await loadConfig(context))
  await context.out.result(found, () => describe(found))
  if (!found.running) await context.out.next('hyperletter daemon start')
}

async function run(context: Context): Promise<void> {
  const { io, out } = context
  const config = await loadConfig(context)
  // The line is for service managers and scripts: JSON whatever the options.
  let announced = Promise.resolve()
  await context.services.runDaemon(config, {
    signal: io.signal,
    onReady: ({ socket, pid }) => {
      // A reader that leaves after this line is no reason to stop.
      announced = out.json({ ready: true, socket, pid }).catch(() => {})
    },
  })
  await announced
}

function describe({ running, pid, version, socket, uptimeSeconds }: DaemonStatus): string {
  if (!running) return 'The daemon is not running.\n'
  const details = [
    pid === undefined ? undefined : `process ${pid}`,
    version === undefined ? undefined : `version ${version}`,
    uptimeSeconds === undefined || uptimeSeconds < 1
      ? undefined
      : `for ${formatDuration(uptimeSeconds)}`,
  ].filter((it) => it !== undefined)
  const inside = details.length === 0 ? '' : ` (${details.join(', ')})`
  return `The daemon is running${inside}.\nIt answers at ${socket}\n`
}
