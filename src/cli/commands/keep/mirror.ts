import type { Input, Output } from '../../../api/contract/contract.ts'
import { call, type Commands, type Context } from '../../context.ts'
import { formatBytes, nameOf } from '../../terminal/format.ts'
import { formatTable, right, shrinking } from '../../terminal/table.ts'

type Mirrors = Output<'setMirrors'>
type Mirror = Mirrors['mirrors'][number]

const ADDRESS = 'web address of a folder that `hyperletter export --site` wrote'

export const commands: Commands = {
  mirror: (mirror, bind) => {
    mirror
      .more('A mirror is asked for what no peer has; whatever it sends is verified.')
      .examples(
        'hyperletter mirror add tide https://tides.example/',
        'hyperletter mirror list tide',
      )
    mirror
      .command('add <newsletter> <address>')
      .description('Fetch from a web server what no peer has.')
      .describeArgument('address', ADDRESS)
      .details(
        `
Of a newsletter that you write, the address is signed into its profile: all readers use it, so it must
be https, and everybody sees it.
`,
      )
      .examples('hyperletter mirror add tide https://tides.example/')
      .action(
        bind((context, newsletter: string, add: string) => change(context, { newsletter, add })),
      )
    mirror
      .command('remove <newsletter> <address>')
      .description('Ask a web server no more.')
      .describeArgument('address', 'an address that `mirror list` shows')
      .examples('hyperletter mirror remove tide https://tides.example/')
      .action(
        bind((context, newsletter: string, remove: string) =>
          change(context, { newsletter, remove }),
        ),
      )
    mirror
      .command('list <newsletter>')
      .description('List the mirrors of a newsletter, and how it stands with each.')
      .examples('hyperletter mirror list tide', 'hyperletter mirror list tide --json')
      .action(bind((context, newsletter: string) => change(context, { newsletter })))
  },
}

async function change(context: Context, input: Input<'setMirrors'>): Promise<void> {
  const { out } = context
  const found = await call(context, 'setMirrors', input)
  await out.result(found, async () => {
    if (found.mirrors.length === 0) return `${nameOf(found)} has no mirrors.\n`
    const { green, yellow } = out.style
    return formatTable(
      [shrinking('mirror'), 'from', 'state', right('received')],
      found.mirrors.map((it) => [
        it.address,
        it.from === 'you' && !found.signed ? 'you' : 'its author',
        { text: STATES[it.state], style: it.state === 'good' ? green : yellow },
        formatBytes(it.downloadedBytes),
      ]),
      out,
    )
  })
  for (const { message } of found.mirrors) if (message !== undefined) await out.note(message)
  if (found.signed && (input.add !== undefined || input.remove !== undefined)) {
    await out.note('Signed: its readers use these addresses.')
  }
}

const STATES: Readonly<Record<Mirror['state'], string>> = {
  'not-asked': 'not asked yet',
  good: 'good',
  behind: 'is behind',
  wrong: 'sends what was never signed',
  conflict: 'has another history',
  refused: 'may not be asked',
  unreachable: 'does not answer',
}
