import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { loadProduct, printResult, scriptInput } from '../product.ts'

const { dataDir, folder, newsletters } = scriptInput() as {
  dataDir: string
  folder: string
  newsletters: number
}
const QUERIES = 200

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const product = await loadProduct()
await importArchives()
const first = await build()
const again = await search()
printResult({ ...first, ...again })

async function importArchives() {
  const { engine, operations } = await product.open({ dataDir })
  for (let i = 1; i <= newsletters; i++) {
    const { feedKey: newsletter } = await operations.createNewsletter({ title: `Archive ${i}` })
    for await (const _ of operations.importFolder({ newsletter, folder }));
  }
  await engine.close()
}

// The first search makes the index; it reads every text from the logs.
async function build() {
  const { engine, operations } = await product.open({ dataDir })
  let issues = 0
  for (const { feedKey } of await operations.listNewsletters({})) {
    issues += (await operations.listIssues({ newsletter: feedKey })).length
  }
  const start = performance.now()
  await operations.search({ query: 'tide' })
  const buildMs = performance.now() - start
  await engine.close()
  return { issues, buildMs }
}

async function search() {
  const { engine, operations } = await product.open({ dataDir })
  // Before the texts of issues are read: what they leave behind would hide the index.
  await operations.listInbox({ show: 'all' })
  for (const { feedKey } of await operations.listNewsletters({})) {
    await operations.listIssues({ newsletter: feedKey })
  }
  const before = await memoryMb()
  const start = performance.now()
  await operations.search({ query: 'tide' })
  const firstMs = performance.now() - start
  const indexMb = (await memoryMb()) - before
  const queries: string[] = []
  for (const { feedKey } of await operations.listNewsletters({})) {
    const issues = await operations.listIssues({ newsletter: feedKey })
    for (let i = 0; i < QUERIES / newsletters; i++) {
      const { number } = issues[Math.floor((i * issues.length * newsletters) / QUERIES)] ?? {}
      if (number === undefined) continue
      const { markdown } = await operations.readIssue({ newsletter: feedKey, number })
      const words = markdown.match(/[a-z]{3,}/g) ?? ['tide']
      const pick = (share: number) => words[Math.floor(words.length * share)] ?? ''
      queries.push(i % 2 === 0 ? pick(0.3) : `${pick(0.6)} ${pick(0.9)}`)
    }
  }
  const times: number[] = []
  for (const query of queries) {
    const began = performance.now()
    await operations.search({ query })
    times.push(performance.now() - began)
  }
  await engine.close()
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(times.length * share)] ?? NaN
  const diskMb = await sizeMb(join(dataDir, 'search'))
  return { indexMb, diskMb, firstMs, medianMs: at(0.5), p99Ms: at(0.99) }
}

async function sizeMb(dir: string): Promise<number> {
  const sizes = (await readdir(dir)).map(async (it) => (await stat(join(dir, it))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0) / 1e6
}

async function memoryMb(): Promise<number> {
  // Some memory is given back only when what held it was finalised, a turn later.
  for (let i = 0; i < 3; i++) {
    collectGarbage()
    await sleep(50)
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 1e6
}
