import type { Input } from '../../../api/contract/contract.ts'
import { defined } from '../../../defined.ts'
import { singleLine } from '../../../render/plain.ts'
import { author, collect, OWN_NEWSLETTER } from '../../command.ts'
import { call, type Commands, type Context } from '../../context.ts'
import { quoteTitle } from '../../terminal/format.ts'
import { formatTable, shrinking } from '../../terminal/table.ts'

interface EditOptions {
  readonly title?: string
  readonly description?: string
  readonly author?: { name: string; url?: string }[]
  readonly language?: string
  readonly website?: string
  readonly license?: string
  readonly force?: boolean
}

const WHAT_EDIT_DOES = `
Readers see the newest profile as soon as it reaches them; the earlier one stays in the signed log. An empty text
removes a field. Without options, the profile is printed and nothing changes.
`

export const commands: Commands = {
  edit: (command, bind) =>
    command
      .describeArgument('newsletter', OWN_NEWSLETTER)
      .option('--title <text>', 'the title that readers see')
      .option('--description <text>', 'short description')
      .option('--author <name>', '"Name" or "Name <https://…>"; repeatable', collect(author))
      .option('--language <tag>', 'language tag, for example en or pt-BR')
      .option('--website <address>', 'web address of the newsletter')
      .option('--license <text>', 'licence of the texts, for example CC-BY-4.0')
      .details(WHAT_EDIT_DOES)
      .force()
      .examples(
        'hyperletter edit "Tide Tables"',
        'hyperletter edit "Tide Tables" --title "Tides of the Sound" --website https://tides.example',
        'hyperletter edit ybndrfg8 --description ""',
      )
      .action(bind(edit)),
}

async function edit(context: Context, newsletter: string, options: EditOptions): Promise<void> {
  const { title, author: authors, force } = options
  const texts = ['description', 'language', 'website', 'license'] as const
  const remove = texts.filter((name) => options[name] === '')
  const input: Input<'editNewsletter'> = {
    newsletter,
    ...defined({ title, authors, force }),
    ...Object.fromEntries(texts.filter((it) => options[it]).map((it) => [it, options[it]])),
    ...(remove.length > 0 && { remove }),
  }
  const { out } = context
  const { changed, ...profile } = await call(context, 'editNewsletter', input)
  await out.result({ ...profile, changed }, async () => {
    const rows = [
      ['title', profile.title],
      ['description', profile.description],
      ['authors', profile.authors?.map((it) => it.name).join(', ')],
      ['language', profile.language],
      ['website', profile.website],
      ['license', profile.license],
    ].flatMap(([name = '', text]) => (text === undefined ? [] : [[name, singleLine(text)]]))
    const table = await formatTable([{ style: out.style.dim }, shrinking()], rows, out)
    return changed ? `Changed ${quoteTitle(profile.title)}.\n\n${table}` : table
  })
}
