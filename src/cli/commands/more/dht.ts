import type { Address } from '../../../config/config.ts'
import { wholeNumber } from '../../command.ts'
import type { Commands, Context } from '../../context.ts'

const DEFAULT_HOST = '127.0.0.1'

export const commands: Commands = {
  dht: (command, bind) =>
    command
      .option('--port <n>', 'UDP port (default: any free one)', wholeNumber(1, 65_535))
      .examples(
        'hyperletter dht --host 192.168.1.10 --port 49737',
        'hyperletter daemon start --bootstrap 192.168.1.10:49737',
      )
      .action(bind(dht)),
}

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
