import type { DaemonStatus } from '../../../daemon/spawn.ts'
import {
  type Commands,
  type Context,
  loadConfig,
  addSettingFlags,
  settingsIn,
} from '../../context.ts'
import { formatDuration } from '../../terminal/format.ts'
import { formatBytes } from '../../../render/plain.ts'
import { registerServiceCommands } from './daemon-service.ts'
import type { Address } from '../../../config/config.ts'
import { wholeNumber } from '../../command.ts'

export const commands: Commands = {
  daemon: (daemon, bind) => {
    daemon.examples(
      'hyperletter daemon start',
      'hyperletter daemon status',
      'hyperletter daemon stop',
    )
    addSettingFlags(daemon.command('start'))
      .description('Start the daemon and wait until it answers.')
      .examples(
        'hyperletter daemon start',
        'hyperletter daemon start --disk-cap "5 GB" --upload-limit "500 kB/s"',
      )
      .action(bind(start))
    daemon
      .command('stop')
      .description('Stop the daemon and wait.')
      .examples('hyperletter daemon stop')
      .action(bind(stop))
    daemon
      .command('status')
      .description('Show whether the daemon is running.')
      .examples('hyperletter daemon status --json')
      .action(bind(status))
    daemon
      .command('reload')
      .description('Reload the configuration of the daemon, as SIGHUP does.')
      .examples('hyperletter daemon reload')
      .action(bind(reload))
    addSettingFlags(daemon.command('run'))
      .description('Run the daemon in this terminal or under a service manager.')
      .examples('hyperletter daemon run', 'hyperletter daemon run --verbose 2>daemon.log')
      .action(bind(run))
    registerServiceCommands(daemon, bind)
  },
  dht: (command, bind) =>
    command
      .option('--port <n>', 'UDP port (default: any free one)', wholeNumber(1, 65_535))
      .examples(
        'hyperletter dht --host 192.168.1.10 --port 49737',
        'hyperletter daemon start --bootstrap 192.168.1.10:49737',
      )
      .action(bind(dht)),
}

async function start(context: Context): Promise<void> {
  const config = await loadConfig(context)
  const { signal } = context.io
  const given = settingsIn(context.options)
  const found = await context.services.startDaemon(config, { signal, given })
  await context.out.result(found, () => describe(found))
  await tellCap(context, found.diskCapBytes)
  await context.out.next('`hyperletter status` shows what is stored and served.')
}

async function stop(context: Context): Promise<void> {
  const config = await loadConfig(context)
  const { signal } = context.io
  const found = await context.services.stopDaemon(config, { signal })
  await context.out.result(found, () => 'The daemon has stopped.\n')
}

async function status(context: Context): Promise<void> {
  const found = await context.services.daemonStatus(await loadConfig(context))
  await context.out.result(found, () => describe(found))
  if (!found.running) await context.out.next('hyperletter daemon start')
}

async function reload(context: Context): Promise<void> {
  const { applied, restart } = await context.services.reloadDaemon(await loadConfig(context))
  await context.out.result({ applied, restart }, () =>
    applied.length === 0 ? 'Nothing changed.\n' : `Changed: ${applied.join(', ')}.\n`,
  )
  if (restart.length > 0) {
    await context.out.next(
      `Stop and start the daemon: ${restart.join(', ')} cannot change while it runs.`,
    )
  }
}

async function run(context: Context): Promise<void> {
  const { io, out, services } = context
  const config = await loadConfig(context)
  const { Supervisor } = await import('../../../daemon/service/supervisor.ts')
  const supervisor = new Supervisor({
    env: io.env,
    onFailure: (error) => void out.warn(`The service manager was not told: ${error.message}`),
  })
  const answers = async () => (await services.daemonStatus(config)).running
  // The line is for scripts: JSON whatever the options.
  let announced: Promise<unknown> = Promise.resolve()
  try {
    await services.runDaemon(config, {
      signal: io.signal,
      ...(io.hangUps === undefined ? {} : { hangUps: io.hangUps }),
      loadConfig: () => loadConfig(context),
      onReady: ({ socket, pid, diskCapBytes }) => {
        // A reader that leaves after this line is no reason to stop.
        const line = out
          .json({ ready: true, socket, pid })
          .then(() => tellCap(context, diskCapBytes))
          .catch(() => {})
        announced = Promise.all([line, supervisor.ready(answers)])
      },
    })
    await announced
  } finally {
    supervisor.close()
  }
}

// Nobody should find their disk taken by surprise.
async function tellCap({ out }: Context, capBytes: number | undefined): Promise<void> {
  if (capBytes === undefined) return
  const most = formatBytes(capBytes)
  await out.note(
    `Other people’s newsletters take at most ${most} on this disk; --disk-cap changes the limit.`,
  )
}

function describe(found: DaemonStatus): string {
  const { running, pid, version, socket, uptimeSeconds, temporary } = found
  if (!running) return 'The daemon is not running.\n'
  const details = [
    pid === undefined ? undefined : `process ${pid}`,
    version === undefined ? undefined : `version ${version}`,
    uptimeSeconds === undefined || uptimeSeconds < 1
      ? undefined
      : `for ${formatDuration(uptimeSeconds)}`,
  ].filter((it) => it !== undefined)
  const inside = details.length === 0 ? '' : ` (${details.join(', ')})`
  const who = temporary === true ? 'A command acts as the daemon' : 'The daemon is running'
  return `${who}${inside}.\nIt answers at ${socket}\n`
}

const DEFAULT_HOST = '127.0.0.1'

async function dht(context: Context, { port }: { port?: number }): Promise<void> {
  const { io, options, services } = context
  const { parseHost } = await import('../../../config/values.ts')
  const host = parseHost(options.host ?? (io.env['HYPERLETTER_HOST'] || DEFAULT_HOST))
  let announced = Promise.resolve()
  await services.runBootstrapNode({
    host,
    port,
    signal: io.signal,
    onReady: (address) => {
      announced = announce(context, address)
    },
  })
  await announced
}

async function announce({ out }: Context, { host, port }: Address): Promise<void> {
  // For scripts as well as people: JSON whatever the options. A reader that leaves after this line
  // is no reason to stop.
  await out.json({ host, port }).catch(() => {})
  await out.next(`Use \`--bootstrap ${host}:${port}\` with every command in this network.`)
}
