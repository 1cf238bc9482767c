import { existsSync } from 'node:fs'
import type { Config } from '../../../config/config.ts'
import type { Service } from '../../../daemon/service/service.ts'
import { type CliCommand, wholeNumber } from '../../command.ts'
import { type Bind, type Context, loadConfig, addSettingFlags, settingsIn } from '../../context.ts'
import { singleLine } from '../../../render/plain.ts'
import type { Style } from '../../terminal/format.ts'
import { attempt } from '../../../errors.ts'

const DEFAULT_LINES = 50

/** Adds `logs`, `install` and `uninstall` to `daemon`. */
export function registerServiceCommands(daemon: CliCommand, bind: Bind): void {
  daemon
    .command('logs')
    .description('Show the log of the daemon, in the background or as a service.')
    .option('--follow', 'print new lines as they are written')
    .option('--lines <n>', 'number of lines to show', wholeNumber(0, 1_000_000), DEFAULT_LINES)
    .examples(
      'hyperletter daemon logs --lines 20',
      'hyperletter daemon logs --follow',
      `hyperletter daemon logs --json | jq 'select(.level >= 40)'`,
    )
    .action(bind(logs))
  addSettingFlags(daemon.command('install'))
    .description(
      'Install a service that starts the daemon with the current flags and variables, and have the desktop open hyperletter:// links.',
    )
    .option('--print', 'print the service definition without installing it')
    .examples('hyperletter daemon install', 'hyperletter daemon install --print')
    .action(bind(install))
  daemon
    .command('uninstall')
    .description('Remove the installed service; your newsletters stay.')
    .examples('hyperletter daemon uninstall')
    .action(bind(uninstall))
}

async function install(context: Context, { print }: { print?: boolean }): Promise<void> {
  const { out, services } = context
  const { installService, lingers } = await import('../../../daemon/service/service.ts')
  const config = await loadConfig(context)
  const service = await serviceHere(context)
  const { manager, file, text } = service
  const described = { manager, file: file ?? null, text }
  const links = print === true ? [] : await installLinks(context, config)
  if (print === true || manager === 'none') {
    const lines = links.map((it) => `${it}\n`).join('')
    await out.result({ ...described, done: links }, () => lines + text)
    if (manager === 'none' && print !== true) {
      await out.next('Add this line to the startup configuration of your system.')
    }
    return
  }
  const started = await installService(service, async () => {
    if (!(await services.daemonStatus(config)).running) return undefined
    await services.stopDaemon(config, { signal: context.io.signal })
    return 'stopped the running daemon'
  })
  const done = [...links, ...started]
  await out.result({ ...described, done }, () => done.map((it) => `${it}\n`).join(''))
  for (const name of service.leftOut) {
    await out.warn(
      `${name} is a secret and is not in the service definition: put it into the settings file.`,
    )
  }
  if (manager === 'systemd' && !lingers()) {
    await out.next('Run `loginctl enable-linger` to keep it running while you are logged out.')
  } else {
    await out.next('`hyperletter daemon status` shows that it runs.')
  }
}

async function uninstall(context: Context): Promise<void> {
  const { uninstallService } = await import('../../../daemon/service/service.ts')
  const service = await serviceHere(context)
  const { uninstallLinkHandler } = await import('../../../daemon/service/link-handler.ts')
  const handler = await linkHandlerHere(context, await loadConfig(context))
  const links = handler === undefined ? [] : await uninstallLinkHandler(handler)
  const done = [...links, ...(await uninstallService(service))]
  await context.out.result({ manager: service.manager, file: service.file ?? null, done }, () =>
    done.length === 0 ? 'No service is installed.\n' : done.map((it) => `${it}\n`).join(''),
  )
}

async function installLinks(context: Context, config: Config): Promise<readonly string[]> {
  const { installLinkHandler } = await import('../../../daemon/service/link-handler.ts')
  const handler = await linkHandlerHere(context, config)
  return handler === undefined ? [] : installLinkHandler(handler)
}

async function linkHandlerHere({ io }: Context, { dataDir }: Config) {
  const { linkHandlerOf } = await import('../../../daemon/service/link-handler.ts')
  const { openCommand } = await import('../../../daemon/service/definitions.ts')
  return linkHandlerOf(openCommand(dataDir), io.env)
}

/** What `daemon install` does, or did, on this machine. */
async function serviceHere(context: Context): Promise<Service> {
  const { givenSettings } = await import('../../../config/config.ts')
  const { serviceOf } = await import('../../../daemon/service/service.ts')
  const { io, options } = context
  const given = await givenSettings(settingsIn(options), io.env)
  return serviceOf(await loadConfig(context), { given, env: io.env })
}

async function logs(
  context: Context,
  { follow, lines }: { readonly follow?: boolean; readonly lines: number },
): Promise<void> {
  const { io, options, out } = context
  const print = (line: string) =>
    out.text(`${options.json === true ? line : formatLogLine(line, out.style)}\n`)
  const { manager, file } = await serviceHere(context)
  if (manager === 'systemd' && file !== undefined && existsSync(file)) {
    const { journalLines } = await import('../../../daemon/log-lines.ts')
    const wanted = { count: lines, follow: follow === true, signal: io.signal }
    for await (const line of journalLines(wanted)) await print(line)
    return
  }
  const { logFile } = await loadConfig(context)
  const { followLines, lastLines } = await import('../../../daemon/log-lines.ts')
  const end = await lastLines(logFile, lines)
  if (end.lines.length === 0 && lines > 0) {
    await out.note(`The log ${logFile} is empty.`)
    await out.next('A system-wide service logs to the journal: `journalctl -u hyperletter`.')
  }
  for (const line of end.lines) await print(line)
  if (follow !== true) return
  for await (const line of followLines(logFile, end.at, io.signal)) await print(line)
}

/** Names of pino's numbers. */
const LEVELS: Readonly<Record<number, string>> = {
  10: 'debug',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'error',
}

/**
 * One line of the daemon's log for people: time, level, words, then what belongs to them. What is not one
 * of its lines is shown as it is, but for control characters: it may hold text of strangers.
 */
export function formatLogLine(line: string, { dim, red, yellow }: Style): string {
  const { level, time, msg, error, ...rest } = fieldsOf(line)
  if (isFailure(error)) return `${red('error')} ${singleLine(error.message)}`
  if (typeof level !== 'number') return singleLine(line)
  const name = (LEVELS[level] ?? String(level)).padEnd(5)
  const paint = level >= 50 ? red : level >= 40 ? yellow : dim
  const more = Object.entries(rest).map(([key, value]) =>
    dim(` ${singleLine(key)}=${shown(value)}`),
  )
  const words = typeof msg === 'string' ? singleLine(msg) : ''
  return `${dim(localTime(time))} ${paint(name)} ${words}${more.join('')}`
}

function fieldsOf(line: string): Record<string, unknown> {
  const json = attempt(() => JSON.parse(line) as unknown)
  return typeof json === 'object' ? { ...json } : {}
}

function isFailure(error: unknown): error is { message: string } {
  return typeof (error as { message?: unknown } | null | undefined)?.message === 'string'
}

function localTime(time: unknown): string {
  const date = new Date(typeof time === 'string' || typeof time === 'number' ? time : Number.NaN)
  if (Number.isNaN(date.getTime())) return '-'
  const pad = (value: number) => String(value).padStart(2, '0')
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(pad).join('-')
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join(':')}`
}

// Of an error its words; its stack is in the raw log.
function shown(value: unknown): string {
  const { message } = (value ?? {}) as { message?: unknown }
  if (typeof message === 'string') return singleLine(message)
  return singleLine(typeof value === 'string' ? value : JSON.stringify(value))
}
