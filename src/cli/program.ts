import { Command } from 'commander'
import { packageVersion } from '../version.ts'
import type { Bind, CommandModule } from './command.ts'

/** A command as the list of commands shows it; the rest of it is loaded when it is asked for. */
interface Entry {
  /** Its name and arguments. */
  readonly usage: string
  readonly summary: string
  readonly load: () => Promise<CommandModule>
  /** Not for people. */
  readonly hidden?: true
}

// In the order in which help shows them.
const groups: Readonly<Record<string, readonly Entry[]>> = {
  'Write:': [
    {
      usage: 'create <title>',
      summary: 'create a newsletter',
      load: () => import('./commands/write/create.ts'),
    },
    {
      usage: 'publish <file>',
      summary: 'publish a Markdown file as the next issue',
      load: () => import('./commands/write/publish.ts'),
    },
    {
      usage: 'amend <newsletter> <number> <file>',
      summary: 'publish a corrected text of an issue',
      load: () => import('./commands/write/amend.ts'),
    },
    {
      usage: 'retract <newsletter> <number>',
      summary: 'take an issue back',
      load: () => import('./commands/write/retract.ts'),
    },
    {
      usage: 'import <folder>',
      summary: 'publish every Markdown file of a folder',
      load: () => import('./commands/write/import.ts'),
    },
    {
      usage: 'export <newsletter>',
      summary: 'write a newsletter into one file, to carry or to keep',
      load: () => import('./commands/keep/export.ts'),
    },
    {
      usage: 'restore',
      summary: 'publish from this device again, by the recovery phrase',
      load: () => import('./commands/keep/restore.ts'),
    },
    {
      usage: 'repair <newsletter>',
      summary: 'go back to what readers hold, after publishing from an old copy',
      load: () => import('./commands/keep/repair.ts'),
    },
    {
      usage: 'succeed <newsletter>',
      summary: 'tell readers that a newsletter continues at another one',
      load: () => import('./commands/write/succeed.ts'),
    },
  ],
  'Read:': [
    {
      usage: 'subscribe <link>',
      summary: 'follow a newsletter',
      load: () => import('./commands/read/subscribe.ts'),
    },
    {
      usage: 'import-opml <file>',
      summary: 'follow the newsletters of an OPML list',
      load: () => import('./commands/read/import-opml.ts'),
    },
    {
      usage: 'inbox',
      summary: 'list what is unread',
      load: () => import('./commands/read/inbox.ts'),
    },
    {
      usage: 'search <words...>',
      summary: 'find issues by their words',
      load: () => import('./commands/read/search.ts'),
    },
    {
      usage: 'list',
      summary: 'list your newsletters',
      load: () => import('./commands/read/list.ts'),
    },
    {
      usage: 'issues <newsletter>',
      summary: 'list the issues of a newsletter',
      load: () => import('./commands/read/issues.ts'),
    },
    {
      usage: 'read <newsletter> [number]',
      summary: 'show an issue',
      load: () => import('./commands/read/read.ts'),
    },
    {
      usage: 'open',
      summary: 'read in the browser',
      load: () => import('./commands/read/open.ts'),
    },
    {
      usage: 'feeds',
      summary: 'show the addresses for the feed reader you already use',
      load: () => import('./commands/read/feeds.ts'),
    },
    {
      usage: 'save <newsletter> <number> [attachment]',
      summary: 'save an issue with its attachments as files',
      load: () => import('./commands/read/save.ts'),
    },
    {
      usage: 'star <newsletter> <number>',
      summary: 'keep an issue at hand',
      load: () => import('./commands/read/star.ts'),
    },
    {
      usage: 'mark <newsletter> [number...]',
      summary: 'mark issues as read or unread',
      load: () => import('./commands/read/mark.ts'),
    },
    {
      usage: 'watch [newsletter]',
      summary: 'print issues as they arrive',
      load: () => import('./commands/read/watch.ts'),
    },
    {
      usage: 'unsubscribe <newsletter>',
      summary: 'stop following a newsletter',
      load: () => import('./commands/read/unsubscribe.ts'),
    },
  ],
  'Keep newsletters alive:': [
    {
      usage: 'daemon <start|stop|status|…>',
      summary: 'fetch new issues and pass them on, in the background',
      load: () => import('./commands/keep/daemon.ts'),
    },
    {
      usage: 'status',
      summary: 'show what is held, and who holds it too',
      load: () => import('./commands/keep/status.ts'),
    },
    {
      usage: 'seed <link>',
      summary: 'pass a newsletter on without following it',
      load: () => import('./commands/keep/seed.ts'),
    },
    {
      usage: 'keep <newsletter>',
      summary: 'choose how much of a newsletter stays here',
      load: () => import('./commands/keep/keep.ts'),
    },
    {
      usage: 'import-bundle <file>',
      summary: 'take a newsletter from a file, without any network',
      load: () => import('./commands/keep/import-bundle.ts'),
    },
    {
      usage: 'unseed <newsletter>',
      summary: 'stop seeding a newsletter',
      load: () => import('./commands/keep/unseed.ts'),
    },
  ],
  'More:': [
    {
      usage: 'doctor',
      summary: 'look at everything that newsletters need, and say what to do',
      load: () => import('./commands/more/doctor.ts'),
    },
    {
      usage: 'why <newsletter>',
      summary: 'say why a newsletter is not complete here',
      load: () => import('./commands/more/why.ts'),
    },
    {
      usage: 'config <show|check|path>',
      summary: 'show and check what is set',
      load: () => import('./commands/more/config.ts'),
    },
    {
      usage: 'demo',
      summary: 'see the whole story on this machine',
      load: () => import('./commands/more/demo.ts'),
    },
    {
      usage: 'dht',
      summary: 'run a bootstrap node for a private network',
      load: () => import('./commands/more/dht.ts'),
    },
    {
      usage: 'completion <shell>',
      summary: 'have your shell complete commands and titles',
      load: () => import('./commands/more/completion.ts'),
    },
    {
      usage: 'man',
      summary: 'print the manual page',
      load: () => import('./commands/more/man.ts'),
    },
    {
      usage: 'complete',
      summary: 'say what can stand at the cursor',
      load: () => import('./commands/more/complete.ts'),
      hidden: true,
    },
  ],
}

const WELCOME = `Hyperletter: newsletters that their readers carry. No server needed.

  Write     hyperletter create "Tide Tables"
            hyperletter publish first-issue.md
  Read      hyperletter subscribe hyperletter://…
            hyperletter inbox
  Carry     hyperletter daemon start
            hyperletter status
  Try it    hyperletter demo

All commands: hyperletter --help
One command, with examples: hyperletter <command> --help
`

const HELP_WIDTH = 100

/** What `hyperletter` alone says. */
export function welcome(): string {
  return WELCOME
}

/** Where help and versions go. */
export interface HelpSink {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

/** The program with its global options. Mistakes are thrown as CommanderError; nothing ends the process. */
export function createProgram(write: HelpSink): Command {
  return new Command('hyperletter')
    .usage('<command> [options]')
    .description('Newsletters that their readers carry: signed issues, peer to peer, no server.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help, of a command with examples')
    .option('--data-dir <folder>', 'keep everything here (HYPERLETTER_HOME)')
    .option('--bootstrap <addresses>', 'host:port,… of a private network (HYPERLETTER_BOOTSTRAP)')
    .option('--host <ip>', 'bind to this address only (HYPERLETTER_HOST)')
    .option('--json', 'print the result as JSON')
    .option('--quiet', 'print only the result and errors')
    .option('--no-color', 'print without colours (NO_COLOR)')
    .option('--verbose', 'log what happens, to stderr')
    .configureHelp({
      showGlobalOptions: true,
      subcommandTerm: (command) => [command.name(), argumentsOf(command)].join(' ').trim(),
    })
    .configureOutput({
      writeOut: write.out,
      writeErr: write.err,
      // Mistakes are thrown as well; the caller words them.
      outputError: () => {},
      getOutHelpWidth: () => HELP_WIDTH,
      getErrHelpWidth: () => HELP_WIDTH,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .addHelpText('after', '\nRun `hyperletter <command> --help` for its options and examples.')
}

/**
 * Adds the commands.
 * @param wanted Names of those that are needed whole; of the others only what the list shows is added.
 * @param bind Called for every command with its work.
 */
export async function addCommands(
  program: Command,
  wanted: readonly string[],
  bind: Bind,
): Promise<void> {
  for (const [heading, entries] of Object.entries(groups)) {
    program.commandsGroup(heading)
    for (const { usage, summary, load, hidden = false } of entries) {
      const name = nameOf(usage)
      if (wanted.includes(name)) {
        const command = await load()
        command.register(program, bind)
      } else {
        program.command(usage, { hidden }).summary(summary)
      }
    }
  }
  program.helpCommand('help [command]', 'show help of a command')
}

/** The names of all commands. */
export function commandNames(): readonly string[] {
  return Object.values(groups).flatMap((entries) => entries.map(({ usage }) => nameOf(usage)))
}

function nameOf(usage: string): string {
  return usage.split(' ', 1)[0] ?? usage
}

function argumentsOf(command: Command): string {
  return command.registeredArguments
    .map((it) => (it.required ? `<${it.name()}>` : `[${it.name()}]`))
    .join(' ')
}
