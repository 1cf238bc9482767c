import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defined } from '../../defined.ts'
import { codeOf, HyperletterError, invalidInput } from '../../errors.ts'
import {
  contentRange,
  newestEdition,
  type ListedLetter,
  type LocatedIssue,
} from '../../format/history/corrections.ts'
import { wantedLetters } from '../../format/letters/shown.ts'
import type { Feed } from '../../format/feed.ts'
import { formatLink } from '../../format/keys/link.ts'
import { describeEdition, describeInList, supportOf } from '../../site/describe.ts'
import type {
  SiteAssets,
  SiteFile,
  SiteIssue,
  SiteSource,
  StaticSite,
  SiteTheme,
} from '../../site/static/model.ts'
import { commonFacts, siteFiles } from '../../site/static/site.ts'
import { CODE, IS_SOURCE, PACKAGE } from '../../places.ts'
import { publishedLetters } from '../letters/listing.ts'
import { renderIssue } from '../../text-worker/text-worker.ts'
import { packageVersion } from '../../version.ts'
import type { SiteFolder } from './site-folder.ts'

const LOCAL = { wait: false }

export interface WebsiteOptions {
  readonly address?: string | undefined
  /** Absolute path of a folder. */
  readonly theme?: string | undefined
  readonly completeFeed?: boolean | undefined
  readonly successor?: StaticSite['newsletter']['successor']
}

export interface Website {
  /** In the order in which they have to be written. What each depends on, `facts`, is all that it depends on. */
  readonly files: Iterable<SiteFile>
  readonly issues: number
}

/**
 * The pages and feeds of a newsletter that can be read here; each is made when it is asked for.
 * @throws NEEDS_KEY, NOT_AVAILABLE; INVALID_INPUT for a theme that cannot be read.
 */
export async function websiteOf(
  feed: Feed,
  { address, theme, completeFeed, successor }: WebsiteOptions,
  assets: SiteAssets,
): Promise<Website> {
  const profile = await feed.profile(LOCAL)
  const { issues, letters } = await feed.list(LOCAL)
  const { feedKey } = feed
  const { title, description, authors, website, license } = profile
  const newsletter = {
    feedKey,
    link: formatLink({ feedKey }),
    title,
    ...defined({ description, authors, website, license, successor }),
    ...defined({ support: supportOf(profile), names: profile.names }),
  }
  const site: StaticSite = {
    newsletter,
    issues: issues.map((it) => issueOf(feed, title, it, letters)),
    theme: theme === undefined ? {} : await loadTheme(theme),
    ...defined({ address, completeFeed }),
  }
  const common = createHash('sha256')
    .update(JSON.stringify([VERSION, commonFacts(site)]))
    .digest('hex')
  const withCommon = function* () {
    for (const file of siteFiles(site, sourceOf(feed, title, issues), assets)) {
      yield file.facts === undefined ? file : { ...file, facts: [common, file.facts] }
    }
  }
  return { files: withCommon(), issues: issues.length }
}

/**
 * Writes them into a folder.
 * @yields how far it has come, in issues.
 * @throws as `websiteOf` does.
 */
export async function* writeWebsite(
  feed: Feed,
  folder: SiteFolder,
  options: WebsiteOptions,
  assets: SiteAssets,
): AsyncGenerator<{ readonly done: number; readonly total: number }> {
  const { files, issues } = await websiteOf(feed, options, assets)
  let done = 0
  for (const file of files) {
    await folder.write(file)
    if (file.path.startsWith('issues/')) yield { done: ++done, total: issues }
  }
  await folder.removeOthers()
}

// Another version may write the same issues in another way.
const VERSION = packageVersion()

function issueOf(
  feed: Feed,
  newsletter: string,
  located: LocatedIssue,
  letters: readonly ListedLetter[] = [],
): SiteIssue {
  const ofIssue = wantedLetters(letters, located.record.number)
  const attachments =
    located.retraction === undefined ? newestEdition(located).record.attachments : []
  const body = contentRange(newestEdition(located).record.body)
  return {
    feedKey: feed.feedKey,
    newsletter,
    ...describeInList(located),
    // Nothing of who reads it here.
    read: true,
    starred: false,
    held: located.retraction !== undefined || feed.holds(body),
    attachments: attachments.map((it) => ({
      name: it.name,
      mediaType: it.mediaType,
      bytes: it.bytes,
      ...defined({ alt: it.alt }),
      held: feed.holds(contentRange(it)),
    })),
    ...(ofIssue.length > 0 && {
      letterFacts: ofIssue.map((it) => [it.number, it.answer, feed.holds(contentRange(it))]),
    }),
  }
}

function sourceOf(feed: Feed, newsletter: string, issues: readonly LocatedIssue[]): SiteSource {
  const byNumber = new Map(issues.map((it) => [it.record.number, it]))
  const located = (number: number): LocatedIssue => {
    const found = byNumber.get(number)
    if (found !== undefined) return found
    throw new HyperletterError('ISSUE_NOT_FOUND', `There is no issue ${number}.`)
  }
  return {
    issue: async (number) => {
      const issue = located(number)
      const edition = newestEdition(issue)
      const { attachments } = issueOf(feed, newsletter, issue)
      return {
        feedKey: feed.feedKey,
        newsletter,
        markdown: issue.retraction === undefined ? await feed.readBody(edition, LOCAL) : '',
        attachments,
        verified: true,
        letters: await publishedLetters(feed, issue),
        ...describeEdition(issue, edition),
      }
    },
    render: renderIssue,
    attachment: (number, name, from) => {
      const found = newestEdition(located(number)).record.attachments.find((it) => it.name === name)
      if (found !== undefined) return feed.readAttachment(found, LOCAL, from)
      throw new HyperletterError('ISSUE_NOT_FOUND', `Issue ${number} has no attachment “${name}”.`)
    },
  }
}

/** Far more than a style or a picture for previews takes. */
const MAX_THEME_BYTES = 8 * 1024 * 1024

async function loadTheme(folder: string): Promise<SiteTheme> {
  const names = ['theme.css', 'header.html', 'footer.html', 'icon.svg', 'cover.png'] as const
  const [css, header, footer, icon, cover] = await Promise.all(
    names.map((name) => themeFile(join(folder, name))),
  )
  if ([css, header, footer, icon, cover].every((it) => it === undefined)) {
    throw invalidInput(`There is no theme in ${folder}.`, {
      hint: `A theme has some of these files: ${names.join(', ')}.`,
    })
  }
  return {
    css: css?.toString(),
    header: header?.toString(),
    footer: footer?.toString(),
    icon,
    cover,
  }
}

async function themeFile(path: string): Promise<Buffer | undefined> {
  try {
    const bytes = await readFile(path)
    if (bytes.byteLength <= MAX_THEME_BYTES) return bytes
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined
    throw invalidInput(`Cannot read ${path}.`, { cause })
  }
  throw invalidInput(`${path} is too large for a theme.`)
}

export async function loadSiteAssets(): Promise<SiteAssets> {
  const asset = (name: string) => readFile(new URL(`site/assets/${name}`, CODE))
  const [style, more, icon, verify, reader] = await Promise.all([
    asset('style.css'),
    asset('site.css'),
    asset('icon.svg'),
    readFile(browserFile('verify.js'), 'utf8'),
    readFile(browserFile('reader.html'), 'utf8'),
  ])
  return { style: `${style.toString()}${more.toString()}`, icon, verify, reader }
}

/** A file that was built for browsers. Where the source runs, it is the one that was built last. */
export function browserFile(name: string): URL {
  return new URL(`browser/${name}`, IS_SOURCE ? new URL('dist/', PACKAGE) : CODE)
}
