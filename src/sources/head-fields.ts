import type { HeadValue } from './front-matter-parsers.ts'

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

function plainName(name: string): string {
  return name
    .toLowerCase()
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
