import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parseQuery } from '../../src/engine/search/query.ts'
import { issueExcerpt } from '../../src/engine/search/text/excerpt.ts'
import { documentOf } from '../../src/engine/search/document.ts'
import { plainText } from '../../src/engine/search/text/plain-text.ts'
import { renderHtml } from '../../src/render/html/html.ts'
import type { IssueText } from '../../src/site/pages/parts.ts'
import {
  inWorker,
  TextWorker,
  type TextWorkerOptions,
  renderIssue,
} from '../../src/text-worker/text-worker.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const LONG = '# Tides\n\n![A](a.png) High *water* at noon, 漢字 too.\n\n'.repeat(2_000)

/** A worker that answers a text with what `body` makes of it. */
async function workerOf(body: string, options: TextWorkerOptions = {}, start = '') {
  const file = join(await temporaryDirectory(), 'worker.mjs')
  const script = `import { parentPort } from 'node:worker_threads'
    import { writeFileSync } from 'node:fs'
    ${start}
    parentPort.on('message', ({ input: { text } }) => { ${body} })`
  await writeFile(file, script)
  return new TextWorker({ script: pathToFileURL(file), ...options })
}

const html = (worker: TextWorker, text: string) =>
  worker.run('html', { text, addresses: new Map() })

const ANSWER = 'parentPort.postMessage({ result: text })'

describe('a worker for texts', { timeout: 60_000 }, () => {
  it('does what is done without one', async () => {
    const addresses = new Map([['a.png', '/pictures/a.png']])
    const clauses = parseQuery('water')
    expect(await inWorker('html', { text: LONG, addresses })).toBe(
      renderHtml(LONG, { attachmentUrl: (name) => addresses.get(name) }),
    )
    expect(await inWorker('excerpt', { text: LONG, title: 'Tides', clauses })).toEqual(
      issueExcerpt(LONG, 'Tides', clauses),
    )
    const terms = await inWorker('terms', { text: LONG })
    const [ours, plain] = [terms ?? '', plainText(LONG)].map((text) => {
      return documentOf({ feedKey: '', number: 1, edition: 1 }, { title: 'Tides', text }).terms
    })
    expect(ours).toEqual(plain)
  })

  it('ends with a text that takes too long, and goes on with the next', async () => {
    const worker = await workerOf(`if (text === 'slow') for (;;); ${ANSWER}`, { deadlineMs: 1_000 })
    let ticks = 0
    const ticking = setInterval(() => ticks++, 50)
    expect(await Promise.all([html(worker, 'slow'), html(worker, 'quick')])).toEqual([
      undefined,
      'quick',
    ])
    clearInterval(ticking)
    expect(ticks).toBeGreaterThan(2)
  })

  it('ends with a text that takes too much memory, and goes on with the next', async () => {
    const limits = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 4 }
    const worker = await workerOf(
      `const all = []; while (text === 'large') all.push([...'some text']); ${ANSWER}`,
      { limits },
    )
    expect(await Promise.all([html(worker, 'large'), html(worker, 'small')])).toEqual([
      undefined,
      'small',
    ])
  })

  it('starts before the first text where one is expected', async () => {
    const mark = join(await temporaryDirectory(), 'begun')
    const worker = await workerOf(ANSWER, {}, `writeFileSync(${JSON.stringify(mark)}, '')`)
    worker.prepare()
    await expect.poll(() => existsSync(mark), { timeout: 20_000 }).toBe(true)
    expect(await html(worker, 'a')).toBe('a')
  })

  it('starts again where it could not be prepared', async () => {
    const file = join(await temporaryDirectory(), 'worker.mjs')
    const worker = new TextWorker({ script: pathToFileURL(file), deadlineMs: 20_000 })
    worker.prepare()
    await writeFile(
      file,
      `import { parentPort } from 'node:worker_threads'
      parentPort.on('message', ({ input: { text } }) => ${ANSWER})`,
    )
    await expect.poll(() => html(worker, 'a').catch(() => undefined), { timeout: 20_000 }).toBe('a')
  })

  it('gives nothing where a job fails', async () => {
    expect(await inWorker('html', { text: LONG, addresses: undefined as never })).toBeUndefined()
    expect(await inWorker('html', { text: 'a', addresses: new Map() })).toBe('<p>a</p>')
  })

  it('has the text of an issue shown unformatted, with a sentence that says so', async () => {
    const issue = { markdown: `<b> & *${LONG}`, attachments: [] } as unknown as IssueText
    const shown = await renderIssue(issue, { attachmentUrl: () => undefined }, () =>
      Promise.resolve(undefined),
    )
    expect(shown).toMatch(
      /^<p>This text took too long to lay out\.[^<]+<\/p><pre tabindex="0">&#x3C;b> &#x26; \*# Tides/,
    )
    expect(shown.length).toBeGreaterThan(LONG.length)
  })

  it('keeps no process alive, nor lets one end that waits for it', async () => {
    const built = pathToFileURL(join(import.meta.dirname, '../../dist/text-worker/text-worker.js'))
    const program = `import { inWorker } from '${built.href}'
      const shown = await inWorker('html', { text: 'a', addresses: new Map() })
      console.log(shown)`
    const run = promisify(execFile)
    const options = { timeout: 20_000 }
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], options)
    expect(stdout.trim()).toBe('<p>a</p>')
  })
})
