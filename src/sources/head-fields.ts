import type { HeadValue } from './front-matter-parsers.ts'
import type { NamedAuthor } from '../format/records/text.ts'

export interface HeadField {
  readonly value: HeadValue
  /** Line of the file, from 1. */
  readonly line: number
}

/** A field, and its name as written. */
export interface NamedField extends HeadField {
  readonly name: string
}

/** Fields by names without case, `-`, `_`, blanks and `is`, as each generator spells them its own way. */
export type NamedFields = ReadonlyMap<string, NamedField>

/** Fields in which generators keep those that are not their own. */
const GROUPS = ['extra', 'params', 'build', 'custom', 'meta', 'access', 'seo']

/** All fields of a head, those of its groups included, by names that are spelled alike. */
export function namedFields(fields: ReadonlyMap<string, HeadField>): NamedFields {
  const named = new Map<string, NamedField>()
  const add = (name: string, field: HeadField) => {
    const key = plainName(name)
    if (!named.has(key)) named.set(key, { ...field, name })
  }
  for (const [name, field] of fields) add(name, field)
  for (const group of GROUPS) {
    const { value, line } = named.get(group) ?? { line: 1 }
    if (!(value instanceof Map)) continue
    for (const [name, inner] of value as ReadonlyMap<string, HeadValue>)
      add(name, { value: inner, line })
  }
  return named
}

const PLAIN_NAME = /^(?!is|post)[a-z]+$/

function plainName(name: string): string {
  const lower = name.toLowerCase()
  if (PLAIN_NAME.test(lower)) return lower
  return lower
    .replaceAll(/[-_ .]/g, '')
    .replace(/^(?:is(?=draft|hid|p[aru]|mem|unl)|post(?=status|pass|vis|date))/, '')
}

/** The first of several fields that says anything. */
export function findField(fields: NamedFields, names: readonly string[]): NamedField | undefined {
  for (const name of names) {
    const field = fields.get(name)
    if (field !== undefined && !isBlank(field.value)) return field
  }
  return undefined
}

export function isBlank(value: HeadValue): boolean {
  return typeof value === 'string'
    ? /^\s*(?:~|null)?\s*$/.test(value)
    : (isMap(value) ? value.size : value.length) === 0
}

export function isList(value: HeadValue): value is readonly HeadValue[] {
  return Array.isArray(value)
}

export function isMap(value: HeadValue): value is ReadonlyMap<string, HeadValue> {
  return value instanceof Map
}

export const AUTHOR_NAMES = ['authors', 'author', 'byline', 'creator', 'creators']
export const TAG_NAMES = ['tags', 'tag', 'keywords', 'categories']

/** Tags under each of their names; `category` is one tag, spaces included. */
export function tagsField(fields: NamedFields): string[] | undefined {
  const lists: HeadValue[] = []
  for (const name of ['taxonomies', 'taxonomy']) {
    const value = fields.get(name)?.value
    if (value !== undefined && isMap(value)) lists.push(...value.values())
  }
  for (const name of TAG_NAMES) lists.push(fields.get(name)?.value ?? '')
  const category = fields.get('category')?.value
  if (typeof category === 'string') lists.push([category])
  const tags = lists
    .flatMap((value) => {
      // Without a comma, Jekyll takes each word for a tag.
      if (typeof value === 'string') return isBlank(value) ? [] : value.split(separatorIn(value))
      // Hexo has lists of lists: a category and one below it.
      const items = isMap(value) ? [...value.values()] : value
      return items
        .flatMap((it) => (isList(it) ? it : [it]))
        .map(nameIn)
        .filter((it) => it !== undefined && !isBlank(it))
    })
    .map((it = '') => it.trim().replace(/^#(?=[^#])/, ''))
    // The collections of Eleventy.
    .filter((it) => it !== '' && !/^posts?$/.test(it))
  return tags.length === 0 ? undefined : [...new Set(tags)]
}

/** In Pelican, commas belong to the names where semicolons stand between them: `Doe, Jane; Roe, Rik`. */
function separatorIn(list: string): string | RegExp {
  return list.includes(';') ? ';' : list.includes(',') ? ',' : /\s+/
}

/** Text, or what a map says by one of the names under which generators keep a name. */
function nameIn(value: HeadValue): string | undefined {
  if (typeof value === 'string') return value
  if (!isMap(value)) return undefined
  for (const key of [
    'name',
    'display_name',
    'displayname',
    'title',
    'label',
    'nick',
    'login',
    'github',
    'twitter',
  ]) {
    const text = value.get(key)
    if (typeof text === 'string' && text.trim() !== '') return text.trim()
  }
  return undefined
}

export function authorsField(fields: NamedFields): NamedAuthor[] | undefined {
  const field = findField(fields, AUTHOR_NAMES)
  if (field === undefined) return undefined
  // "Doe, Jane" is one author; "Authors: Ann, Bo" are two.
  const isSeveral = field === fields.get('authors')
  const { value } = field
  const parts: readonly HeadValue[] =
    typeof value === 'string'
      ? value.split(isSeveral && !value.includes(';') ? /,/ : /;/).filter((it) => it.trim() !== '')
      : isMap(value)
        ? [value]
        : value
  const authors = parts.map(authorFrom).filter((it) => it !== undefined)
  return authors.length === 0 ? undefined : authors
}

const ADDRESSES = ['url', 'uri', 'website', 'homepage', 'web', 'site', 'link']

function authorFrom(value: HeadValue): NamedAuthor | undefined {
  if (typeof value === 'string') {
    const [, name, address] = /^([^<]*)<([^<>]*)>$/.exec(value.trim()) ?? []
    if (name === undefined || address === undefined) return { name: value.trim() }
    // What is not a web address is most likely one for mail, which its owner may not want in public.
    const shown = name.trim() === '' ? address.trim() : name.trim()
    return /^https?:/i.test(address.trim()) ? { name: shown, url: address.trim() } : { name: shown }
  }
  const name = nameIn(value)
  if (name === undefined) return undefined
  const addresses = isMap(value) ? ADDRESSES.map((key) => value.get(key)) : []
  // A path leads nowhere outside of its site.
  const url = addresses.find((it) => typeof it === 'string' && /^\s*https?:/i.test(it))
  return typeof url === 'string' ? { name, url: url.trim() } : { name }
}
