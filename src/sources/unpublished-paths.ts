import { basename } from 'node:path/posix'
import type { DraftWarning, Withheld, WithheldKind } from './source.ts'

const DRAFT_FOLDERS =
  /^_?(?:\d+[-_. ]+)?(?:(?:\w+[-_ ]+){0,2}drafts?(?: ?\([^)]*\))?|drafts?[-_ ](?:posts?|letters?|issues?|articles?|notes?|ideas?|mails?|emails?|newsletters?)|to[-_ ](?:publish|send)|unsent|on[-_ ]hold|abandoned|incomplete|embargoed|work[-_ ]in[-_ ]progress|not[-_ ]?published|unpublished|wip|in[-_ ]progress|unfinished|pending|scheduled|queued?|outbox|(?:in|to|for)[-_ ]review|(?:do[-_ ])?not[-_ ](?:for[-_ ])?(?:publish(?:ed)?|publication)|discarded|backups?|trash|deleted|brouillons?|entw[uü]rfe?|borradore?s?|bozz[ae]|rascunhos?|utkast|kladde|черновики|草稿|下書き)$/i
const PRIVATE_FOLDERS =
  /^_?(?:private(?:[-_ ]\w+)?|privat|hidden|unlisted|secret|confidential|internal|paid|premium|(?:for[-_ ])?(?:members?|subscribers?|patrons?|supporters?)(?:[-_ ]only)?|patreon)$/i
/** What stands behind the word that says what a folder holds: `drafts2`, `_drafts.old`, `Private posts 2024`. */
const FOLDER_SUFFIX =
  /(?<=[^\W_])(?:[-_. –—~]*(?:\d{1,4}|q[1-4]|old|new|archived?|bak|backup|copy|unused|later|posts?|letters?|issues?|articles?|newsletters?|e?mails?))*[-_. –—~]*$/iu
const TEMPLATE_FOLDERS =
  /^(?:_site|_includes|_layouts|_templates?|templates?|archetypes|_data|_sass|layouts|themes|vendor|bower_components|build|dist|coverage|__tests__|fixtures|scaffolds)$/i
const EXTRA_FILES =
  /^(?:readme|licen[cs]e|copying|notice|contributing|contributors|authors|maintainers|code[_-]of[_-]conduct|changelog|security|support|todo|agents|claude|(?:issue|pull_request)_template|_index|404)(?:[._-][a-z]{2}(?:[_-][a-z]{2})?)?$/i
/** As a rule in capitals; a post may be called `summary` or `install`. */
const CAPITAL_FILES = /^(?:SUMMARY|INSTALL|GOVERNANCE|HACKING|RELEASING|CITATION)$/
const LEFTOVERS =
  /^(?:~\$|#|\.#|Copy of )|(?:conflicted copy|case conflict|\.sync-conflict-|_(?:BACKUP|BASE|LOCAL|REMOTE)_\d+\.|\.(?:bak|orig|old|rej|tmp|swp|BASE|LOCAL|REMOTE)\b|[-_]backup\.|~\.)|(?: - Copy(?: \(\d+\))?| copy(?: \d+)?)\.\w+$/i
/** Not `first-draft`, which may be about one. */
const DRAFT_FILES =
  /^(?:DRAFT|WIP)\b|^(?:[Dd]raft|wip) [-–—] |[.([](?:drafts?|Drafts?|DRAFTS?|wip|WIP)(?:$|[)\]])|_DRAFT$/
const TEMPLATE_FILES = /^templates?(?: - .*)?$/i

/**
 * Why the place or the name of a file says that it is not for everybody.
 * @param path Relative to the imported folder, with `/`.
 */
export function withheldByPath(path: string): Withheld | undefined {
  const folders = path.normalize('NFC').split('/').slice(0, -1)
  for (const folder of folders) {
    const names = [folder, folder.replace(FOLDER_SUFFIX, '')]
    if (names.some((it) => DRAFT_FOLDERS.test(it))) return inFolder(folder, 'drafts')
    if (names.some((it) => PRIVATE_FOLDERS.test(it))) return inFolder(folder, 'private')
    if (TEMPLATE_FOLDERS.test(folder)) return inFolder(folder, 'templates')
  }
  const name = basename(path)
  const stem = name.replace(/\.[^.]+$/, '')
  if (EXTRA_FILES.test(stem) || CAPITAL_FILES.test(stem))
    return { kind: 'extras', message: `${name} is about the site, not a post` }
  if (DRAFT_FILES.test(stem)) return { kind: 'drafts', message: 'its name calls it a draft' }
  if (TEMPLATE_FILES.test(stem))
    return { kind: 'templates', message: 'its name calls it a template' }
  if (LEFTOVERS.test(name)) return { kind: 'extras', message: 'a backup or a conflicted copy' }
  if (name.startsWith('_'))
    return { kind: 'extras', message: 'a name that begins with _ is a part of other pages' }
  return undefined
}

/** A warning of a name that only somebody who knows the text can judge: `post-draft`, `my-first-draft`. */
export function suspicionOf(path: string): DraftWarning[] {
  const isSuspect = /(?:^|[-_. ])(?:drafts?|wip|unfinished)(?:[-_. ]|$)/i.test(basename(path))
  const message = 'Its name has the word “draft”; --exclude leaves out what is one.'
  return isSuspect ? [{ message }] : []
}

function inFolder(folder: string, kind: WithheldKind): Withheld {
  const what = {
    drafts: 'drafts',
    private: 'private texts',
    templates: 'templates or built pages',
  } as const
  return { kind, message: `the folder "${folder}" holds ${what[kind as keyof typeof what]}` }
}
