import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { lineCount } from '../../arguments.ts'
import { examples, type Bind } from '../../command.ts'
import { loadConfig, type Context } from '../../context.ts'
import { serviceHere } from './daemon-service.ts'
import { formatLogLine } from '../../terminal/log-line.ts'

const DEFAULT_LINES = 50

interface Options {
  readonly follow?: boolean
  readonly lines: number
}

/** Adds `logs` to `daemon`. */
export function registerLogs(daemon: Command, bind: Bind): void {
  daemon
    .command('logs')
    .description('Show what the daemon has logged in the background, or as a service.')
    .option('--follow', 'go on with new lines as they are written')
    .option('--lines <n>', 'how many of the last ones', lineCount, DEFAULT_LINES)
    .addHelpText(
      'after',
      examples(
        'hyperletter daemon logs --lines 20',
        'hyperletter daemon logs --follow',
        `hyperletter daemon logs --json | jq 'select(.level >= 40)'`,
      ),
    )
    .action(bind(logs))
}

async function logs(context: Context, { follow, lines }: Options): Promise<void> {
  const { io, options, out } = context
  const print = (line: string) =>
    out.text(`${options.json === true ? line : formatLogLine(line, out.style)}\n`)
  const { manager, file } = await serviceHere(context)
  if (manager === 'systemd' && file !== undefined && existsSync(file)) {
    const { journalLines } = await import('../../../daemon/service/journal.ts')
    const wanted = { count: lines, follow: follow === true, signal: io.signal }
    for await (const line of journalLines(wanted)) await print(line)
    return
  }
  const { logFile } = await loadConfig(context)
  const { followLines, lastLines } = await import('../../../daemon/log-lines.ts')
  const end = await lastLines(logFile, lines)
  if (end.lines.length === 0 && lines > 0) {
    await out.note(`Nothing is logged at ${logFile}.`)
    await out.next('A service of the whole machine logs elsewhere: `journalctl -u hyperletter`.')
  }
  for (const line of end.lines) await print(line)
  if (follow !== true) return
  for await (const line of followLines(logFile, end.at, io.signal)) await print(line)
}
