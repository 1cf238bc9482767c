import { InvalidArgumentError, type Command } from 'commander'
import { parseNewerThan, type Keep } from '../../../config/keep.ts'
import { parseBytes } from '../../../config/values.ts'
import { HyperletterError } from '../../../errors.ts'
import type { Output } from '../../../api/contract/contract.ts'
import { issueCount } from '../../arguments.ts'
import { examples, type Bind } from '../../command.ts'
import { withOperations, type Context } from '../../context.ts'
import { plural, quoteTitle, shortKey } from '../../terminal/format.ts'
import { describeKeep } from '../../keeping.ts'

interface Options {
  readonly everything?: boolean
  readonly newest?: number
  readonly newerThan?: string
  readonly atMost?: number
  readonly textOnly?: boolean
}

export function register(program: Command, bind: Bind): void {
  program
    .command('keep')
    .description(
      'Choose how much of a newsletter stays on this machine; without an option, show what was chosen. ' +
        'Other issues stay listed, and can be read while a peer has them. Starred issues always stay.',
    )
    .argument('<newsletter>', 'title, key, start of the key, or link')
    .option('--everything', 'all issues, as far as the disk cap goes')
    .option('--newest <n>', 'the newest n issues', issueCount)
    .option(
      '--newer-than <age>',
      'issues newer than 90d, 12w, 6m, 1y or a day',
      argument(parseNewerThan),
    )
    .option('--at-most <size>', 'the newest issues up to so much', argument(parseBytes))
    .option('--text-only', 'texts without attachments')
    .addHelpText(
      'after',
      examples(
        'hyperletter keep "Tide Tables" --newest 50',
        'hyperletter keep "Tide Tables" --newer-than 1y --text-only',
        'hyperletter keep "Tide Tables" --everything',
      ),
    )
    .action(bind(choose))
}

async function choose(context: Context, newsletter: string, options: Options): Promise<void> {
  const { io, out } = context
  const chosen = keepOf(options)
  const input = chosen === undefined ? { newsletter } : { newsletter, keep: chosen }
  const it = await withOperations(context, (operations) =>
    operations.keepNewsletter(input, { signal: io.signal }),
  )
  await out.result(it, () => describe(it))
}

// Nothing at all asks what was chosen.
function keepOf({ everything, newest, newerThan, atMost, textOnly }: Options): Keep | undefined {
  const keep: Keep = {
    ...(newest === undefined ? {} : { newest }),
    ...(newerThan === undefined ? {} : { newerThan }),
    // No bound at all is the same as none given.
    ...(atMost === undefined || atMost === Infinity ? {} : { atMostBytes: atMost }),
    ...(textOnly === true ? { textOnly } : {}),
  }
  const isLimited = Object.keys(keep).length > 0
  if (everything === true && isLimited) {
    throw new HyperletterError('INVALID_INPUT', '--everything goes with no other option.')
  }
  return isLimited || everything === true || atMost === Infinity ? keep : undefined
}

function describe({
  feedKey,
  title,
  keep: chosen,
  issues,
  leftOut,
}: Output<'keepNewsletter'>): string {
  const name = title === undefined ? shortKey(feedKey) : quoteTitle(title)
  const left =
    leftOut === 0
      ? ''
      : ` ${plural(leftOut, 'issue')} of ${issues} can be read while a peer has them.`
  return `Of ${name} this machine keeps ${describeKeep(chosen)}.${left}\n`
}

function argument<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text)
    } catch (error) {
      const { message, hint } = HyperletterError.from(error)
      throw new InvalidArgumentError(hint === undefined ? message : `${message} ${hint}`)
    }
  }
}
