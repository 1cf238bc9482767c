import { invalidInput } from '../../../errors.ts'
import { collect, OWN_NEWSLETTER } from '../../command.ts'
import { call, type Commands, type Context } from '../../context.ts'
import { plural, shellWord } from '../../terminal/format.ts'
import { letterNumber, typed } from './letters.ts'

const WAITING = 'numbers of letters that wait'

export const commands: Commands = {
  accept: (command, bind) =>
    command
      .describeArgument('newsletter', OWN_NEWSLETTER)
      .describeArgument('letter', WAITING, collect(letterNumber))
      .option('--answer <number:text>', 'your reply to one of them; repeatable', collect(answerOf))
      .details('The letters and your answers are signed into the log: all readers see them.')
      .examples('hyperletter accept tide 12 15 --answer "12:Thank you, corrected."')
      .action(bind(accept)),
  answer: (command, bind) =>
    command
      .describeArgument('newsletter', OWN_NEWSLETTER)
      .describeArgument('letter', 'its number', letterNumber)
      .describeArgument('text', 'standard input when absent')
      .details('The newest answer to a letter is shown below it.')
      .examples('hyperletter answer tide 7 "It is in issue 9 now."')
      .action(bind(answer)),
  decline: (command, bind) =>
    command
      .describeArgument('newsletter', OWN_NEWSLETTER)
      .describeArgument('letter', WAITING, collect(letterNumber))
      .details('The letters are shown to nobody. Their senders are not told.')
      .examples('hyperletter decline tide 13')
      .action(bind(decline)),
  block: (command, bind) =>
    command
      .describeArgument('newsletter', OWN_NEWSLETTER)
      .describeArgument('letter', WAITING, collect(letterNumber))
      .option('--remove <key>', 'a sender who may write again; repeatable', collect(String))
      .details(
        'The letters are declined, and carriers take no more of their senders, who may come again with another key. Without letters, it lists who is blocked.',
      )
      .examples('hyperletter block tide 14')
      .action(bind(block)),
  admit: (command, bind) =>
    command
      .describeArgument('newsletter', OWN_NEWSLETTER)
      .option('--revoke', 'take all codes back')
      .details(
        'Up to 8 people can use one code. Their letters go before those of strangers; with `edit --letters admitted` only they, and people of whom you published a letter, can write to you.',
      )
      .examples('hyperletter admit tide')
      .action(bind(admit)),
}

interface AcceptOptions {
  readonly answer?: { readonly number: number; readonly answer: string }[]
}

async function accept(
  context: Context,
  newsletter: string,
  numbers: number[],
  { answer: answers = [] }: AcceptOptions,
): Promise<void> {
  const lost = answers.find((it) => !numbers.includes(it.number))
  if (lost !== undefined) throw invalidInput(`Letter ${lost.number} is answered, and not accepted.`)
  const accepted = numbers.map((number) => ({
    number,
    answer: answers.find((it) => it.number === number)?.answer,
  }))
  const decided = await call(context, 'decideLetters', { newsletter, accept: accepted })
  const { published } = decided
  await context.out.result(
    decided,
    () => `Published ${plural(published.length, 'letter')}: ${published.join(', ')}.\n`,
  )
}

async function answer(
  context: Context,
  newsletter: string,
  number: number,
  text: string | undefined,
): Promise<void> {
  const answers = [{ number, answer: await typed(context, text) }]
  const decided = await call(context, 'decideLetters', { newsletter, answers })
  await context.out.result(decided, () => `Answered letter ${number}.\n`)
}

async function decline(context: Context, newsletter: string, numbers: number[]): Promise<void> {
  const decided = await call(context, 'decideLetters', { newsletter, decline: numbers })
  await context.out.result(decided, () => `Declined ${plural(decided.declined, 'letter')}.\n`)
}

async function block(
  context: Context,
  newsletter: string,
  numbers: number[] = [],
  { remove: unblock = [] }: { readonly remove?: string[] },
): Promise<void> {
  const decided = await call(context, 'decideLetters', { newsletter, block: numbers, unblock })
  const { blocked } = decided
  await context.out.result(decided, () =>
    blocked.length === 0
      ? 'Nobody is blocked.\n'
      : `Blocked:\n${blocked.map((it) => `  ${it}\n`).join('')}`,
  )
}

async function admit(
  context: Context,
  newsletter: string,
  { revoke }: { readonly revoke?: boolean },
): Promise<void> {
  const { out } = context
  const admitted = await call(context, 'admitSenders', { newsletter, revoke })
  const { code } = admitted
  await out.result(admitted, () =>
    code === undefined
      ? 'No code counts any more.\n'
      : `${code}\nGive it to at most 8 people. It is stored nowhere.\n`,
  )
  if (code === undefined) return
  await out.next(`hyperletter write ${shellWord(newsletter)} --code ${code}   # what they type`)
}

function answerOf(text: string): { number: number; answer: string } {
  const at = text.indexOf(':')
  return { number: letterNumber(text.slice(0, Math.max(at, 0))), answer: text.slice(at + 1).trim() }
}
