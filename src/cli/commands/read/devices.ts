import { type Commands, type Context, call, withConnection } from '../../context.ts'
import { formatDate } from '../../terminal/format.ts'
import { formatTable, shrinking } from '../../terminal/table.ts'

export const commands: Commands = {
  devices: (devices, bind) => {
    devices
      .details(
        `
A device reads, marks and stars in the reader of this machine, in the same network, while the daemon runs. It
cannot publish or unsubscribe. Each one has a token of its own: remove the device, and the token means nothing.

The connection is plain HTTP: in a network that others share, they can read along. docs/devices.md has ways
around that, and how apps that read feeds use the token.
`,
      )
      .examples('hyperletter devices add', 'hyperletter devices list')
    devices
      .command('add')
      .arguments('[name]')
      .describeArgument('name', 'what to call it (default: phone)')
      .description('Let a phone, another computer or an app in. Shows a code to scan, once.')
      .examples('hyperletter devices add', 'hyperletter devices add "Feed app on the tablet"')
      .action(bind(add))
    devices
      .command('list')
      .description('List the devices that are let in.')
      .examples('hyperletter devices list')
      .action(bind(list))
    devices
      .command('remove')
      .arguments('<device>')
      .describeArgument('device', 'its name or id')
      .description('Let a device in no longer.')
      .examples('hyperletter devices remove phone')
      .action(bind(remove))
  },
}

async function add(context: Context, name: string | undefined): Promise<void> {
  const { io, out } = context
  const { signal } = io
  const { added, url, opml, via } = await withConnection(
    context,
    async ({ operations, openReader, via: where }, { dataDir }) => {
      const device = await operations.addDevice({ name }, { signal })
      try {
        const address = await openReader({ device: device.token }, { signal })
        const { readerAddresses } = await import('../../../web/state.ts')
        const feeds = await readerAddresses(dataDir, new URL(address).origin, [], device.id)
        return { added: device, url: address, opml: feeds.opml, via: where }
      } catch (error) {
        // Without an address to go to, nobody could use it.
        await operations.removeDevice({ device: device.id })
        throw error
      }
    },
  )
  const api = `${new URL(url).origin}/api/greader.php`
  await out.result({ ...added, url, api, opml, via }, async () => {
    const { bold, dim } = out.style
    return `${await out.qrCode(url)}${bold('Address')}      ${url}
${bold('Feeds')}        ${opml}
${bold('Sync')}         ${api}
             ${dim('Google Reader API, as FreshRSS has it; any user, and for password:')}
             ${added.token}
`
  })
  await out.note(
    `Scan the code with “${added.name}”. It is shown once; whoever has it can read here until you remove the device.`,
  )
  if (new URL(url).hostname.startsWith('127.')) {
    await out.warn(
      'The address leads to this machine alone, which is in no network now: once it is, add the device again, or set webAddress.',
    )
  }
  await out.warn('The connection is not encrypted: use it in a network that you trust.')
  if (via === 'engine') await out.next('Run `hyperletter daemon start` to let it in.')
}

async function list(context: Context): Promise<void> {
  const { out } = context
  const devices = await call(context, 'listDevices', {})
  const columns = [shrinking('name'), 'id', 'added', 'last here']
  const rows = devices.map(({ name, id, addedAt, usedAt }) => [
    name,
    id,
    formatDate(addedAt),
    usedAt === undefined ? 'never' : formatDate(usedAt),
  ])
  await out.result(devices, () => formatTable(columns, rows, out))
  if (devices.length === 0) await out.next('hyperletter devices add')
}

async function remove(context: Context, device: string): Promise<void> {
  const { out } = context
  const removed = await call(context, 'removeDevice', { device })
  await out.result(removed, () => `“${removed.name}” is let in no longer.\n`)
}
