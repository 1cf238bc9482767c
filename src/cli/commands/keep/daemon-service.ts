import type { Command } from 'commander'
import type { Service } from '../../../daemon/service/service.ts'
import { examples, type Bind } from '../../command.ts'
import { loadConfig, type Context } from '../../context.ts'
import { addSettingFlags, settingsIn } from '../../settings.ts'

/** Adds `install` and `uninstall` to `daemon`. */
export function registerService(daemon: Command, bind: Bind): void {
  addSettingFlags(daemon.command('install'))
    .description(
      'Have this system start the daemon by itself, with the flags and variables that are set now.',
    )
    .option('--print', 'only show what would be written')
    .addHelpText(
      'after',
      examples('hyperletter daemon install', 'hyperletter daemon install --print'),
    )
    .action(bind(install))
  daemon
    .command('uninstall')
    .description('Undo `daemon install`; your newsletters stay.')
    .addHelpText('after', examples('hyperletter daemon uninstall'))
    .action(bind(uninstall))
}

async function install(context: Context, { print }: { print?: boolean }): Promise<void> {
  const { out, services } = context
  const { installService, lingers } = await import('../../../daemon/service/service.ts')
  const config = await loadConfig(context)
  const service = await serviceHere(context)
  const { manager, file, text } = service
  const shown = { manager, file: file ?? null, text }
  if (print === true || manager === 'none') {
    await out.result({ ...shown, done: [] }, () => text)
    if (manager === 'none' && print !== true) {
      await out.next('That line, in the place where your system looks for it, starts the daemon.')
    }
    return
  }
  const done = await installService(service, async () => {
    if (!(await services.daemonStatus(config)).running) return undefined
    await services.stopDaemon(config, { signal: context.io.signal })
    return 'stopped the daemon that ran'
  })
  await out.result({ ...shown, done }, () => done.map((it) => `${it}\n`).join(''))
  for (const name of service.leftOut) {
    await out.warn(
      `${name} is a secret and was not written down: put it into the file of settings.`,
    )
  }
  if (manager === 'systemd' && !lingers()) {
    await out.next('`loginctl enable-linger`, so that it also runs while you are not logged in.')
  } else {
    await out.next('`hyperletter daemon status` shows that it runs.')
  }
}

async function uninstall(context: Context): Promise<void> {
  const { uninstallService } = await import('../../../daemon/service/service.ts')
  const service = await serviceHere(context)
  const done = await uninstallService(service)
  await context.out.result({ manager: service.manager, file: service.file ?? null, done }, () =>
    done.length === 0 ? 'No service is installed.\n' : done.map((it) => `${it}\n`).join(''),
  )
}

/** What `daemon install` does, or did, on this machine. */
export async function serviceHere(context: Context): Promise<Service> {
  const { givenSettings } = await import('../../../config/config.ts')
  const { serviceOf } = await import('../../../daemon/service/service.ts')
  const { io, options } = context
  const given = await givenSettings(settingsIn(options), io.env)
  return serviceOf(await loadConfig(context), { given, env: io.env })
}
