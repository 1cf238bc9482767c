/*
 * Builds what browsers run: `verify.js`, the script of every page of a static site, and `reader.html`, the reader in one
 * file. The same source gives the same bytes. Fails where one of them is larger than anybody wants to wait for.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, transform } from 'esbuild'

const SOURCE = new URL('../src/', import.meta.url)
const out = process.argv.slice(2).find((it) => !it.startsWith('--')) ?? 'dist/browser'
const OUT = resolve(fileURLToPath(new URL('..', import.meta.url)), out)

/** Compressed, in bytes. */
const LIMIT = 125_000

/** As old as the newest thing that src/format/ uses, `AbortSignal.any`. */
const TARGETS = ['chrome120', 'firefox124', 'safari17.4']

const read = (path) => readFileSync(new URL(path, SOURCE), 'utf8')

async function bundle(name) {
  const { outputFiles } = await build({
    entryPoints: [new URL(`browser/${name}.ts`, SOURCE).pathname],
    bundle: true,
    format: 'iife',
    platform: 'browser',
    target: TARGETS,
    minify: true,
    charset: 'utf8',
    legalComments: 'none',
    write: false,
    // Names are given in the order of paths: seen from here, that is the same wherever it is built.
    absWorkingDir: SOURCE.pathname,
    preserveSymlinks: true,
    tsconfigRaw: { compilerOptions: { target: 'es2023', verbatimModuleSyntax: true } },
  })
  // In a page, it would end the script.
  return outputFiles[0].text.replaceAll('</script', '<\\/script')
}

const hashOf = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

const [verify, script, style] = await Promise.all([
  bundle('verify'),
  bundle('reader'),
  transform(read('site/assets/style.css') + read('site/assets/site.css'), {
    loader: 'css',
    minify: true,
    target: TARGETS,
  }).then(({ code }) => code),
])

// Log files may be on any host. Nothing else is loaded.
const policy = `default-src 'none'; script-src ${hashOf(script)}; style-src ${hashOf(style)}; img-src data: blob:; connect-src 'self' https: http:; base-uri 'none'; form-action 'none'`
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const parts = {
  '%POLICY%': policy,
  '%VERSION%': version,
  '<!--STYLE-->': `<style>${style}</style>`,
  '<!--SCRIPT-->': `<script>${script}</script>`,
}
const reader = read('browser/reader.html').replace(/%[A-Z]+%|<!--[A-Z]+-->/g, (name) => parts[name])

mkdirSync(OUT, { recursive: true })
for (const [name, text] of [
  ['verify.js', verify],
  ['reader.html', reader],
]) {
  const bytes = gzipSync(text, { level: 9 }).byteLength
  if (bytes > LIMIT) {
    console.error(`${name} is ${bytes} bytes compressed, more than ${LIMIT}.`)
    process.exitCode = 1
  } else if (process.argv.includes('--sizes'))
    console.log(`${name}: ${text.length} bytes, ${bytes} compressed`)
  writeFileSync(join(OUT, name), text)
}
