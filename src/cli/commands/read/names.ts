import { call, type Commands, type Context } from '../../context.ts'
import { nameOf, quoteTitle } from '../../terminal/format.ts'
import { formatTable, shrinking } from '../../terminal/table.ts'

const WHO_IS_ASKED = `
A domain is verified if it names the newsletter, and the newsletter names the domain. The domain and its DNS server see
that somebody asks. Nothing is asked at other times. A domain is rented: the mark says when it was checked, and only the
key decides what an issue is signed with.
`

export const commands: Commands = {
  name: (command, bind) =>
    command
      .describeArgument(
        'name',
        'your name for it; without one, the title of its author counts again',
      )
      .examples('hyperletter name "Tide Tables" Mara', 'hyperletter name Mara')
      .action(bind(name)),
  verify: (command, bind) =>
    command
      .details(WHO_IS_ASKED)
      .examples('hyperletter verify "Tide Tables"', 'hyperletter verify --json')
      .action(bind(verify)),
}

async function name(context: Context, newsletter: string, own = ''): Promise<void> {
  const { out } = context
  const named = await call(context, 'nameNewsletter', {
    newsletter,
    name: own === '' ? undefined : own,
  })
  const { authorTitle } = named
  await out.result(named, () =>
    authorTitle === undefined
      ? `It is called ${nameOf(named)}, as its author calls it.\n`
      : `${quoteTitle(authorTitle)} is called ${nameOf(named)} here.\n`,
  )
}

async function verify(context: Context, newsletter: string | undefined): Promise<number> {
  const { out } = context
  const found = await call(context, 'verifyNames', { newsletter })
  await out.result(found, () =>
    found.length === 0
      ? 'No domain is named there.\n'
      : formatTable(
          [shrinking('newsletter'), 'domain', shrinking('')],
          found.map((it) => [
            nameOf(it),
            it.name,
            it.verified ? 'verified now' : (it.message ?? 'not verified'),
          ]),
          out,
        ),
  )
  return found.every((it) => it.verified) ? 0 : 1
}
