import { basename, dirname, resolve } from 'node:path'
import type { Output } from '../../../api/contract/contract.ts'
import { defined } from '../../../defined.ts'
import { seconds } from '../../arguments.ts'
import { call, type Commands, type Context } from '../../context.ts'
import { readPhrase } from '../../input.ts'
import { shortKey } from '../../terminal/format.ts'

interface Options {
  readonly to: string
  readonly file?: string
  readonly timeout?: number
}

type Succeeded = Output<'succeedNewsletter'>

const WHAT_IT_DOES = `
Use it when a device with your signing key was stolen: create a new newsletter, then direct the readers
of the old one to it. The command asks for the 24 words of the old newsletter, or reads them from
standard input; a thief does not have them. Readers of a private newsletter also need the new link
from you: the signed statement contains no encryption key. A statement is permanent; a second one,
to another newsletter, replaces it.
`

export const commands: Commands = {
  succeed: (command, bind) =>
    command
      .describeArgument(
        'newsletter',
        'the newsletter that ends: title, key, start of the key, or link',
      )
      .requiredOption('--to <link>', 'the successor newsletter')
      .option('--file <path>', 'also write the signed statement to a file')
      .option(
        '--timeout <seconds>',
        'give up looking for the old newsletter after this number of seconds',
        seconds,
      )
      .details(WHAT_IT_DOES)
      .examples(
        'hyperletter succeed "Tide Tables" --to hyperletter://<new feed key>',
        'hyperletter succeed <old link> --to <new link> --file moved.txt < words.txt',
      )
      .action(bind(succeed)),
}

async function succeed(context: Context, newsletter: string, options: Options): Promise<void> {
  const { io, out } = context
  const { to, file, timeout } = options
  const recoveryPhrase = await readPhrase(context)
  const done = await call(context, 'succeedNewsletter', {
    newsletter,
    to,
    recoveryPhrase,
    ...defined({ timeoutSeconds: timeout }),
  })
  const path = file === undefined ? undefined : await save(context, done, resolve(io.cwd, file))
  await out.result({ ...done, ...defined({ file: path }) }, () => {
    const where = path === undefined ? '' : `The statement is in ${path}.\n`
    const told =
      done.published === 'dht' ? 'Readers find it in the DHT.' : 'It is not announced yet.'
    return `${shortKey(done.from)} continues at ${shortKey(done.to)}. ${told}\n${where}`
  })
  if (done.published === 'dht') return
  await out.next(
    path === undefined
      ? 'Run it again while online, or with --file, and send the file to readers.'
      : `Run it again while online, or send the file to readers: hyperletter subscribe ${basename(path)}`,
  )
}

async function save({ io }: Context, { statement }: Succeeded, path: string): Promise<string> {
  const { writeFiles } = await import('../../files.ts')
  const text = new TextEncoder().encode(`${statement}\n`)
  const bytes = (async function* () {
    yield await Promise.resolve(text)
  })()
  const files = [{ segments: [basename(path)], bytes }]
  const [written = path] = await writeFiles(dirname(path), files, {
    force: true,
    signal: io.signal,
  })
  return written
}
