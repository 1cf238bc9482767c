import { posix } from 'node:path'
import { decode, originOf } from '../render/links.ts'
import { edited, type Edit } from './dialects.ts'
import { isUnsafe } from './local-reference.ts'
import { codeIn } from './markdown-code.ts'
import {
  printable,
  type Draft,
  type DraftLink,
  type DraftWarning,
  type FoundDraft,
  resolved,
} from './source.ts'

export interface LinkOptions {
  /** What becomes of a draft that has changed, before the next one is looked at. */
  readonly keep?: (changed: FoundDraft) => FoundDraft
  /** The origins of other posts that links may lead to. */
  readonly others?: readonly string[]
}

const asItIs = (changed: FoundDraft) => changed

/**
 * Drafts whose links lead to each other's issues: those to a post become its `origin`, as a relative path, which
 * readers look up among the issues (docs/format.md, 6). Others lead to the former site, or a
 * warning names them. Nothing else of a text changes.
 * @param siteUrl Where the site was, for links that lead to no post: `https://old.example/blog/`.
 */
export function linkPosts(
  found: readonly FoundDraft[],
  siteUrl?: string,
  { keep = asItIs, others = [] }: LinkOptions = {},
): FoundDraft[] {
  const isLinked = (draft: Draft) =>
    (draft.links ?? []).length > 0 || (siteUrl !== undefined && draft.markdown.includes(siteUrl))
  if (!found.some(({ draft }) => isLinked(draft))) return [...found]
  const posts = new Posts([...found, ...others.map((origin) => ({ origin }))])
  return found.map((it) => {
    const { draft } = it
    if (!isLinked(draft)) return it
    const { links = [] } = draft
    const edits: Edit[] = []
    const lost = new Map<string, DraftLink>()
    for (const link of links) {
      const target = posts.find(link.target, it) ?? onSite(link.target, it, siteUrl)
      if (target === undefined) lost.set(link.target, lost.get(link.target) ?? link)
      else if (target !== link.target && link.place !== undefined)
        edits.push({ ...link.place, text: target })
    }
    const { markdown, warnings, ...head } = draft
    const linked = withTargets(edited(markdown, edits), ownTargets(markdown, siteUrl, it, posts))
    if (linked === markdown && lost.size === 0) return it
    const told = [...warnings, ...warningsOf([...lost.values()], siteUrl)]
    return keep({
      origin: it.origin,
      finish: it.finish,
      draft: { ...head, warnings: told, markdown: linked },
    })
  })
}

/** Whole addresses of the site in a text that lead to another post of it, and the path to that one. */
function ownTargets(
  markdown: string,
  siteUrl: string | undefined,
  from: FoundDraft,
  posts: Posts,
): ReadonlyMap<string, string> {
  const targets = new Map<string, string>()
  if (siteUrl === undefined || !markdown.includes(siteUrl)) return targets
  for (const target of targetsIn(markdown)) {
    const path = target.startsWith(siteUrl)
      ? target.slice(siteUrl.length).replace(/^\/*/, '/')
      : '/'
    const post = path === '/' ? undefined : posts.find(path, from)
    if (post !== undefined) targets.set(target, post)
  }
  return targets
}

/**
 * Drafts of a site whose links name each other's addresses in whatever form: each becomes what the issue of the other
 * one was imported from, which readers look up. Only the targets of these links change; a warning names each that leads
 * nowhere, for want of a site.
 */
export function linkAddresses(
  found: readonly FoundDraft[],
  { keep = asItIs, others = [] }: LinkOptions = {},
): FoundDraft[] {
  if (found.length === 0) return []
  const posts = new Map(others.map((origin) => [addressKey(origin), origin]))
  for (const { origin, draft } of found) {
    for (const it of [origin, ...(draft.addresses ?? [])]) posts.set(addressKey(it), origin)
  }
  return found.map((it) => {
    const targets = new Map<string, string>()
    const lost: DraftLink[] = []
    const { draft } = it
    for (const link of draft.links ?? []) {
      const { target } = link
      const key = addressKey(target)
      // A site that the export does not name may be any.
      const origin = posts.get(key) ?? posts.get(key.slice(key.indexOf('/')))
      const [, bare = '', fragment = ''] = /^([^#]*)(#.*)?$/s.exec(target) ?? []
      if (origin === undefined && !/^https?:/i.test(target)) lost.push(link)
      if (origin === undefined || origin === bare) continue
      targets.set(target, (/^https?:/i.test(origin) ? origin : `/${origin}`) + fragment)
    }
    if (targets.size === 0 && lost.length === 0) return it
    const { markdown, warnings, ...head } = draft
    const told = [...warnings, ...warningsOf(lost, undefined).map(({ message }) => ({ message }))]
    const linked = withTargets(markdown, targets)
    return keep({
      origin: it.origin,
      finish: it.finish,
      draft: { ...head, warnings: told, markdown: linked },
    })
  })
}

/** An address by its host and path, or the number by which WordPress knows the post. */
function addressKey(address: string): string {
  const [, host = '', path = '', query = ''] =
    /^(?:https?:\/\/(?:www\.)?([^/?#]*))?([^?#]*)(?:\?([^#]*))?/i.exec(address) ?? []
  const number = /(?:^|&)(?:p|page_id)=(\d+)(?:&|$)/.exec(query)?.[1]
  const place = decode(path).replace(/^\/+|(?:\/+|\/index\.html?)$/g, '')
  const named = number === undefined ? place.normalize('NFC').toLowerCase() : `?p=${number}`
  return `${host.toLowerCase()}/${named}`
}

/** Targets of links of a text, its pictures included: in brackets, in angles, and in definitions. */
const TARGET =
  /(?:\]\(|^ {0,3}\[[^\]\n]{1,999}\]:[ \t]+)<?((?:\\.|[^\\\s<>()])+)(?=[>)\s]|$)|<(https?:[^\s<>]+)>/gm

function plainTarget(written: string): string {
  return written.replaceAll(/\\(?=[!-/:-@[-`{-~])/g, '')
}

/** What the links of a Markdown text lead to, outside of code. */
export function targetsIn(text: string): string[] {
  const code = codeIn(text)
  return [...text.matchAll(TARGET)]
    .filter(({ index }) => code[index] !== 1)
    .map(([, written, bare = '']) => (written === undefined ? bare : plainTarget(written)))
}

/** A text with other targets of links. */
function withTargets(text: string, targets: ReadonlyMap<string, string>): string {
  if (targets.size === 0) return text
  const code = codeIn(text)
  return text.replaceAll(
    TARGET,
    (whole, written: string | undefined, bare: string | undefined, at: number) => {
      const target = written === undefined ? (bare ?? '') : plainTarget(written)
      const to = targets.get(target)?.replaceAll(/[()\\&]/g, String.raw`\$&`)
      if (to === undefined || code[at] === 1) return whole
      return written === undefined ? `[${target}](${to})` : whole.slice(0, -written.length) + to
    },
  )
}

type Linked = Pick<FoundDraft, 'origin'> & Partial<Pick<FoundDraft, 'draft'>>

class Posts {
  readonly #byOrigin = new Map<string, Linked>()
  /** By addresses on the site, without what generators put around them. */
  readonly #byAddress = new Map<string, Linked>()
  /** By the name of the file alone; undefined where two have it. */
  readonly #byName = new Map<string, Linked | undefined>()

  constructor(posts: readonly Linked[]) {
    for (const it of posts) {
      const path = plainPath(it.origin)
      this.#byOrigin.set(it.origin, it)
      const addresses = [...(it.draft?.addresses ?? []), path, ...datedAddresses(path)]
      for (const address of addresses) {
        const key = plainPath(address)
        if (!this.#byAddress.has(key)) this.#byAddress.set(key, it)
      }
      for (const name of new Set([posix.basename(path), posix.basename(path).replace(DATED, '')])) {
        this.#byName.set(name, this.#byName.has(name) ? undefined : it)
      }
    }
  }

  /** The target of a link as a path from one post to the origin of another; undefined if it leads to none. */
  find(target: string, from: FoundDraft): string | undefined {
    const direct = originOf(target, from.origin)
    if (direct !== undefined && this.#byOrigin.has(direct)) return target
    const [path = '', rest = ''] = /^([^?#]*)(.*)$/s.exec(target)?.slice(1) ?? []
    const clean = decode(path)
    const own = from.draft.addresses?.find((it) => it.startsWith('/')) ?? '/'
    const post =
      this.#byAddress.get(plainPath(clean.startsWith('/') ? clean : (direct ?? clean))) ??
      this.#byAddress.get(plainPath(posix.resolve(own, clean))) ??
      this.#byName.get(posix.basename(plainPath(clean)))
    if (post === undefined || post === from) return undefined
    const relative = posix.relative(posix.dirname(from.origin), post.origin)
    return (
      encodeURI(relative).replace(/[()#?]/g, (it) =>
        encodeURIComponent(it).replace(/[()]/g, escaped),
      ) + rest.replace(/^\?[^#]*/, '')
    )
  }
}

function escaped(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}

const DATED = /^\d{4}-\d{1,2}-\d{1,2}-/

/** Jekyll's address of a dated file. */
function datedAddresses(path: string): string[] {
  const [, year, month, day, name] = /(?:^|\/)(\d{4})-(\d{1,2})-(\d{1,2})-([^/]+)$/.exec(path) ?? []
  return name === undefined ? [] : [`${year}/${month}/${day}/${name}`, `${year}/${month}/${name}`]
}

/** Folders in which generators keep what they put at the root of a site. */
const CONTENT = /^(?:(?:content|source|src|_posts|posts|_pages|pages|docs)\/)(?=.)/

/** A path or address without its host, ends and the folders that generators leave out. */
function plainPath(path: string): string {
  const plain = path
    .replace(/^https?:\/\/[^/]*/i, '')
    .replace(/^\/+|\/+$/g, '')
    .replace(/(?:^|\/)(?:_?index)(?:\.\w+)?$/, '')
    .replace(/\.(?:mdx?|markdown|mdown|mkd|mkdn|mdwn|html?)$/i, '')
    .replace(CONTENT, '')
    .replace(/^_posts\//, '')
  return plain.normalize('NFC').toLowerCase()
}

function onSite(
  target: string,
  { origin, draft }: FoundDraft,
  siteUrl: string | undefined,
): string | undefined {
  if (siteUrl === undefined || isUnsafe(target)) return undefined
  const root = siteUrl.endsWith('/') ? siteUrl : `${siteUrl}/`
  const own = draft.addresses?.find((it) => it.startsWith('/')) ?? plainPath(origin)
  const from = target.startsWith('/') ? root : new URL(own.replace(/^\/+/, ''), root).href
  return resolved(target.replace(/^\/+/, ''), from)
}

/** Lost links of one post that get a warning each; the rest are counted. */
const MAX_TOLD = 20

function warningsOf(lost: readonly DraftLink[], siteUrl: string | undefined): DraftWarning[] {
  const told = lost.slice(0, MAX_TOLD).map(({ target, line }) => {
    const shown = printable(target, 255)
    const hint = siteUrl === undefined ? '; --site-url makes it an address of the site' : ''
    const why = isUnsafe(target)
      ? 'is none that readers can open, and is shown as its text'
      : `leads to no post and no file, and is shown as its text${hint}`
    return { kind: 'dead-link' as const, message: `The link to "${shown}" ${why}.`, line }
  })
  const more = lost.length - told.length
  return more > 0
    ? [...told, { kind: 'dead-link', message: `${more} more links lead to no post and no file.` }]
    : told
}
