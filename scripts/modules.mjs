/*
 * Puts the built program into fewer files: what is always loaded together is one file, and so are zod, commander, what
 * makes Markdown of HTML, and the Markdown parser. Each module costs time when it is loaded, and memory as long as it is there: a daemon loads 99 of
 * them instead of 213.
 * What `ENTRIES` names keeps its path; of all other modules only the types stay where they are.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const DIST = fileURLToPath(new URL('../dist', import.meta.url))

/** What others load by its path: the launcher, users of the package, threads, and benchmarks and tests of what was built. */
const ENTRIES = [
  'cli/main',
  'daemon/service/definitions',
  'index',
  'format/index',
  'render/index',
  'text-worker/worker',
  'text-worker/text-worker',
  'api/contract/contract',
  'api/operations',
  'config/config',
  'engine/engine',
  'engine/library/library',
  'format/content/content-codec',
  'format/history/entry',
  'format/keys/feed-key',
  'log/store/store',
  'logger',
  'render/html/html',
  'web/server',
]

const options = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  logLevel: 'warning',
}

// It is CommonJS, and requires modules of Node.
const COMMANDER = join(DIST, 'commander.js')
await build({
  ...options,
  entryPoints: [fileURLToPath(import.meta.resolve('commander'))],
  outfile: COMMANDER,
  // Half of it is comments, which every command would read.
  minifyWhitespace: true,
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
  },
})

/** Packages that become a part of the program, with all that they need. */
const BUNDLED =
  /^(?:zod|parse5|hast-util-to-mdast|mdast-util-(?:to-markdown|from-markdown|gfm)|micromark-extension-gfm)(?:$|\/)/

/**
 * Parts of packages that take much of the time of an import: what makes the test for a list of names makes it once, and a
 * tree that nobody looks at afterwards is not copied.
 */
const QUICKER = [
  [
    /hast-util-is-element.lib.index\.js$/,
    'return anyFactory(test)',
    'const made = MADE.get(test) ?? anyFactory(test); MADE.set(test, made); return made',
    'const MADE = new WeakMap();',
  ],
  [/hast-util-to-mdast.lib.index\.js$/, 'structuredClone(tree)', 'tree', ''],
  [
    /unist-util-visit-parents.lib.index\.js$/,
    "if (typeof value.type === 'string') {\n      const name",
    'if (false) {\n      const name',
    '',
  ],
]

const isModule = (path) => /\.js(?:\.map)?$/.test(path) && !/^(?:browser|site.assets)\b/.test(path)
const before = readdirSync(DIST, { recursive: true }).filter(isModule)
const { metafile } = await build({
  ...options,
  entryPoints: ENTRIES.map((name) => join(DIST, `${name}.js`)),
  outdir: DIST,
  outbase: DIST,
  allowOverwrite: true,
  splitting: true,
  // Beside `places.js`: what looks for files from there finds them.
  chunkNames: '[name]-[hash]',
  metafile: true,
  plugins: [
    {
      name: 'packages',
      setup(bundling) {
        bundling.onResolve({ filter: /^[^./]/ }, ({ kind, path, importer }) => {
          if (kind === 'entry-point' || BUNDLED.test(path)) return undefined
          if (path === 'commander') return { path: COMMANDER }
          return importer.includes('node_modules') ? undefined : { path, external: true }
        })
        for (const [filter, slow, quick, above] of QUICKER)
          bundling.onLoad({ filter }, ({ path }) => {
            const source = readFileSync(path, 'utf8')
            if (!source.includes(slow)) throw new Error(`${path} has no "${slow}" any more.`)
            return { contents: above + source.replace(slow, quick) }
          })
        // Its languages: 64 modules.
        bundling.onLoad({ filter: /zod.v4.locales.index\.js$/ }, () => ({ contents: '' }))
      },
    },
  ],
})
const written = new Set(Object.keys(metafile.outputs).map((path) => relative(DIST, resolve(path))))
for (const path of before) if (!written.has(path)) rmSync(join(DIST, path))
