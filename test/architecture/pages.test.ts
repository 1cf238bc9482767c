import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const project = resolve(import.meta.dirname, '../..')

/** What a page calls a place in this project, in code or as a link from its own folder. */
const NAMED = /(?<=[`( ])((?:src|test|docs|fixtures|bench|bin|\.ci)\/[\w./-]*)/g

describe('pages about the code', () => {
  it.each(['docs/architecture.md', 'README.md', 'CONTRIBUTING.md'])(
    '%s names places that exist',
    (page) => {
      const text = readFileSync(join(project, page), 'utf8')
      const places = [...new Set([...text.matchAll(NAMED)].map(([place]) => place))]
      expect(places.length).toBeGreaterThan(2)
      expect(places.filter((it) => !existsSync(join(project, it)))).toEqual([])
    },
  )
})
