import { build } from 'esbuild'
import { gzipSync } from 'node:zlib'

/** What only Node has. A bundle for browsers may not even ask whether it is there. */
const NODE_GLOBALS = ['Buffer', 'process', 'global', '__dirname', 'setImmediate']

/** No name of anybody else's begins like this. */
const MARK = 'global_of_node_'

/** As old as the newest thing that src/format/ and src/render/ use, `AbortSignal.any`. */
const TARGETS = ['chrome120', 'safari17.4']

export interface Bundle {
  readonly code: string
  readonly gzipBytes: number
  /** What keeps it from running in a browser, or from being small. */
  readonly complaints: readonly string[]
}

export interface BundleOptions {
  /** The module to bundle with all that it imports; or its code, in the folder `from`. */
  readonly entry: string | { readonly code: string; readonly from: string }
  readonly maxGzipBytes: number
}

/** One ES module for browsers, minified, as the tools of an application would make it. */
export async function bundleForBrowsers({ entry, maxGzipBytes }: BundleOptions): Promise<Bundle> {
  const result = await build({
    ...(typeof entry === 'string'
      ? { entryPoints: [entry] }
      : { stdin: { contents: entry.code, resolveDir: entry.from, loader: 'ts' as const } }),
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: TARGETS,
    minify: true,
    write: false,
    logLevel: 'silent',
    // Replaces what no scope declares, and leaves alone what has only the same name.
    define: Object.fromEntries(NODE_GLOBALS.map((name) => [name, MARK + name])),
  }).catch((error: unknown) => error as { errors: readonly { text: string }[] })
  if (!('outputFiles' in result)) {
    return { code: '', gzipBytes: 0, complaints: result.errors.map((it) => it.text) }
  }
  const code = result.outputFiles[0]?.text ?? ''
  const gzipBytes = gzipSync(code, { level: 9 }).byteLength
  const complaints = NODE_GLOBALS.flatMap((name) => {
    const at = code.indexOf(MARK + name)
    return at < 0 ? [] : [`uses ${name} of Node: …${code.slice(Math.max(0, at - 60), at + 60)}…`]
  })
  if (gzipBytes > maxGzipBytes) {
    complaints.push(`is ${kilobytes(gzipBytes)} gzip, more than ${kilobytes(maxGzipBytes)}`)
  }
  return { code, gzipBytes, complaints }
}

export function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`
}
