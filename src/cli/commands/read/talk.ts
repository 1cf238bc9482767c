import { createInterface } from 'node:readline'
import type { Operations, Output } from '../../../api/contract/contract.ts'
import { anySignal } from '../../../async.ts'
import { HyperletterError } from '../../../errors.ts'
import { singleLine } from '../../../render/plain.ts'
import { collect } from '../../command.ts'
import { type Commands, type Context, withOperations } from '../../context.ts'
import { plural } from '../../terminal/format.ts'

type Event = Output<'followTalk'>

const WHAT_IT_IS = `
Only where the author has opened a conversation. Lines are signed and pass from reader to reader; nobody moderates them,
and nothing is kept: each device has the last 200 lines of 24 hours in memory. Peers see your address and a key that
stands for you at this newsletter only. Five lines go at once, and then one each three seconds.
`

export const commands: Commands = {
  talk: (command, bind) =>
    command
      .option('--as <name>', 'what you want to be called')
      .option('--say <text>', 'say one line, and end')
      .option(
        '--hide <key>',
        'show nothing of this sender, by the beginning of the key; repeatable',
        collect(String),
      )
      .details(WHAT_IT_IS)
      .examples('hyperletter talk "Tide Tables" --as Ada', 'hyperletter talk tide --json')
      .action(bind(talk)),
}

interface Options {
  readonly as?: string
  readonly say?: string
  readonly hide?: readonly string[]
}

async function talk(
  context: Context,
  newsletter: string,
  { as, say, hide = [] }: Options,
): Promise<void> {
  const { io, out, options } = context
  if (say !== undefined) {
    const said = await withOperations(context, (operations) =>
      operations.sayLine({ newsletter, text: say, as }, { signal: io.signal }),
    )
    return out.result(said, () => `Said to ${plural(said.peers, 'peer')}.\n`)
  }
  using reader = out.watchReader()
  await withOperations(
    context,
    async (operations, _via, ended) => {
      const end = new AbortController()
      const signal = anySignal(io.signal, end.signal, ended, reader.gone)
      const typing =
        io.stdin.isTTY === true
          ? sayTyped(context, operations, { newsletter, as }, signal)
          : undefined
      typing?.then(
        () => end.abort(),
        (error: unknown) => end.abort(error),
      )
      try {
        for await (const event of operations.followTalk({ newsletter }, { signal })) {
          if (event.event === 'line' && hide.some((it) => event.from.startsWith(it))) continue
          if (options.json === true) await out.json(event)
          else await out.text(lineOf(context, event))
        }
      } catch (error) {
        reader.gone.throwIfAborted()
        io.signal.throwIfAborted()
        if (!end.signal.aborted && ended?.aborted !== true) throw error
      }
    },
    { lend: true, online: true },
  )
}

function lineOf({ out: { style } }: Context, event: Event): string {
  if (event.event === 'now') {
    return `${style.dim(`Not moderated, not kept. ${plural(event.peers, 'peer')} connected.`)}\n`
  }
  const { writtenAt, name, from, own, text } = event
  const who = `${name === undefined ? '' : `${singleLine(name)} `}${style.dim(from.slice(0, 8))}`
  return `${style.dim(writtenAt.slice(11, 16))} ${who}${own === true ? style.dim(' (you)') : ''}: ${singleLine(text)}\n`
}

async function sayTyped(
  { io, out }: Context,
  operations: Operations,
  by: { readonly newsletter: string; readonly as: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  const lines = createInterface({ input: io.stdin, terminal: false })
  const stop = () => lines.close()
  signal.addEventListener('abort', stop, { once: true })
  for await (const typed of lines) {
    const text = typed.trim()
    if (text === '') continue
    await operations.sayLine({ ...by, text }, { signal }).catch((error: unknown) => {
      signal.throwIfAborted()
      return out.warn(HyperletterError.from(error).message)
    })
  }
}
