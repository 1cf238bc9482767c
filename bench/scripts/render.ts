// The HTML of every draft of a folder: by the product, or by the bare library with the same features.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import MarkdownIt from 'markdown-it'
import footnotes from 'markdown-it-footnote'
import type * as HtmlModule from '../../src/render/html/html.ts'
import { built, printResult, scriptInput } from '../product.ts'

const { folder, by } = scriptInput() as { folder: string; by: 'product' | 'library' }

const names = (await readdir(folder)).filter((it) => /\.(?:md|markdown)$/.test(it)).toSorted()
const texts = await Promise.all(names.map((it) => readFile(join(folder, it), 'utf8')))
const bodies = texts.map((it) => it.replace(/^(?:[\w-]+:.*\n)+\n/, ''))
const render = by === 'product' ? await ours() : library()

const start = performance.now()
let characters = 0
for (const body of bodies) characters += render(body).length
printResult({ ms: performance.now() - start, issues: bodies.length, characters })

async function ours() {
  const { renderHtml } = await built<typeof HtmlModule>('render/html/html.js')
  return (markdown: string) => renderHtml(markdown)
}

function library() {
  const parser = new MarkdownIt({ html: true, linkify: true }).use(footnotes)
  return (markdown: string) => parser.render(markdown)
}
