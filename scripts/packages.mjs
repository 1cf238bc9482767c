/*
 * Puts what the built program uses of zod and commander into a few files of its own. As it comes, zod is 105 modules,
 * among them 64 languages and a compiler: 12 % of the processor time of a start, and 3 MB of a daemon as long as it runs.
 * Commander has seven modules, which each command loads.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const DIST = fileURLToPath(new URL('../dist', import.meta.url))

/** @param names paths of a package that are imported; @param banner what each file that imports it begins with. */
async function putTogether([name, ...paths], banner = '') {
  const names = [name, ...paths]
  const isImporter = (path) =>
    names.some((it) => readFileSync(path, 'utf8').includes(` from '${it}'`))
  const importers = readdirSync(DIST, { recursive: true })
    .filter((path) => path.endsWith('.js'))
    .map((path) => join(DIST, path))
    .filter(isImporter)
  // Where it was done already, nothing is to be done.
  if (importers.length === 0) return
  // Their names change with their content.
  const old = readdirSync(DIST).filter((path) => path.startsWith(`${name}-`))
  for (const path of old) rmSync(join(DIST, path))
  await build({
    entryPoints: importers,
    outdir: DIST,
    outbase: DIST,
    allowOverwrite: true,
    bundle: true,
    splitting: true,
    chunkNames: `${name}-[hash]`,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: true,
    banner: { js: banner },
    plugins: [
      {
        name: 'only-this-package',
        setup(bundling) {
          bundling.onResolve({ filter: /./ }, ({ kind, path, importer }) => {
            const isBundled = kind === 'entry-point' || names.includes(path)
            const isOurs = !isBundled && !importer.includes('node_modules')
            return isOurs ? { path, external: true } : undefined
          })
          bundling.onLoad({ filter: /zod.v4.locales.index\.js$/ }, () => ({ contents: '' }))
        },
      },
    ],
  })
}

await putTogether(['zod', 'zod/mini'])
// It is CommonJS, and requires modules of Node.
await putTogether(
  ['commander'],
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
)
