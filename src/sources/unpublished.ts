import { basename } from 'node:path/posix'
import type { HeadField, HeadValue } from './front-matter.ts'
import { hasTime, parseDate } from './date.ts'
import type { Withheld, WithheldKind } from './source.ts'

export { WITHHELD_KINDS, type Withheld, type WithheldKind } from './source.ts'

type Fields = ReadonlyMap<string, HeadField>

const YES = /^(?:true|yes|on|y|1)$/i
const NO = /^(?:false|no|off|n|0)$/i

/** A day that has begun somewhere on Earth is not in the future. */
const FARTHEST_ZONE_MS = 14 * 60 * 60 * 1_000

/**
 * Fields by which site generators, note apps and services mark what they do not publish: Jekyll, Hugo, Zola, Eleventy,
 * Pelican, Obsidian, Ghost, WordPress, Substack and others.
 */
const MARKS: readonly (readonly [names: string, marked: RegExp, kind: WithheldKind])[] = [
  ['draft isdraft is_draft unpublished wip', YES, 'drafts'],
  ['published publish dg-publish dgpublish is_published ready', NO, 'drafts'],
  ['public', NO, 'private'],
  [
    'private hidden unlisted secret protected paid premium paywall members_only membersonly subscribers_only',
    YES,
    'private',
  ],
  ['exclude ignore eleventyexcludefromcollections', YES, 'private'],
  ['password', /^(?!(?:false|no|none|null|0)$)\S/i, 'private'],
  ['render list', /^(?:never|false|local)$/i, 'private'],
  [
    'visibility post_visibility',
    /^(?!(?:public|everyone|everybody|all|free|published|visible)$)/i,
    'private',
  ],
  // Also words for whom a text is written: `audience: beginners`.
  [
    'access audience',
    /^(?:only[ _-]?)?(?:paid|paying|members?|subscribers?|founding|private|restricted|login)/i,
    'private',
  ],
]

const STATES = ['status', 'state', 'post_status']
const DRAFT_STATE =
  /^(?:drafts?|auto-draft|pending|idea|wip|in[ _-]?progress|review|in[ _-]?review|unpublished|trash(?:ed)?|deleted|inherit|todo|skip)$/i
const PRIVATE_STATE = /^(?:private|hidden|unlisted|paid|members|protected)$/i
const SCHEDULED_STATE = /^(?:scheduled|future|embargo(?:ed)?)$/i
const EXPIRED_STATE = /^(?:expired|archived)$/i

const STARTS = [
  'publishdate',
  'publish_date',
  'publish_at',
  'publishat',
  'date',
  'publishedat',
  'published',
  'publish',
]
const ENDS = [
  'expirydate',
  'expiry_date',
  'unpublishdate',
  'unpublish_date',
  'expires',
  'expiration',
]

/** Why the head of a text says that it is not for everybody, or not now; undefined if it says nothing of the kind. */
export function withheldByHead(fields: Fields, now: Date): Withheld | undefined {
  for (const [names, marked, kind] of MARKS) {
    for (const name of names.split(' ')) {
      const found = marking(name, fields.get(name), marked, kind)
      if (found !== undefined) return found
    }
  }
  for (const name of ['_build', 'build']) {
    const value = fields.get(name)?.value
    if (!(value instanceof Map)) continue
    for (const part of ['render', 'list']) {
      const text = value.get(part) as HeadValue | undefined
      const line = fields.get(name)?.line ?? 1
      const found = marking(
        part,
        text === undefined ? undefined : { value: text, line },
        /^(?:never|false|local)$/i,
        'private',
      )
      if (found !== undefined) return found
    }
  }
  return withheldByState(fields) ?? withheldByTime(fields, now)
}

function marking(
  name: string,
  field: HeadField | undefined,
  marked: RegExp,
  kind: WithheldKind,
): Withheld | undefined {
  const text = textOf(field)
  if (field === undefined || text === '' || !marked.test(text)) return undefined
  // What it is kept under is nobody's business.
  return said(name, name === 'password' ? '…' : text, kind, field.line)
}

function withheldByState(fields: Fields): Withheld | undefined {
  for (const name of STATES) {
    const field = fields.get(name)
    const state = textOf(field)
    if (field === undefined || state === '') continue
    if (DRAFT_STATE.test(state)) return said(name, state, 'drafts', field.line)
    if (PRIVATE_STATE.test(state)) return said(name, state, 'private', field.line)
    if (SCHEDULED_STATE.test(state)) return said(name, state, 'scheduled', field.line)
    if (EXPIRED_STATE.test(state)) return said(name, state, 'expired', field.line)
  }
  return undefined
}

function withheldByTime(fields: Fields, now: Date): Withheld | undefined {
  for (const name of ENDS) {
    const ends = timeOf(fields.get(name))
    if (ends !== undefined && ends.ms < now.getTime()) {
      return said(name, ends.text, 'expired', fields.get(name)?.line)
    }
  }
  for (const name of STARTS) {
    const starts = timeOf(fields.get(name))
    if (starts === undefined) continue
    const slackMs = hasTime(starts.text) ? 0 : FARTHEST_ZONE_MS
    if (starts.ms > now.getTime() + slackMs) {
      return said(name, starts.text, 'scheduled', fields.get(name)?.line)
    }
  }
  return undefined
}

/** A date that only the name of a file says, or the clock of a disk, in the future. */
export function withheldByDate(
  { publishedAt, dateFrom }: { readonly publishedAt: string; readonly dateFrom: string },
  now = new Date(),
): Withheld | undefined {
  const slackMs = dateFrom === 'name' ? FARTHEST_ZONE_MS : 0
  if (dateFrom === 'head' || Date.parse(publishedAt) <= now.getTime() + slackMs) return undefined
  const day = publishedAt.slice(0, 10)
  return { kind: 'scheduled', message: `Its ${dateFrom} dates it in the future: ${day}.` }
}

const DRAFT_FOLDERS = /^_?(?:drafts?|unpublished|wip)$/i
const PRIVATE_FOLDERS = /^_?private$/i
const TEMPLATE_FOLDERS =
  /^(?:_site|_includes|_layouts|_templates?|templates?|archetypes|_data|_sass|layouts|themes|vendor|bower_components)$/i
const EXTRA_FILES =
  /^(?:readme|licen[cs]e|copying|notice|contributing|contributors|authors|code[_-]of[_-]conduct|changelog|security|support|_index|404)$/i
const LEFTOVERS =
  /^(?:~\$|#|\.#)|(?:conflicted copy|case conflict|\.sync-conflict-|\.(?:bak|orig|old|tmp|swp))/i

/**
 * Why the place or the name of a file says that it is not for everybody.
 * @param path Relative to the imported folder, with `/`.
 */
export function withheldByPath(path: string): Withheld | undefined {
  const folders = path.split('/').slice(0, -1)
  for (const folder of folders) {
    if (DRAFT_FOLDERS.test(folder)) return inFolder(folder, 'drafts')
    if (PRIVATE_FOLDERS.test(folder)) return inFolder(folder, 'private')
    if (TEMPLATE_FOLDERS.test(folder)) return inFolder(folder, 'templates')
  }
  const name = basename(path)
  const stem = name.replace(/\.[^.]+$/, '')
  if (EXTRA_FILES.test(stem))
    return { kind: 'extras', message: `${name} is about the site, not a post` }
  if (LEFTOVERS.test(name)) return { kind: 'extras', message: 'a backup or a conflicted copy' }
  if (name.startsWith('_'))
    return { kind: 'extras', message: 'a name that begins with _ is a part of other pages' }
  return undefined
}

function inFolder(folder: string, kind: WithheldKind): Withheld {
  const what = {
    drafts: 'drafts',
    private: 'private texts',
    templates: 'templates or built pages',
  } as const
  return { kind, message: `the folder "${folder}" holds ${what[kind as keyof typeof what]}` }
}

function said(name: string, value: string, kind: WithheldKind, line: number | undefined): Withheld {
  const words = {
    drafts: 'is not finished',
    private: 'is not for everybody',
    scheduled: 'is for later',
    expired: 'has expired',
    templates: 'is a template',
    extras: 'is no post',
  } as const
  const shown = value.slice(0, 64).replaceAll(/\p{C}/gu, '?')
  const message = `The head says that the text ${words[kind]} (${name}: ${shown}).`
  return line === undefined ? { kind, message } : { kind, message, line }
}

function textOf(field: HeadField | undefined): string {
  return typeof field?.value === 'string' ? field.value.trim() : ''
}

function timeOf(field: HeadField | undefined): { ms: number; text: string } | undefined {
  const text = textOf(field)
  const date = parseDate(text)
  return date === undefined ? undefined : { ms: Date.parse(date), text }
}
