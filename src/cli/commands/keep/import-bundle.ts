import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Input } from '../../../api/contract/contract.ts'
import { type Commands, type Context, finishOf, withOperations } from '../../context.ts'
import { nameOf, plural, shortKey } from '../../terminal/format.ts'
import { Progress } from '../../terminal/progress.ts'

interface Options {
  readonly subscribe?: boolean
  readonly key?: string
}

export const commands: Commands = {
  'import-bundle': (command, bind) =>
    command
      .describeArgument('file', 'a file made by `hyperletter export`')
      .option('--subscribe', 'also follow the newsletter')
      .option('--key <key>', 'for a private newsletter: its link, or the key in the link')
      .examples(
        'hyperletter import-bundle tides.bundle',
        'hyperletter import-bundle tides.bundle --subscribe',
      )
      .action(bind(importBundle)),
}

async function importBundle(context: Context, file: string, options: Options): Promise<void> {
  const path = resolve(context.io.cwd, file)
  if (options.subscribe === true) return subscribeToFile(context, path, options.key)
  const { finished, via } = await take(context, { file: path, ...secretOf(options.key) })
  const { feedKey, title, issues } = finished
  await context.out.result({ ...finished, file: path }, () => {
    const name = nameOf({ feedKey, title })
    const count = title === undefined ? plural(finished.blocks, 'block') : plural(issues, 'issue')
    return `Imported ${name}: ${count}, ${newOf(finished)}.\n`
  })
  await context.out.next(
    via === 'engine'
      ? 'Run `hyperletter daemon start` to serve it.'
      : '`hyperletter status` shows what is stored and served.',
  )
}

/** The absolute path of the file that an argument names; undefined if it is a link, or nothing there is. */
export async function bundleFile({ io }: Context, argument: string): Promise<string | undefined> {
  const { parseLink } = await import('../../../format/keys/link.ts')
  try {
    parseLink(argument)
    return undefined
  } catch {
    const path = resolve(io.cwd, argument)
    const exists = await stat(path).then(
      () => true,
      () => false,
    )
    return exists ? path : undefined
  }
}

/** Follows the newsletter of a bundle. @param key its link, or the encryption key alone. */
export async function subscribeToFile(context: Context, file: string, key?: string): Promise<void> {
  const input = { file, subscribe: true, ...secretOf(key) }
  const { finished, via } = await take(context, input)
  const { feedKey, title, issues } = finished
  await context.out.result({ ...finished, file }, () => {
    const name = nameOf({ feedKey, title })
    return `Subscribed to ${name}: ${plural(issues, 'issue')}, ${newOf(finished)}.\n`
  })
  await context.out.next(`hyperletter read ${shortKey(feedKey)}`)
  if (via === 'engine') {
    await context.out.next('Run `hyperletter daemon start` to fetch later issues.')
  }
}

function newOf({ added }: { readonly added: number }): string {
  return added === 0 ? 'nothing new' : plural(added, 'new block')
}

// A bare key has no mark of which of the two keys it is; the feed key is in the bundle already.
function secretOf(key: string | undefined) {
  if (key === undefined) return {}
  return /[#:]/.test(key) ? { link: key } : { encryptionKey: key }
}

async function take(context: Context, input: Input<'importBundle'>) {
  return withOperations(context, async (operations, via) => {
    using progress = new Progress(context, 'verifying')
    const events = operations.importBundle(input, { signal: context.io.signal })
    const finished = await finishOf(events, ({ step, done, total }) => {
      const percent = total === 0 ? 0 : Math.floor((done / total) * 100)
      progress.update({ label: step, done: percent, total: 100, note: '%' })
    })
    return { finished, via }
  })
}
