import { resolve } from 'node:path'
import { defined } from '../../../defined.ts'
import { collect, OWN_NEWSLETTER } from '../../command.ts'
import type { Commands, Context } from '../../context.ts'
import type { WithheldKind } from '../../../sources/unpublished.ts'
import { runImport } from './run-import.ts'
import { includeOption } from './publish.ts'

interface Options {
  readonly to?: string
  readonly match?: string
  readonly exclude?: string[]
  readonly include?: WithheldKind[]
  readonly keepLocation?: boolean
  readonly siteRoot?: string
  readonly siteUrl?: string
  readonly fetchPictures?: boolean
  readonly allowPrivateAddresses?: boolean
  readonly withoutTemplates?: boolean
  readonly amend?: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly force?: boolean
}

const WHAT_IS_SKIPPED = `
Drafts, private, scheduled and expired texts, templates and site files are skipped and listed with
the reason. On a terminal, the command first shows what it would publish, and asks: a published issue
cannot be withdrawn from everybody.

A post that is an issue already is not published again, whatever folder it is imported from and whatever
its file is called. If it changed, --amend publishes the change.
`

export const commands: Commands = {
  import: (command, bind) =>
    command
      .describeArgument(
        'folder',
        'folder to search, with its subfolders; or what a service exported',
      )
      .option('--to <newsletter>', OWN_NEWSLETTER)
      .option('--match <glob>', 'only files whose path in the folder matches')
      .option('--exclude <glob>', 'not these files; may be given several times', collect(String))
      .option(...includeOption)
      .keepLocation()
      .option('--site-root <folder>', 'look for pictures and linked files in this folder, too')
      .option('--site-url <address>', 'where the site was: links to pages of it lead there')
      .option('--fetch-pictures', 'take along pictures that an export shows from the web')
      .option('--allow-private-addresses', 'fetch also from this machine and its network')
      .option('--without-templates', 'leave out template code, such as {% include … %}')
      .option('--amend', 'publish what changed in files that are issues already')
      .option('--dry-run', 'publish nothing; show what would be published, in its order')
      .option('--yes', 'skip the confirmation')
      .details(WHAT_IS_SKIPPED)
      .force()
      .examples(
        'hyperletter import ~/letters --to "Tide Tables" --dry-run',
        'hyperletter import ~/letters --to "Tide Tables"',
        `hyperletter import ~/blog --match 'content/posts/**/*.md' --json`,
        'hyperletter import tide-tables.ghost.2026-03-01.json --site-url https://tides.example',
        `hyperletter import ~/letters --exclude '{notes,attic}/**'`,
      )
      .action(bind(importFolder)),
}

function importFolder(
  context: Context,
  folder: string,
  { to, yes, siteRoot, ...options }: Options,
): Promise<number | void> {
  const path = /^https?:\/\//i.test(folder) ? folder : resolve(context.io.cwd, folder)
  const root = siteRoot === undefined ? {} : { siteRoot: resolve(context.io.cwd, siteRoot) }
  return runImport(context, { yes, ...options }, (operations, given) =>
    operations.importFolder(
      { folder: path, ...root, ...defined({ newsletter: to, ...options, ...given }) },
      { signal: context.io.signal },
    ),
  )
}
