import { resolve } from 'node:path'
import type { Operations, Output } from '../../../api/contract/contract.ts'
import { defined } from '../../../defined.ts'
import { singleLine } from '../../../render/plain.ts'
import { type Commands, type Context, withOperations } from '../../context.ts'
import { nameOf, plural } from '../../terminal/format.ts'
import { formatTable, shrinking } from '../../terminal/table.ts'
import { fetchAll } from './fetch.ts'

interface Options {
  readonly wait: boolean
}

type Imported = Output<'importOpml'>

export const commands: Commands = {
  'import-opml': (command, bind) =>
    command
      .describeArgument('file', 'an OPML file, or - for standard input')
      .option('--no-wait', 'do not wait; the daemon fetches the issues')
      .examples(
        'hyperletter import-opml subscriptions.opml',
        'ssh other hyperletter web-feeds --opml | hyperletter import-opml -',
      )
      .action(bind(importOpml)),
}

async function importOpml(context: Context, file: string, { wait }: Options): Promise<void> {
  const { io, out } = context
  const { readList } = await import('../../input.ts')
  const opml = await readList(context, file === '-' ? undefined : resolve(io.cwd, file))
  const { imported, waiting, via } = await withOperations(context, async (operations, host) => {
    const done = await operations.importOpml({ opml }, { signal: io.signal })
    const fresh = done.subscribed.filter((it) => !it.already)
    const left = wait ? (await fetchAll(context, operations, fresh)).size : fresh.length
    return { imported: await named(operations, done), waiting: left, via: host }
  })
  await out.result(imported, () => describe(context, imported))
  if (waiting === 0) return
  const what = waiting === 1 ? 'One of them has' : `${waiting} of them have`
  if (wait) await out.note(`${what} yet to arrive; no peer with it was online.`)
  await out.next(
    via === 'daemon'
      ? 'The daemon fetches the rest; `hyperletter status` shows the progress.'
      : 'Run `hyperletter daemon start` to fetch the issues when peers appear.',
  )
}

// The titles arrive after the subscriptions have been recorded.
async function named(operations: Operations, { subscribed, skipped }: Imported) {
  const known = await operations.listNewsletters({}).catch(() => [])
  return {
    subscribed: subscribed.map((it) => {
      const found = known.find(({ feedKey }) => feedKey === it.feedKey)
      const title = found?.title ?? it.title
      return { ...it, issues: found?.issues ?? 0, ...defined({ title }) }
    }),
    skipped,
  }
}

async function describe(
  { out }: Context,
  { subscribed, skipped }: Awaited<ReturnType<typeof named>>,
): Promise<string> {
  const fresh = subscribed.filter((it) => !it.already)
  const before = subscribed.length - fresh.length
  const lines = fresh.map(({ feedKey, title, issues }) => {
    const name = nameOf({ feedKey, title })
    return `Subscribed to ${name}${issues === 0 ? '' : `: ${plural(issues, 'issue')}`}.\n`
  })
  if (before > 0) lines.push(`${plural(before, 'newsletter')} followed already.\n`)
  if (subscribed.length === 0) lines.push('The list has no Hyperletter newsletter.\n')
  if (skipped.length === 0) return lines.join('')
  const table = await formatTable(
    [shrinking('what'), shrinking('address'), 'why'],
    skipped.map(({ title, url, message }) => [singleLine(title), singleLine(url), message]),
    out,
  )
  return `${lines.join('')}\nLeft out:\n\n${table}`
}
