import { randomInt } from 'node:crypto'
import { InvalidArgumentError, Option } from 'commander'
import type { Output, Input } from '../../../api/contract/contract.ts'
import { ask, canAsk } from '../../input.ts'
import { quoteTitle, shortKey } from '../../terminal/format.ts'
import { parseDomain } from '../../../format/records/text.ts'
import { MAX_WORK_BITS, MIN_WORK_BITS } from '../../../format/records/bodies.ts'
import { formatSupport, parseSupport } from '../../../format/support.ts'
import { singleLine } from '../../../render/plain.ts'
import { author, collect, languageTag, OWN_NEWSLETTER, wholeNumber } from '../../command.ts'
import { call, type Commands, type Context, withOperations } from '../../context.ts'
import { formatTable, shrinking } from '../../terminal/table.ts'

interface Options extends Omit<Input<'createNewsletter'>, 'title' | 'authors'> {
  readonly author?: { name: string; url?: string }[]
  readonly confirm: boolean
}

const supportOption = [
  '--support <address>',
  'payment address, such as bitcoin:…, or "Label <address>"; repeatable',
  collect(parseSupport),
] as const

type Created = Output<'createNewsletter'>

const WORDS_ASKED = 3
const ATTEMPTS = 3
const WORDS_IN_A_ROW = 4

export const commands: Commands = {
  create: (command, bind) =>
    command
      .more('Prints the link for readers and, only this once, the recovery phrase.')
      .describeArgument('title', 'the title that readers see')
      .option('--description <text>', 'short description')
      .option('--author <name>', '"Name" or "Name <https://…>"; repeatable', collect(author))
      .option('--language <tag>', 'language tag, for example en or pt-BR', languageTag)
      .option(...supportOption)
      .option('--private', 'encrypt issues; only people with the link can read them')
      .option('--no-confirm', 'skip the quiz on the recovery phrase')
      .examples(
        'hyperletter create "Tide Tables" --author "Ada Marsh <https://example.org>"',
        'hyperletter create "Family news" --private --language en',
      )
      .action(bind(create)),
  edit: (command, bind) =>
    command
      .describeArgument('newsletter', OWN_NEWSLETTER)
      .option('--title <text>', 'the title that readers see')
      .option('--description <text>', 'short description')
      .option('--author <name>', '"Name" or "Name <https://…>"; repeatable', collect(author))
      .option('--language <tag>', 'language tag, for example en or pt-BR', languageTag)
      .option('--website <address>', 'web address of the newsletter')
      .option('--license <text>', 'licence of the texts, for example CC-BY-4.0')
      .option(...supportOption)
      .option(
        '--name <domain>',
        'domain of yours, such as tides.example; repeatable',
        collect(domain),
      )
      .addOption(
        new Option('--letters <who>', 'who may write letters to you').choices([
          'anyone',
          'admitted',
          'nobody',
        ]),
      )
      .option(
        '--work <bits>',
        'work of a stranger’s letter, 16 to 24 bits: 18 take a second, each more doubles it',
        wholeNumber(MIN_WORK_BITS, MAX_WORK_BITS),
      )
      .addOption(
        new Option(
          '--talk <on|off>',
          'whether readers may talk with each other, unmoderated',
        ).choices(['on', 'off']),
      )
      .details(WHAT_EDIT_DOES)
      .force()
      .examples(
        'hyperletter edit "Tide Tables"',
        'hyperletter edit "Tide Tables" --title "Tides of the Sound" --website https://tides.example',
        'hyperletter edit ybndrfg8 --description ""',
        'hyperletter edit "Tide Tables" --name tides.example',
        'hyperletter edit "Tide Tables" --support "Lightning <lightning:mara@tides.example>"',
      )
      .action(bind(edit)),
}

async function create(context: Context, title: string, options: Options): Promise<void> {
  const { description, author: authors, language, support, private: isPrivate } = options
  const input = { title, description, authors, language, support, private: isPrivate }
  const { created, isTwice } = await withOperations(context, async (operations) => {
    const before = await operations.listNewsletters({})
    return {
      created: await operations.createNewsletter(input),
      isTwice: before.some((it) => it.roles.includes('author') && it.title === title),
    }
  })
  await context.out.result(created, () => describe(created, isPrivate === true, context))
  const { out } = context
  if (options.confirm && canAsk(context))
    await confirmPhrase(context, created.recoveryPhrase.split(' '))
  if (isTwice) {
    const key = shortKey(created.feedKey)
    await out.warn(`You write another newsletter with this title; ${key} names the new one.`)
  }
  await out.next(`hyperletter publish <file.md> --to ${shortKey(created.feedKey)}`)
}

function describe(created: Created, isPrivate: boolean, { out }: Context): string {
  const { bold, dim } = out.style
  const secret = isPrivate ? ' Keep it secret: it lets anybody read every issue.' : ''
  const seedersKey = `
${bold('Feed key')}${dim(' It is enough to seed the newsletter, and not to read it.')}
  ${created.feedKey}
`
  return `Created ${quoteTitle(created.title)}.

${bold('Link for your readers')}${dim(secret)}
  ${created.link}
${isPrivate ? seedersKey : ''}
${bold('Recovery phrase')}
  Write these 24 words on paper, in this order, and keep them in a safe place.
  They are shown only once and stored nowhere. Without them, a lost disk means
  a lost newsletter. Anybody who has them can publish in your name.

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

async function confirmPhrase(context: Context, words: readonly string[]): Promise<void> {
  const { io, out } = context
  const table = wordTable(words)
  const hides = out.isTerminal && io.env['TERM'] !== 'dumb'
  if (hides) {
    if ((await ask(io, WRITTEN_DOWN)) === undefined) return out.warn(UNCONFIRMED)
    await out.text(erasing(`${table}\n${WRITTEN_DOWN}`, out.width))
  }
  let isConfirmed = false
  try {
    isConfirmed = await quiz(context, words)
  } finally {
    // Whoever cannot answer, or gives up, may not have them.
    if (hides && !isConfirmed) await out.text(`\n${table}`)
  }
  if (isConfirmed) await out.note('Confirmed. Keep the paper safe.')
  else await out.warn(UNCONFIRMED)
}

/** Asks for some of the words, each until it is right. @returns false after too many wrong ones. */
async function quiz({ io, out }: Context, words: readonly string[]): Promise<boolean> {
  await out.note('Confirm three of the words:')
  let attempts = ATTEMPTS
  for (const index of chooseIndexes(words.length)) {
    for (;;) {
      const answer = await ask(io, `  Word ${index + 1}: `)
      if (answer === undefined) return false
      if (answer.toLowerCase() === words[index]) break
      if (--attempts === 0) return false
      await out.warn('Wrong word. Compare it with your paper.')
    }
  }
  return true
}

/** Clears the lines of a text above the cursor, of which long ones take several rows (ECMA-48: CUU, ED). */
function erasing(text: string, columns: number): string {
  const rowsOf = (line: string) => Math.max(1, Math.ceil(line.length / columns))
  const rows = text.split('\n').reduce((sum, it) => sum + rowsOf(it), 0)
  return `\u001B[${rows}A\u001B[J`
}

const WRITTEN_DOWN = 'Press Enter when they are on paper; they are hidden then.'

const UNCONFIRMED =
  'Not confirmed. The newsletter exists, but its words are not shown again: copy them before you close this window.'

function chooseIndexes(length: number): number[] {
  const chosen = new Set<number>()
  while (chosen.size < Math.min(WORDS_ASKED, length)) chosen.add(randomInt(length))
  return [...chosen].toSorted((a, b) => a - b)
}

interface EditOptions extends Omit<Input<'editNewsletter'>, 'authors' | 'names' | 'talk'> {
  readonly author?: { name: string; url?: string }[]
  readonly name?: string[]
  readonly talk?: 'on' | 'off'
}

const WHAT_EDIT_DOES = `
Readers see the newest profile as soon as it reaches them; the earlier one stays in the signed log. An empty text
removes a field. Without options, the profile is printed and nothing changes.
`

/** Refuses what is no domain; nothing stays nothing. */
function domain(text: string): string {
  const name = text === '' ? '' : parseDomain(text)
  if (name === undefined) throw new InvalidArgumentError('Not a domain; try tides.example.')
  return name
}

async function edit(context: Context, newsletter: string, options: EditOptions): Promise<void> {
  const { title, author: authors, force } = options
  const texts = ['description', 'language', 'website', 'license'] as const
  const support = options.support?.filter(({ uri }) => uri !== '')
  const names = options.name?.filter((it) => it !== '')
  const remove = [
    ...texts.filter((name) => options[name] === ''),
    ...(support?.length === 0 ? (['support'] as const) : []),
    ...(names?.length === 0 ? (['names'] as const) : []),
  ]
  const input: Input<'editNewsletter'> = {
    newsletter,
    title,
    authors,
    force,
    letters: options.letters,
    work: options.work,
    ...(options.talk !== undefined && { talk: options.talk === 'on' }),
    ...Object.fromEntries(texts.filter((it) => options[it]).map((it) => [it, options[it]])),
    ...(support && support.length > 0 && { support }),
    ...(names && names.length > 0 && { names }),
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
      ['letters', profile.letters === 'nobody' ? undefined : profile.letters],
      ['work of a letter', profile.letters === 'anyone' ? `${profile.work} bits` : undefined],
      ['conversation', profile.talk === true ? 'open' : undefined],
      ...(profile.names ?? []).map((it) => ['domain', it]),
      ...(profile.support ?? []).map((it) => ['support', formatSupport(it)]),
    ].flatMap(([name = '', text]) => (text === undefined ? [] : [[name, singleLine(text)]]))
    const table = await formatTable([{ style: out.style.dim }, shrinking()], rows, out)
    return changed ? `Changed ${quoteTitle(profile.title)}.\n\n${table}` : table
  })
  if (names === undefined || names.length === 0) return
  const { feedKey } = profile
  const file = JSON.stringify({ newsletters: { [feedKey]: {} } })
  for (const it of names) {
    await out.note(`${it} has to name the newsletter, too. Put one of these there:`)
    await out.note(`  https://${it}/.well-known/hyperletter.json  ${file}`)
    await out.note(`  _hyperletter.${it}  TXT  "feed=${feedKey}"`)
  }
  await out.next(`hyperletter verify ${shortKey(feedKey)}   # once one of the two is there`)
}
