// The same without the product: read the files, parse their heads, append each body as one block.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Corestore from 'corestore'
import { parse as parseToml } from 'smol-toml'
import { parse as parseYaml } from 'yaml'
import { printResult, scriptInput } from '../product.ts'

const FENCED: readonly (readonly [string, (text: string) => unknown])[] = [
  ['---', (text): unknown => parseYaml(text)],
  ['+++', (text) => parseToml(text)],
]

const { dir, folder, batch } = scriptInput() as { dir: string; folder: string; batch: number }
const store = new Corestore(dir)
const core = store.get({ name: 'archive' })
await core.ready()

const start = performance.now()
const names = await readdir(folder, { recursive: true })
const drafts = names.filter((name) => /\.(md|markdown)$/.test(name)).toSorted()
const bodies: Buffer[] = []
let heads = 0
for (const text of await Promise.all(drafts.map((it) => readFile(join(folder, it), 'utf8')))) {
  const { head, body } = splitHead(text)
  if (Object.keys(head).length > 0) heads++
  bodies.push(Buffer.from(body))
}
for (let i = 0; i < bodies.length; i += batch) {
  await core.append(batch === 1 ? (bodies[i] ?? '') : bodies.slice(i, i + batch))
}
const ms = performance.now() - start

const { length } = core
await store.close()
printResult({ ms, issues: drafts.length, length, heads })

function splitHead(text: string): { head: Record<string, unknown>; body: string } {
  for (const [fence, parse] of FENCED) {
    const end = text.indexOf(`\n${fence}\n`, fence.length)
    if (text.startsWith(`${fence}\n`) && end > 0) {
      const head = parse(text.slice(fence.length + 1, end)) as Record<string, unknown>
      return { head, body: text.slice(end + fence.length + 2) }
    }
  }
  const end = text.indexOf('\n\n')
  const pairs = text
    .slice(0, end)
    .split('\n')
    .map((line) => /^([A-Za-z][\w-]*): (.*)$/.exec(line))
  if (end < 0 || pairs.some((pair) => pair === null)) return { head: {}, body: text }
  return {
    head: Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? ''])),
    body: text.slice(end + 2),
  }
}
