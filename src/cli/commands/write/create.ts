import { randomInt } from 'node:crypto'
import type { Output as OperationOutput } from '../../../api/contract/contract.ts'
import { defined } from '../../../defined.ts'
import { author, collect } from '../../arguments.ts'
import { call, type Commands, type Context } from '../../context.ts'
import { quoteTitle, shortKey } from '../../terminal/format.ts'

interface Options {
  readonly description?: string
  readonly author?: { name: string; url?: string }[]
  readonly language?: string
  readonly private?: boolean
  readonly confirm: boolean
}

type Created = OperationOutput<'createNewsletter'>

const WORDS_ASKED = 3
const ATTEMPTS = 3
const WORDS_IN_A_ROW = 4

export const commands: Commands = {
  create: (command, bind) =>
    command
      .more('Prints the link for readers and, only this once, the recovery phrase.')
      .describeArgument('title', 'what readers will see')
      .option('--description <text>', 'what it is about')
      .option('--author <name>', '"Name" or "Name <https://…>"; may be repeated', collect(author))
      .option('--language <tag>', 'such as en or pt-BR')
      .option('--private', 'encrypt it: only those who have the link can read it')
      .option('--no-confirm', 'do not ask back words of the recovery phrase')
      .examples(
        'hyperletter create "Tide Tables" --author "Ada Marsh <https://example.org>"',
        'hyperletter create "Family news" --private --language en',
      )
      .action(bind(create)),
}

async function create(context: Context, title: string, options: Options): Promise<void> {
  const { description, author: authors, language, private: isPrivate } = options
  const created = await call(context, 'createNewsletter', {
    title,
    ...defined({ description, authors, language }),
    ...(isPrivate === true && { private: true }),
  })
  await context.out.result(created, () => describe(created, isPrivate === true, context))
  const { io, options: global, out } = context
  const isAsked = io.stdin.isTTY === true && io.stderr.isTTY === true && global.json !== true
  if (options.confirm && isAsked) await confirmPhrase(context, created.recoveryPhrase.split(' '))
  await out.next(`hyperletter publish <file.md> --to ${shortKey(created.feedKey)}`)
}

function describe(created: Created, isPrivate: boolean, { out }: Context): string {
  const { bold, dim } = out.style
  const secret = isPrivate ? ' It is secret: whoever has it can read every issue.' : ''
  return `Created ${quoteTitle(created.title)}.

${bold('Link for your readers')}${dim(secret)}
  ${created.link}

${bold('Feed key')}
  ${created.feedKey}

${bold('Recovery phrase')}
  Write these 24 words on paper, in this order, and keep them where nobody else looks.
  They are shown only this once and stored nowhere. Without them a lost disk means a lost
  newsletter; with them anybody can publish in your name.

${wordTable(created.recoveryPhrase.split(' '))}
`
}

// Numbered down the columns, as they are written down.
function wordTable(words: readonly string[]): string {
  const rows = Math.ceil(words.length / WORDS_IN_A_ROW)
  const lines = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: WORDS_IN_A_ROW }, (_, column) => {
      const index = column * rows + row
      const word = words[index]
      return word === undefined ? '' : `${String(index + 1).padStart(2)} ${word.padEnd(9)}`
    }).join('  '),
  )
  return lines.map((line) => `    ${line.trimEnd()}\n`).join('')
}

async function confirmPhrase({ io, out }: Context, words: readonly string[]): Promise<void> {
  const { ask } = await import('../../input.ts')
  await out.note('To be sure that you wrote them down, three of the words again:')
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    let isRight = true
    for (const index of chooseIndexes(words.length)) {
      const answer = await ask(io, `  Word ${index + 1}: `)
      if (answer === undefined) return out.warn(UNCONFIRMED)
      if (answer.toLowerCase() !== words[index]) {
        isRight = false
        break
      }
    }
    if (isRight) return out.note('Right. Keep the paper safe.')
    if (attempt < ATTEMPTS) await out.warn('That is not the word. Compare with the list above.')
  }
  await out.warn(UNCONFIRMED)
}

const UNCONFIRMED =
  'Not confirmed. The newsletter exists, but its words cannot be shown again: copy them from above before you close this window.'

function chooseIndexes(length: number): number[] {
  const chosen = new Set<number>()
  while (chosen.size < Math.min(WORDS_ASKED, length)) chosen.add(randomInt(length))
  return [...chosen].toSorted((a, b) => a - b)
}
