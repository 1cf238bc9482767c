import type { Command as CommanderCommand } from 'commander'
import type { Bind, Commands } from './context.ts'
import { packageVersion } from '../version.ts'
import { CliCommand } from './command.ts'

type Load = () => Promise<{ readonly commands: Commands }>

const toWrite = {
  newsletter: () => import('./commands/write/newsletter.ts'),
  publish: () => import('./commands/write/publish.ts'),
  preview: () => import('./commands/write/preview.ts'),
  scheduled: () => import('./commands/write/scheduled.ts'),
  correct: () => import('./commands/write/correct.ts'),
  letters: () => import('./commands/write/letters.ts'),
  answer: () => import('./commands/write/answering.ts'),
  import: () => import('./commands/write/import.ts'),
}
const toRead = {
  talk: () => import('./commands/read/talk.ts'),
  subscribe: () => import('./commands/read/subscribe.ts'),
  lists: () => import('./commands/read/lists.ts'),
  marks: () => import('./commands/read/marks.ts'),
  search: () => import('./commands/read/search.ts'),
  read: () => import('./commands/read/read.ts'),
  open: () => import('./commands/read/open.ts'),
  web: () => import('./commands/read/web.ts'),
  support: () => import('./commands/read/support.ts'),
  names: () => import('./commands/read/names.ts'),
  devices: () => import('./commands/read/devices.ts'),
  save: () => import('./commands/read/save.ts'),
  fetch: () => import('./commands/read/fetch.ts'),
}
const toKeep = {
  daemon: () => import('./commands/keep/daemon.ts'),
  status: () => import('./commands/keep/status.ts'),
  keep: () => import('./commands/keep/keep.ts'),
  export: () => import('./commands/keep/export.ts'),
  recover: () => import('./commands/keep/recover.ts'),
}
const toDo = {
  doctor: () => import('./commands/more/doctor.ts'),
  config: () => import('./commands/more/config.ts'),
  demo: () => import('./commands/more/demo.ts'),
  completion: () => import('./commands/more/completion.ts'),
  man: () => import('./commands/more/man.ts'),
}

/**
 * Every command in the order of the help: its usage, its summary, and the module that registers the rest,
 * loaded only when the command is named. No heading: not shown.
 */
const GROUPS: Readonly<Record<string, readonly (readonly [string, string, Load])[]>> = {
  'Write:': [
    ['create <title>', 'create a newsletter', toWrite.newsletter],
    ['publish <file>', 'publish a Markdown file as the next issue', toWrite.publish],
    ['preview <file>', 'show a draft as readers will see it, live', toWrite.preview],
    ['scheduled', 'list drafts that are published later', toWrite.scheduled],
    ['cancel [draft]', 'take back a draft that is published later', toWrite.scheduled],
    ['amend <newsletter> <number> <file>', 'publish a corrected text of an issue', toWrite.correct],
    ['edit <newsletter>', 'change the title or profile of a newsletter', toWrite.newsletter],
    ['retract <newsletter> <number>', 'withdraw an issue', toWrite.correct],
    ['accept <newsletter> <letter...>', 'publish letters of readers', toWrite.answer],
    ['answer <newsletter> <letter> [text]', 'answer a published letter', toWrite.answer],
    ['decline <newsletter> <letter...>', 'turn letters of readers down', toWrite.answer],
    ['block <newsletter> [letter...]', 'carry no more letters of a sender', toWrite.answer],
    ['admit <newsletter>', 'make a code for people who may write to you', toWrite.answer],
    ['import <folder>', 'publish every Markdown file in a folder, oldest first', toWrite.import],
    ['republish [address]', 'publish what appears in your existing feed', toWrite.import],
    [
      'export <newsletter>',
      'export a newsletter to one file, a website, or Markdown files',
      toKeep.export,
    ],
    ['restore', 'recover a newsletter with its 24 words', toKeep.recover],
    ['repair <newsletter>', 'undo a conflicting history', toKeep.recover],
    ['succeed <newsletter>', 'direct readers to a successor newsletter', toKeep.recover],
  ],
  'Read:': [
    ['subscribe <link>', 'follow a newsletter', toRead.subscribe],
    ['import-opml <file>', 'follow every newsletter in an OPML file', toRead.fetch],
    ['inbox', 'read unread issues, newest first', toRead.lists],
    ['search <words...>', 'search saved issues', toRead.search],
    ['list', 'list the newsletters you write, follow and seed', toRead.lists],
    ['issues <newsletter>', 'list the issues of a newsletter, newest first', toRead.lists],
    ['read [newsletter] [number]', 'show an issue and mark it as read', toRead.read],
    ['open [link]', 'read in the browser; with a link, follow it first', toRead.open],
    ['web-feeds', 'show web feed addresses for other apps on this machine', toRead.web],
    [
      'web [newsletter]',
      'show the web address of a newsletter, and the reader in one file',
      toRead.web,
    ],
    ['name <newsletter> [name]', 'call a newsletter as you like', toRead.names],
    ['verify [newsletter]', 'check the domains that authors name', toRead.names],
    ['write <newsletter> [issue]', 'write to the author of a newsletter', toWrite.letters],
    ['letters <newsletter>', 'list letters of readers, and yours', toWrite.letters],
    ['withdraw <newsletter> <letter>', 'take a published letter back', toWrite.letters],
    ['talk <newsletter>', 'talk with those who read it now', toRead.talk],
    ['support <newsletter>', 'show how to pay the author', toRead.support],
    ['devices <add|list|remove>', 'read on a phone or in an app elsewhere', toRead.devices],
    ['save <newsletter> <number> [attachment]', 'save an issue as files', toRead.save],
    ['star <newsletter> <number>', 'star an issue', toRead.marks],
    ['mark <newsletter> [number...]', 'mark issues as read or unread', toRead.marks],
    ['fetch [newsletter]', 'download what is new, and end', toRead.fetch],
    ['watch [newsletter]', 'print new issues as they arrive', toRead.fetch],
    ['unsubscribe <newsletter>', 'stop following a newsletter', toRead.subscribe],
  ],
  'Keep newsletters available:': [
    ['daemon <start|stop|status|…>', 'fetch and serve in the background', toKeep.daemon],
    ['status', 'show what is stored here and which peers have it', toKeep.status],
    ['seed [link...]', 'fetch and serve newsletters without following them', toKeep.keep],
    ['keep <newsletter>', 'choose how much of a newsletter to store', toKeep.keep],
    ['import-bundle <file>', 'import a newsletter from a file, offline', toRead.subscribe],
    ['mirror <add|remove|list>', 'choose web servers that have what no peer has', toKeep.keep],
    ['unseed <newsletter>', 'stop seeding a newsletter', toKeep.keep],
  ],
  'More:': [
    ['doctor', 'check for problems', toDo.doctor],
    ['why <newsletter>', 'explain why a newsletter is incomplete', toDo.doctor],
    ['config <show|check|path>', 'show and check the settings', toDo.config],
    ['demo', 'show the whole story on this machine', toDo.demo],
    ['dht', 'run a bootstrap node for a private network', toKeep.daemon],
    ['completion <shell>', 'print a completion script', toDo.completion],
    ['man', 'print the manual page', toDo.man],
  ],
  '': [
    ['complete [words...]', 'list completions for a script of `completion`', toDo.completion],
    ['feeds', 'the former name of web-feeds', toRead.web],
  ],
}

/** The output of `hyperletter` without arguments. */
export const WELCOME = `Hyperletter: newsletters that their readers carry. No server needed.

  Write     hyperletter create "Tide Tables"
            hyperletter publish first-issue.md
  Read      hyperletter open hyperletter://…
            hyperletter inbox
  Carry     hyperletter daemon start
            hyperletter status
  Try it    hyperletter demo

All commands: hyperletter --help
One command, with examples: hyperletter <command> --help
`

const MAX_HELP_WIDTH = 100

const GLOBAL_OPTIONS =
  'Every command takes --data-dir, --bootstrap, --host, --json, --quiet, --no-color and --verbose; ' +
  '`hyperletter --help` explains them.'

/** Where help and versions go. */
interface HelpSink {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Of the terminal; undefined where there is none. */
  readonly columns?: number | undefined
}

/** The program with its global options. Mistakes are thrown as CommanderError; nothing ends the process. */
export function createProgram(write: HelpSink): CliCommand {
  const width = () => Math.min(write.columns || MAX_HELP_WIDTH, MAX_HELP_WIDTH)
  const program = new CliCommand('hyperletter')
  return program
    .usage('<command> [options]')
    .description('Newsletters that their readers carry: signed issues, peer to peer, no server.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help and examples')
    .option('--data-dir <folder>', 'data folder (HYPERLETTER_HOME)')
    .option('--bootstrap <addresses>', 'DHT bootstrap nodes as host:port,… (HYPERLETTER_BOOTSTRAP)')
    .option('--host <ip>', 'IP address to bind to (HYPERLETTER_HOST)')
    .option('--json', 'print the result as JSON')
    .option('--quiet', 'print only the result and errors')
    .option('--no-color', 'print without colours (NO_COLOR)')
    .option('--verbose', 'log details to stderr')
    .configureHelp({
      // Beside the longest command, this much is left of 80 columns.
      minWidthToWrap: 30,
      subcommandTerm: (command) => [command.name(), argumentsOf(command)].join(' ').trim(),
    })
    .configureOutput({
      writeOut: write.out,
      writeErr: write.err,
      // Mistakes are thrown as well; the caller words them.
      outputError: () => {},
      getOutHelpWidth: width,
      getErrHelpWidth: width,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .addHelpText('after', '\nRun `hyperletter <command> --help` for its options and examples.')
    .addHelpText('afterAll', ({ command }) =>
      command.parent === null ? '' : `\n${program.wrapped(GLOBAL_OPTIONS)}`,
    )
}

/**
 * Adds the commands.
 * @param wanted Names of those that are needed whole; of the others only what the list shows is added.
 * @param bind Called for every command with its work.
 */
export async function addCommands(
  program: CliCommand,
  wanted: readonly string[],
  bind: Bind,
): Promise<void> {
  for (const [heading, entries] of Object.entries(GROUPS)) {
    if (heading !== '') program.commandsGroup(heading)
    for (const [usage, summary, load] of entries) {
      const name = nameOf(usage)
      const isWanted = wanted.includes(name)
      // The commands of a group stand for its arguments.
      const shown = isWanted && usage.includes('|') ? name : usage
      const command = program.command(shown, { hidden: heading === '' })
      command.summary(summary).description(sentence(summary))
      if (!isWanted) continue
      const { commands } = await load()
      commands[name]?.(command, bind)
    }
  }
  program.helpCommand('help [command]', 'show the help of a command')
}

export function commandNames(): readonly string[] {
  return Object.values(GROUPS).flatMap((entries) => entries.map(([usage]) => nameOf(usage)))
}

function nameOf(usage: string): string {
  return usage.split(' ', 1)[0] ?? usage
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`
}

function argumentsOf(command: CommanderCommand): string {
  return command.registeredArguments
    .map((it) => (it.required ? `<${it.name()}>` : `[${it.name()}]`))
    .join(' ')
}
