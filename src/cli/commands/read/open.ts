import { once } from 'node:events'
import { anySignal } from '../../../within.ts'
import { portNumber } from '../../arguments.ts'
import { type Commands, type Context, loadConfig } from '../../context.ts'

interface Options {
  readonly port?: number
  readonly browser: boolean
}

export const commands: Commands = {
  open: (command, bind) =>
    command
      .more('Serves your newsletters to this machine only.')
      .option('--port <n>', 'serve it on this port, and remember that', portNumber)
      .option('--no-browser', 'only print the address')
      .examples('hyperletter open', 'hyperletter open --no-browser', 'hyperletter open --port 8080')
      .action(bind(open)),
}

async function open(context: Context, options: Options): Promise<void> {
  const { port, browser } = options
  await openInBrowser(context, { port, browser })
}

/** Serves the web reader and shows it. Without a daemon this lasts until the user interrupts. */
export async function openInBrowser(
  context: Context,
  options: {
    readonly port?: number | undefined
    readonly browser: boolean
    /** The page to begin with. */
    readonly path?: string
  },
): Promise<void> {
  const { io, out, services } = context
  const { port, path, browser } = options
  const config = await loadConfig(context)
  const connection = await services.connect(config, { signal: io.signal, lend: true })
  const { via, ended } = connection
  try {
    const url = await connection.openReader({ port, path }, { signal: io.signal })
    await out.result({ url, via }, () => `${url}\n`)
    const isShown = browser && out.isTerminal && (await services.openBrowser(url, io.env))
    if (!isShown) await out.note('Open this address in a browser; it works once.')
    if (via === 'engine') {
      await out.note(
        'Served until you press Ctrl-C. `hyperletter daemon start` serves it all the time.',
      )
      const end = anySignal(io.signal, ended)
      if (!end.aborted) await once(end, 'abort')
    }
  } catch (error) {
    // The first failure is the one to report.
    await connection.close().catch(() => {})
    throw error
  }
  await connection.close()
}
