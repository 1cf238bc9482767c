import type { HeadValue, NamedField, NamedFields } from './front-matter.ts'
import { isBlank } from './head-fields.ts'
import { hasTime, parseDate, unquoted } from './date.ts'
import { printable, type Withheld, type WithheldKind } from './source.ts'

const FILLED = /^(?!(?:false|no|off|n|0|null|none|~)$)\S/i
const YES = /^(?:true|yes|on|y|1)$/i
const NO = /^(?:false|no|off|n|0|nein|non|não)$/i

/** A day that has begun somewhere on Earth is not in the future. */
const FARTHEST_ZONE_MS = 14 * 60 * 60 * 1_000

/** Names of dates of publication, the preferred one first; the last of them may say anything. */
export const DATES =
  'date publishedat published pubdate publishdate publisheddate publicationdate publishedon publishon datepublished publish releasedate releasedon issuedate sentat posted postedat postdate created createdat createdon datecreated creationdate dateadded createdtime firstpublishedat publishedtime'.split(
    ' ',
  )

const STARTS = [
  ...'publishdate publishat publishon publishafter embargo embargountil embargoeduntil notbefore golivedate visibleafter unlocks scheduled scheduledfor scheduledat golive available availableon availableat availablefrom visiblefrom release issued'.split(
    ' ',
  ),
  ...DATES,
]
const ENDS =
  'expiry expirydate sunset unpublishedat deletedat validto availableuntil unpublish unpublishdate unpublishat unpublishon expires expireson expiresat expire expiration expirationdate validuntil visibleuntil'.split(
    ' ',
  )

const READERS =
  /^(?:only[ _-]?)?(?:paid|paying|premium|members?|subscribers?|patrons?|supporters?|sponsors?|pro$|founding|private|restricted|login|internal)/i
const DRAFT =
  /^(?:drafts?|auto-draft|pending|idea|wip|in[ _-]?progress|review|in[ _-]?review|unpublished|trash(?:ed)?|deleted|inherit|todo|skip|brouillon|entwurf|borrador|bozza|rascunho)$/i
const PRIVATE = /^(?:private|hidden|unlisted|paid|members|protected|secret)$/i

/** Fields that say a state, and no word of another meaning. */
const STATES =
  'status poststatus wpstatus ghoststatus emailstatus publishedstatus publicationstatus publicationstate publishstatus publishstate publishingstatus'

/**
 * Fields by which site generators, note apps and services mark what they do not publish: Jekyll, Hugo, Zola, Eleventy,
 * Pelican, Obsidian, Ghost, WordPress, Substack and others.
 */
const MARKS: readonly (readonly [names: string, marked: RegExp, kind: WithheldKind])[] = [
  // Whatever else it says is no clear no.
  ['draft', FILLED, 'drafts'],
  [
    'drafts drafted beardraft notready needsreview nobuild skipbuild unpublished notpublished nopublish dontpublish wip workinprogress todo incomplete unfinished disabled disable offline trashed deleted brouillon entwurf borrador bozza rascunho utkast kladde черновик 草稿 下書き',
    YES,
    'drafts',
  ],
  [
    'published publish dgpublish quartzpublish explicitpublish output generate build ready live online enabled active approved reviewed final finalized finished complete completed done veröffentlicht publié publicado pubblicato',
    NO,
    'drafts',
  ],
  // Neither a day nor yes or no: `publish: later`.
  ['published publish', /^(?!(?:true|yes|on|y)$)\p{L}[\p{L} ]*$/iu, 'drafts'],
  [
    'private nonpublic hidden hide unlisted secret protected paid premium paywall paywalled gated locked restricted internal confidential encrypted member members membersonly memberonly subscribers subscribersonly subscriberonly sitelogin patron patrons patronsonly patrononly patreon supporters supportersonly sponsorsonly exclusive loginrequired requireslogin emailonly newsletteronly headless noindex encrypt hidefromindex hidefromarchive hidefromlist hidefromfeed excludefromindex excludefromfeed excludefromrss',
    YES,
    'private',
  ],
  [
    'public visible listed listing show permalink routable discoverable makediscoverable sitemap feed rss web webvisible free isfree',
    NO,
    'private',
  ],
  [
    'tiers mintier minimumtier',
    /^(?!(?:0|free|public|open|all|every(?:one|body)|none)$)\S/i,
    'private',
  ],
  // Buttondown.
  ['emailtype', /^(?!(?:public|archival)$)\S/i, 'private'],
  ['archivalmode', /^(?:disabled|enabled_for)/i, 'private'],
  [
    'posttype type',
    /^(?:revision|attachment|nav[-_]menu.*|wp_\w+|custom_css|customize_changeset|oembed_cache|user_request)$/i,
    'extras',
  ],
  ['posttype', /^page$/i, 'extras'],
  ['requires auth authentication', /^(?:login|required|members?|yes|true)$/i, 'private'],
  ['exclude ignore skip eleventyexcludefromcollections', YES, 'private'],
  ['password protect', FILLED, 'private'],
  ['render list', /^(?:never|false|local)$/i, 'private'],
  ['robots', /\b(?:noindex|none)\b/i, 'private'],
  ['visibility', /^(?!(?:public|everyone|everybody|all|free|published|visible)$)/i, 'private'],
  // Also words for whom a text is written: `audience: beginners`.
  [
    'access accesslevel audience tier tiers plan subscription level for to sharing',
    READERS,
    'private',
  ],
  ['audience', /^(?:only[ _-]?)?free$/i, 'private'],
  [`${STATES} state stage workflow review reviewstatus statut estado stato`, DRAFT, 'drafts'],
  [`${STATES} state stage workflow`, PRIVATE, 'private'],
  [`${STATES} state stage workflow`, /^(?:scheduled|future|embargo(?:ed)?|queued)$/i, 'scheduled'],
  [`${STATES} state stage workflow`, /^(?:expired|archived)$/i, 'expired'],
  ['type kind layout', /^drafts?$/i, 'drafts'],
  ['scheduled embargo', YES, 'scheduled'],
  ['expired archived obsolete', YES, 'expired'],
  ['template', YES, 'templates'],
  ['excalidrawplugin kanbanplugin', /\S/, 'extras'],
  // Words of Pelican, Substack and Ghost, of notes that are always published, and numbers of whatever.
  [
    STATES,
    /^(?!(?:publish(?:ed)?|public|live|final(?:ized)?|finished|done|completed?|ready|sent|released?|posted|active|online|open|visible|ok|yes|true|stable|approved|accepted|confirmed|imported|current|updated?|free|everyone|closed|new|evergreen|budding|seedlings?|sapling|growing|mature|\d+)$)/i,
    'drafts',
  ],
]

interface Mark {
  readonly rank: number
  readonly marked: RegExp
  readonly kind: WithheldKind
}

const MARKS_OF = new Map<string, Mark[]>()
MARKS.forEach(([names, marked, kind], rank) => {
  for (const name of names.split(' '))
    MARKS_OF.set(name, [...(MARKS_OF.get(name) ?? []), { rank, marked, kind }])
})

/** Tags that are states. */
const TAGS: readonly (readonly [RegExp, WithheldKind])[] = [
  [/^(?:drafts?|unpublished|wip)$/i, 'drafts'],
  [/^(?:private|unlisted|hidden)$/i, 'private'],
]

/** Whether a tag says that a text is not for everybody, where its head does not say `published: true`. */
export function isWithheldTag(tag: string): boolean {
  return kindOfTag(tag) !== undefined
}

/** Why the head of a text says that it is not for everybody, or not now; undefined if it says nothing of the kind. */
export function withheldByHead(fields: NamedFields, now: Date): Withheld | undefined {
  let first: { readonly mark: Mark; readonly field: NamedField; readonly text: string } | undefined
  for (const [name, field] of fields) {
    const marks = MARKS_OF.get(name)
    if (marks === undefined) continue
    for (const text of textsOf(field)) {
      const mark = marks.find((it) => it.marked.test(text) && !isDate(name, text))
      if (mark !== undefined && !(first !== undefined && first.mark.rank <= mark.rank))
        first = { mark, field, text }
    }
  }
  if (first === undefined)
    return (
      withheldByRobots(fields) ??
      withheldByTag(fields) ??
      withheldWithoutDate(fields) ??
      withheldByTime(fields, now)
    )
  const { mark, field, text } = first
  // What it is kept under is nobody's business.
  const shown = MARKS_OF.get('password')?.includes(mark) === true ? '…' : text
  return said(field.name, shown, mark.kind, field.line)
}

function isDate(name: string, text: string): boolean {
  return (
    name.startsWith('publish') && !YES.test(text) && !NO.test(text) && parseDate(text) !== undefined
  )
}

/** Elements for the head of a page, however VuePress, VitePress and others nest them: `name: robots, content: noindex`. */
function withheldByRobots(fields: NamedFields): Withheld | undefined {
  for (const name of ['meta', 'head', 'seo']) {
    const field = fields.get(name)
    if (field !== undefined && hidesFromRobots(field.value))
      return said(field.name, 'robots: noindex', 'private', field.line)
  }
  return undefined
}

function hidesFromRobots(value: HeadValue, depth = 0): boolean {
  if (typeof value === 'string' || depth > 4) return false
  if (value instanceof Map && /^robots$/i.test(String(value.get('name'))))
    return /\b(?:noindex|none)\b/i.test(String(value.get('content')))
  return [...(value.values() as Iterable<HeadValue>)].some((it) => hidesFromRobots(it, depth + 1))
}

/** A database of a site has nothing there until a post is published. */
function withheldWithoutDate(fields: NamedFields): Withheld | undefined {
  if (YES.test(textOf(fields.get('published')))) return undefined
  const names = ['publishedat', 'publishedon', 'publisheddate', 'datepublished']
  const empty = names
    .map((it) => fields.get(it))
    .find((it) => it !== undefined && isBlank(it.value))
  return empty && said(empty.name, 'null', 'drafts', empty.line)
}

function withheldByTag(fields: NamedFields): Withheld | undefined {
  // Plainer than a word among others; an export writes it where an issue has such a tag.
  if (YES.test(textOf(fields.get('published')))) return undefined
  for (const name of ['tags', 'tag', 'keywords', 'categories', 'category']) {
    const field = fields.get(name)
    const value = field?.value ?? []
    if (field === undefined || value instanceof Map) continue
    const words = typeof value === 'string' ? value.split(/[\s,;]+/) : (value as HeadValue[])
    for (const word of words) {
      if (typeof word !== 'string') continue
      const kind = kindOfTag(word)
      if (kind !== undefined) return said(field.name, lastOfTag(word), kind, field.line)
    }
  }
  return undefined
}

function kindOfTag(tag: string): WithheldKind | undefined {
  return TAGS.find(([pattern]) => pattern.test(lastOfTag(tag)))?.[1]
}

/** `draft` of `#status/draft` */
function lastOfTag(tag: string): string {
  return tag.replace(/^.*[#/]/, '').trim()
}

function withheldByTime(fields: NamedFields, now: Date): Withheld | undefined {
  for (const name of ENDS) {
    const ends = timeOf(fields.get(name))
    if (ends !== undefined && ends.ms < now.getTime())
      return said(ends.name, ends.text, 'expired', ends.line)
  }
  for (const name of STARTS) {
    const starts = timeOf(fields.get(name))
    if (starts === undefined) continue
    const slackMs = hasTime(starts.text) ? 0 : FARTHEST_ZONE_MS
    if (starts.ms > now.getTime() + slackMs)
      return said(starts.name, starts.text, 'scheduled', starts.line)
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

function said(name: string, value: string, kind: WithheldKind, line: number | undefined): Withheld {
  const words = {
    drafts: 'is not finished',
    private: 'is not for everybody',
    scheduled: 'is for later',
    expired: 'has expired',
    templates: 'is a template',
    extras: 'is no post',
  } as const
  const message = `The head says that the text ${words[kind]} (${name}: ${printable(value)}).`
  return line === undefined ? { kind, message } : { kind, message, line }
}

/** What a field, or each item of its list, says, without the signs that some put around words: `published ✅`. */
function textsOf({ value }: NamedField): string[] {
  const items = value instanceof Map ? [] : typeof value === 'string' ? [value] : [...value]
  return items
    .filter((it) => typeof it === 'string')
    .map((it) => it.replace(/^[\s\p{So}\ufe0f]+(?=\p{L})/u, ''))
    .map((it) => unquoted(/[!-~]$/.test(it) ? it : it.replace(/(?<=\p{L})[\s\p{So}\ufe0f]+$/u, '')))
    .filter((it) => it !== '')
}

/** What a date says: MkDocs writes `date: {created: 2023-12-31}`. */
export function dateIn({ value }: NamedField): HeadValue {
  return value instanceof Map
    ? ((value.get('published') ?? value.get('created') ?? value) as HeadValue)
    : value
}

function textOf(field: NamedField | undefined): string {
  return typeof field?.value === 'string' ? unquoted(field.value) : ''
}

function timeOf(field: NamedField | undefined) {
  if (field === undefined) return undefined
  const text = textOf({ ...field, value: dateIn(field) })
  const date = parseDate(text)
  return date === undefined
    ? undefined
    : { ms: Date.parse(date), text, name: field.name, line: field.line }
}
