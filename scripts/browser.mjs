/*
 * Builds what browsers run: `verify.js`, the script of every page of a static site; `reader.html`, the reader in one
 * file; and the rest, what a gateway serves at `/`, which becomes a peer of the newsletter. The same source gives the same
 * bytes. Fails where one of them is larger than anybody wants to wait for.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, transform } from 'esbuild'

const SOURCE = new URL('../src/', import.meta.url)
const out = process.argv.slice(2).find((it) => !it.startsWith('--')) ?? 'dist/browser'
const OUT = resolve(fileURLToPath(new URL('..', import.meta.url)), out)

/** Compressed, in bytes: what it takes to read, and to be a peer as well. */
const LIMITS = { reading: 125_000, peer: 235_000 }

/** As old as the newest thing that src/format/ uses, `AbortSignal.any`. */
const TARGETS = ['chrome120', 'firefox124', 'safari17.4']

const read = (path) => readFileSync(new URL(path, SOURCE), 'utf8')

/** What stands for modules of Node.js, and for packages that need it, where Hypercore asks for them. */
const IN_TABS = {
  'sodium-universal': 'browser/peer/sodium.ts',
  'sodium-native': 'browser/peer/sodium.ts',
  'rocksdb-native': 'browser/peer/store/rocksdb.ts',
}
const MISSING = 'Object.assign(new Error("There are no files in a browser."), { code: "ENOENT" })'
const STUBS = {
  // Hypercore looks for stores of older versions, in folders.
  fs: `const no = () => { throw ${MISSING} }
       module.exports = { existsSync: () => false, readdirSync: no, writeFileSync: no, unlinkSync: no,
         mkdirSync: no, renameSync: no, promises: { stat: async () => no(), unlink: async () => no() } }`,
  path: 'module.exports = { join: (...parts) => parts.join("/") }',
  'device-file': 'module.exports = class {}',
  // What takes over stores of files: there are none, and a new store says of which version it is.
  './migrations/0': `const View = require('./lib/view.js')
       const { CorestoreTX } = require('./lib/tx.js')
       async function store(storage, { version }) {
         const view = new View()
         const tx = new CorestoreTX(view)
         tx.setHead({ ...(await storage._getHead(view)), version })
         tx.apply()
         await View.flush(view.changes, storage.db)
       }
       module.exports = { store, core: async () => { throw ${MISSING} } }`,
}
/** Of Hypercore, what nothing asks for in a tab. */
const UNUSED = [
  'audit',
  'copy-prologue',
  'fully-remote-proof',
  'info',
  'inspect',
  'mark-bitfield',
  'streams',
]
const tabs = {
  name: 'tabs',
  setup({ onResolve, onLoad, resolve: find }) {
    const one = (names) => new RegExp(`^(?:${names.join('|')})$`)
    onResolve({ filter: one(Object.keys(IN_TABS)) }, ({ path }) => ({
      path: fileURLToPath(new URL(IN_TABS[path], SOURCE)),
    }))
    onResolve({ filter: one(['events', 'events-universal']) }, ({ importer, kind }) =>
      find('bare-events', { importer, kind, resolveDir: SOURCE.pathname }),
    )
    onResolve({ filter: one(Object.keys(STUBS)) }, ({ path, resolveDir }) => ({
      path,
      namespace: 'stub',
      pluginData: resolveDir,
    }))
    onLoad({ filter: one(UNUSED.map((it) => `.*/node_modules/hypercore/lib/${it}\\.js`)) }, () => ({
      contents: 'module.exports = {}',
    }))
    onLoad({ filter: /./, namespace: 'stub' }, ({ path, pluginData }) => ({
      contents: STUBS[path],
      resolveDir: pluginData,
    }))
  },
}

async function bundle(names, options = {}) {
  const { outputFiles } = await build({
    entryPoints: names.map((it) => new URL(`browser/${it}.ts`, SOURCE).pathname),
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
    outdir: SOURCE.pathname,
    preserveSymlinks: true,
    tsconfigRaw: { compilerOptions: { target: 'es2023', verbatimModuleSyntax: true } },
    ...options,
  })
  return outputFiles.map(({ path, text }) => ({ name: basename(path), text }))
}

// In a page, it would end the script.
const inPage = ([{ text }]) => text.replaceAll('</script', '<\\/script')

const hashOf = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

const [verify, script, scripts, style] = await Promise.all([
  bundle(['verify']).then(inPage),
  bundle(['reader']).then(inPage),
  // In pieces: the peer is loaded once the text can be read.
  bundle(['page'], {
    format: 'esm',
    splitting: true,
    chunkNames: '[name]-[hash]',
    inject: [new URL('browser/peer/set-immediate.ts', SOURCE).pathname],
    define: { global: 'globalThis' },
    plugins: [tabs],
  }),
  transform(
    read('site/assets/style.css') + read('site/assets/site.css') + read('browser/page.css'),
    {
      loader: 'css',
      minify: true,
      target: TARGETS,
    },
  ).then(({ code }) => code),
])

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

function page({ policy, links, about, script: markup }) {
  const parts = {
    '%POLICY%': `default-src 'none'; style-src ${hashOf(style)}; img-src data: blob: 'self'; ${policy}; base-uri 'none'; form-action 'none'`,
    '%ABOUT%': about,
    '<!--LINKS-->': links,
    '<!--STYLE-->': `<style>${style}</style>`,
    '<!--SCRIPT-->': markup,
  }
  return read('browser/reader.html').replace(/%[A-Z]+%|<!--[A-Z]+-->/g, (name) => parts[name])
}

const reader = page({
  // Log files may be on any host. Nothing else is loaded.
  policy: `script-src ${hashOf(script)}; connect-src 'self' https: http:`,
  links: '<link rel="icon" href="data:," />',
  about: `One file, version ${version}. It loads nothing but the log of the newsletter.`,
  script: `<script>${script}</script>`,
})

const index = page({
  // Other gateways and hosts of log files may be anywhere, these two on this machine for whoever tries it.
  policy: `script-src 'self'; worker-src 'self'; manifest-src 'self'; connect-src 'self' https: wss: http://127.0.0.1:* ws://127.0.0.1:*`,
  links:
    '<link rel="icon" href="icon.svg" /><link rel="manifest" href="manifest.webmanifest" />' +
    scripts
      .filter(({ name }) => isNeededFirst(name))
      .map(({ name }) => `<link rel="modulepreload" href="${name}" />`)
      .join(''),
  about: `Hyperletter ${version}. Issues are checked in this browser, by the script that this gateway served.`,
  script: '<script type="module" src="page.js"></script>',
})
const manifest = JSON.stringify({
  name: 'Hyperletter',
  short_name: 'Hyperletter',
  description: 'Reads newsletters, checks them, and passes them on.',
  start_url: './',
  scope: './',
  display: 'minimal-ui',
  background_color: '#fbfaf6',
  theme_color: '#0b6b63',
  icons: [{ src: 'icon.svg', sizes: 'any', type: 'image/svg+xml' }],
})
const shell = [
  { name: 'index.html', text: index },
  { name: 'manifest.webmanifest', text: manifest },
  { name: 'icon.svg', text: read('site/assets/icon.svg') },
  ...scripts,
]
const [{ text: worker }] = await bundle(['service-worker'], {
  define: {
    FILES: JSON.stringify(shell.map(({ name }) => (name === 'index.html' ? './' : name))),
    VERSION: JSON.stringify(hashOf(shell.map(({ text }) => text).join('\n')).slice(8, 24)),
  },
})

/** Whether a script is imported by `page.js` itself, and not only on demand. */
function isNeededFirst(name) {
  const entry = scripts.find((it) => it.name === 'page.js').text
  return name === 'page.js' || new RegExp(`from ?"\\./${name}"|import ?"\\./${name}"`).test(entry)
}

const packed = (texts) => texts.reduce((sum, it) => sum + gzipSync(it, { level: 9 }).byteLength, 0)
const textsOf = (files) => files.map(({ text }) => text)
const reading = scripts.filter(({ name }) => isNeededFirst(name))
const sizes = [
  { what: 'verify.js', texts: [verify], limit: LIMITS.reading },
  { what: 'reader.html', texts: [reader], limit: LIMITS.reading },
  { what: 'the page, to read', texts: [index, ...textsOf(reading)], limit: LIMITS.reading },
  { what: 'the page, as a peer', texts: [index, ...textsOf(scripts)], limit: LIMITS.peer },
]
for (const { what, texts, limit } of sizes) {
  const bytes = packed(texts)
  if (bytes > limit) {
    console.error(`${what} is ${bytes} bytes compressed, more than ${limit}.`)
    process.exitCode = 1
  } else if (process.argv.includes('--sizes')) {
    console.log(`${what}: ${bytes} bytes compressed, of at most ${limit}`)
  }
}

mkdirSync(OUT, { recursive: true })
// Names of pieces change with their content.
const old = readdirSync(OUT).filter((name) => /^(?:chunk|peer)-[A-Z0-9]{8}\.js$/.test(name))
for (const name of old) rmSync(join(OUT, name))
for (const { name, text } of [
  { name: 'verify.js', text: verify },
  { name: 'reader.html', text: reader },
  { name: 'sw.js', text: worker },
  ...shell,
]) {
  writeFileSync(join(OUT, name), text)
}
