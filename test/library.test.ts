import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from './helpers/temporary-directory.ts'

const project = resolve(import.meta.dirname, '..')
const run = promisify(execFile)

interface Example {
  readonly heading: string
  readonly code: string
  /** What the page says that it prints; `…` is anything. */
  readonly output: string
}

/** The examples of docs/library.md, in order: each block of JavaScript, and the block of text behind it. */
async function examples(): Promise<Example[]> {
  const page = await readFile(join(project, 'docs/library.md'), 'utf8')
  const found: Example[] = []
  let heading = ''
  const blocks = page.matchAll(/^## ([^\n]+)$|^```js\n(.*?)^```\n(?:\n```text\n(.*?)^```)?/gms)
  for (const [, title, code, output] of blocks) {
    if (title !== undefined) heading = title
    else found.push({ heading, code: code ?? '', output: output ?? 'nothing is said' })
  }
  return found
}

const all = await examples()

describe('the examples of docs/library.md', () => {
  it('are found', () => {
    expect(all.length).toBeGreaterThan(2)
  })

  it.each(all.map((it, i) => ({ ...it, name: `${i + 1}, ${it.heading}` })))(
    'work: $name',
    async ({ code, output }) => {
      const directory = await dependentProject()
      await writeFile(join(directory, 'example.js'), code)
      const { stdout, stderr } = await run(process.execPath, ['example.js'], { cwd: directory })
      expect(stderr).toBe('')
      const parts = output.split('…').map((it) => it.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&'))
      expect(stdout).toMatch(new RegExp(`^${parts.join('.+')}$`))
    },
  )
})

/** A project of somebody else's that depends on this package as it was built. */
async function dependentProject(): Promise<string> {
  const directory = await temporaryDirectory()
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }')
  await mkdir(join(directory, 'node_modules'))
  await symlink(project, join(directory, 'node_modules', 'hyperletter'), 'junction')
  const bundle = join(project, 'fixtures/bundles/tide-tables.bundle')
  await cp(bundle, join(directory, 'tide-tables.bundle'))
  return directory
}
