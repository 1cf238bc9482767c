import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from './helpers/temporary-directory.ts'
import { privateNetwork } from './helpers/testnet.ts'

const project = resolve(import.meta.dirname, '..')
const run = promisify(execFile)

/** Of the private network that the page names. */
const BOOTSTRAP_PORT = '49737'

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
      const [node] = await privateNetwork()
      const text = code.replaceAll(BOOTSTRAP_PORT, `${node?.port}`)
      await writeFile(join(directory, 'example.js'), text)
      const env = { ...process.env, HYPERLETTER_HOME: join(directory, 'data') }
      const { stdout, stderr } = await run(process.execPath, ['example.js'], {
        cwd: directory,
        env,
      })
      expect(stderr).toBe('')
      const parts = output.split('…').map((it) => it.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&'))
      expect(stdout).toMatch(new RegExp(`^${parts.join('.+')}$`))
    },
  )
})

describe('the types of the portable entries', () => {
  it('need none of Node', async () => {
    const directory = await dependentProject()
    const page = `
      import { loadBundle, piecesOf, type LoadedBundle } from 'hyperletter/format'
      import { renderHtml } from 'hyperletter/render'
      export const load = (file: File): Promise<LoadedBundle> => loadBundle(piecesOf(file.stream()))
      export const html: string = renderHtml('# Low water')
    `
    await writeFile(join(directory, 'page.ts'), page)
    const compilerOptions = {
      target: 'es2023',
      module: 'nodenext',
      lib: ['es2023', 'dom', 'esnext.disposable'],
      types: [],
      strict: true,
      noEmit: true,
      // Or it would find the types of Node beside the package that is only linked to here.
      preserveSymlinks: true,
    }
    const settings = JSON.stringify({ compilerOptions, files: ['page.ts'] })
    await writeFile(join(directory, 'tsconfig.json'), settings)
    const compiler = join(project, 'node_modules/typescript/bin/tsc')
    const complaints = await run(process.execPath, [compiler], { cwd: directory }).then(
      () => '',
      (error: unknown) => (error as { stdout: string }).stdout,
    )
    expect(complaints).toBe('')
  })
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
