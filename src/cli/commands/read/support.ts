import { describeSupport } from '../../../format/support.ts'
import { HyperletterError } from '../../../errors.ts'
import { singleLine } from '../../../render/plain.ts'
import { call, type Commands, type Context } from '../../context.ts'
import { formatDate, nameOf } from '../../terminal/format.ts'

const WHAT_IS_SHOWN = `
The author signed these addresses. What you pay goes straight to the author; nobody counts or confirms it.
Addresses that changed are marked for 30 days: then ask the author by another way before you pay.
`

export const commands: Commands = {
  support: (command, bind) =>
    command
      .details(WHAT_IS_SHOWN)
      .examples(
        'hyperletter support "Tide Tables"',
        `hyperletter support tide --json | jq -r '.support[].uri'`,
      )
      .action(bind(support)),
}

async function support(context: Context, newsletter: string): Promise<void> {
  const { out } = context
  const [found] = await call(context, 'listNewsletters', { newsletter })
  if (found === undefined) throw new HyperletterError('INTERNAL', 'Nothing was listed.')
  const { feedKey, supportChanged: changed } = found
  const known = (found.support ?? []).map(describeSupport)
  const shown = { feedKey, title: found.title, support: known, changed }
  await out.result(shown, async () => {
    const { bold } = out.style
    if (known.length === 0) return `The author of ${nameOf(found)} names no way to support it.\n`
    const ways = await Promise.all(
      known.map(async ({ name, address, code, problem }) => {
        const head = `${bold(singleLine(name))}  `
        if (problem === 'unknown') return `${head}of a kind that this version does not know\n`
        if (problem === 'wrong') return `${head}a character of the address is wrong: not shown\n`
        return `${head}${singleLine(address)}\n${await out.qrCode(code)}`
      }),
    )
    return ways.join('')
  })
  if (changed === undefined) return
  await out.warn(
    `These addresses are others since ${formatDate(changed.at)}. Before you pay, ask the author by another way.`,
  )
  for (const it of changed.before) await out.note(`before: ${singleLine(it)}`)
}
