import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const project = resolve(import.meta.dirname, '../..')

/** A type, interface, class or enum that a file declares and exports; not what it exports from another one. */
const DECLARED = /^export (?:declare )?(?:abstract )?(?:type|interface|class|enum) (\w+)/gm

describe('exported types', () => {
  it('have one name each: no two files declare types of the same name', () => {
    const files = sources('src')
    expect(files.length).toBeGreaterThan(200)
    const texts = files.map((file): [string, string] => [
      file,
      readFileSync(join(project, file), 'utf8'),
    ])
    expect(declaredTwice(texts)).toEqual([])
  })

  it('are found whatever kind they are, and not where they are only exported again', () => {
    const found = declaredTwice([
      ['a.ts', 'export interface Plan {}\nexport type Entry = 1\nexport class Author {}\n'],
      ['b.ts', 'export type Plan<P> = P\nexport abstract class Author {}\ntype Entry = 2\n'],
      ['c.ts', `export type { Plan, Entry } from './a.ts'\nexport * from './b.ts'\n`],
    ])
    expect(found).toEqual(['Plan: a.ts, b.ts', 'Author: a.ts, b.ts'])
  })
})

function sources(folder: string): string[] {
  return readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' })
    .filter((it) => it.endsWith('.ts') && !it.endsWith('.d.ts'))
    .map((it) => join(folder, it))
}

function declaredTwice(files: readonly (readonly [name: string, text: string])[]): string[] {
  const places = new Map<string, string[]>()
  for (const [file, text] of files) {
    for (const [, name = ''] of text.matchAll(DECLARED)) {
      places.set(name, [...(places.get(name) ?? []), file])
    }
  }
  return [...places]
    .filter(([, where]) => where.length > 1)
    .map(([name, where]) => `${name}: ${where.join(', ')}`)
}
