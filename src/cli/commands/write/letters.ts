import type { Input, Output } from '../../../api/contract/contract.ts'
import { invalidInput } from '../../../errors.ts'
import { singleLine } from '../../../render/plain.ts'
import { issueNumber, seconds, wholeNumber } from '../../command.ts'
import { call, type Commands, type Context, withOperations } from '../../context.ts'
import { formatDate, plural, shellWord } from '../../terminal/format.ts'
import { indented, publishedText } from '../../terminal/letter-text.ts'

type Letters = Output<'listLetters'>

const HOW_IT_TRAVELS = `
A letter is sealed: readers carry it for 14 days without being able to read it, until the author has it. If nobody brings
it there, this device signs it anew, for 60 days in all. The author may publish it, with an answer, for all readers; with
--private, honest software never does. Your key is another one for each newsletter. A first letter takes a second of work,
so that nobody fills the boxes of carriers, unless the author gave you a code.
`

const WHAT_WITHDRAWING_DOES = `
The author of the newsletter takes the letter out: readers no longer show it, and drop its text. Who wrote the letter asks
the author to do that. Copies that somebody saved stay.
`

export const letterNumber = wholeNumber(1, Number.MAX_SAFE_INTEGER)

export const commands: Commands = {
  write: (command, bind) =>
    command
      .option('--text <text>', 'the letter; standard input when absent')
      .option('--letter <number>', 'the published letter that it answers', letterNumber)
      .option('--as <name>', 'what you want to be called')
      .option('--private', 'for the author alone')
      .option('--code <code>', 'that the author gave you; needed once')
      .option(
        '--wait <seconds>',
        'how long to wait for a peer that takes it (default: 10)',
        seconds,
      )
      .details(HOW_IT_TRAVELS)
      .examples(
        'hyperletter write "Tide Tables" 3 --text "The time is wrong." --as Ada',
        'hyperletter write tide --private < letter.txt',
      )
      .action(bind(write)),
  letters: (command, bind) =>
    command
      .option('--waiting', 'only those that wait for you, who are the author')
      .examples('hyperletter letters "Tide Tables"', 'hyperletter letters tide --waiting --json')
      .action(bind(letters)),
  withdraw: (command, bind) =>
    command
      .describeArgument('letter', 'its number', letterNumber)
      .option('--reason <text>', 'why; readers see it, or the author')
      .details(WHAT_WITHDRAWING_DOES)
      .examples('hyperletter withdraw tide 7')
      .action(bind(withdraw)),
}

type Given = Pick<Input<'writeLetter'>, 'text' | 'letter' | 'as' | 'private' | 'code'>

interface WriteOptions extends Given {
  readonly wait?: number
}

async function write(
  context: Context,
  newsletter: string,
  issue: string | undefined,
  options: WriteOptions,
): Promise<void> {
  const { readDraft } = await import('../../input.ts')
  const { wait: waitSeconds, text = await readDraft(context), ...others } = options
  await send(context, {
    newsletter,
    ...(issue !== undefined && { issue: issueNumber(issue) }),
    waitSeconds,
    ...others,
    text: text.trim() || undefined,
  })
}

async function send(context: Context, letter: Input<'writeLetter'>): Promise<void> {
  const { newsletter } = letter
  const { out, io } = context
  const { written, isServed } = await withOperations(context, async (operations, via) => ({
    written: await operations.writeLetter(letter, { signal: io.signal }),
    isServed: via === 'daemon',
  }))
  const { carriers, received, obstacle } = written
  const taken = carriers === 0 ? 'No peer has taken it yet' : `${plural(carriers, 'peer')} took it`
  await out.result(written, () => `Written. ${received ? 'The author has it' : taken}.\n`)
  if (obstacle !== undefined) await out.warn(obstacle.message)
  if (carriers === 0 && !received) {
    await out.next(
      isServed
        ? 'The daemon offers the letter to peers for 60 days.'
        : 'Run `hyperletter daemon start`: it offers the letter to peers for 60 days.',
    )
  }
  await out.next(`hyperletter letters ${shellWord(newsletter)}   # what became of it`)
}

async function withdraw(
  context: Context,
  newsletter: string,
  number: number,
  { reason }: { readonly reason?: string },
): Promise<void> {
  const own = await call(context, 'listNewsletters', {})
  const { feedKey } = await call(context, 'listLetters', { newsletter })
  if (!own.some((it) => it.feedKey === feedKey && it.roles.includes('author'))) {
    return send(context, { newsletter, withdraw: number, text: reason })
  }
  const withdrawn = { newsletter, withdraw: [{ number, reason }] }
  const decided = await call(context, 'decideLetters', withdrawn)
  await context.out.result(decided, () => `Letter ${number} is shown no more.\n`)
}

async function letters(
  context: Context,
  newsletter: string,
  { waiting = false }: { readonly waiting?: boolean },
): Promise<void> {
  const { out } = context
  const found = await call(context, 'listLetters', { newsletter })
  const shown = waiting ? { ...found, published: [], mine: [] } : found
  await out.result(shown, () => listing(context, shown))
  const [first] = found.waiting
  const title = shellWord(newsletter)
  if (first?.withdraw !== undefined) {
    await out.next(`hyperletter withdraw ${title} ${first.withdraw}`)
  } else if (first !== undefined) {
    await out.next(`hyperletter accept ${title} ${first.number} --answer "${first.number}:…"`)
  }
}

const STATES = {
  waiting: 'on its way',
  received: 'received by the author',
  published: 'published',
  expired: 'not received in 60 days',
} as const

type Waiting = Letters['waiting'][number]

function listing({ out }: Context, { waiting, published, mine, wanted, senders }: Letters): string {
  const { bold, dim } = out.style
  const obstacle = (it: Letters['mine'][number]) =>
    it.obstacle === undefined ? '' : `  ${dim(it.obstacle.message)}\n`
  const parts = [
    ...waiting.map((it) => `${bold(`Waiting ${it.number}`)}  ${head(it)}\n${indented(it.text)}`),
    ...published.map((it) => publishedText(out, it)),
    ...mine.map(
      (it) =>
        `${bold('Yours')}  ${STATES[it.state]}${about(it)}, ${formatDate(it.writtenAt)}${it.private === true ? ', for the author alone' : ''}\n${obstacle(it)}${indented(it.text)}`,
    ),
  ]
  if (parts.length > 0) return parts.join('\n')
  const whose = senders === 'admitted' ? ' It takes those of people with a code.' : ''
  return dim(wanted ? `No letters.${whose}\n` : 'The author of this newsletter wants no letters.\n')
}

function head(letter: Waiting): string {
  const name = letter.name === undefined ? '' : `${singleLine(letter.name)} `
  const known = letter.known ? ', known sender' : ''
  const alone = letter.private === true ? ', for you alone' : ''
  return `${name}(${letter.from.slice(0, 8)})${about(letter)}, ${formatDate(letter.writtenAt)}${known}${alone}`
}

function about(it: Pick<Waiting, 'issue' | 'letter' | 'withdraw'>): string {
  return [
    it.issue === undefined ? '' : `, issue ${it.issue}`,
    it.letter === undefined ? '' : `, answers letter ${it.letter}`,
    it.withdraw === undefined ? '' : `, wants letter ${it.withdraw} back`,
  ].join('')
}

/** @throws INVALID_INPUT where nothing was typed */
export async function typed(context: Context, text: string | undefined): Promise<string> {
  const { readDraft } = await import('../../input.ts')
  const found = (text ?? (await readDraft(context))).trim()
  if (found === '') throw invalidInput('There is no text.')
  return found
}
