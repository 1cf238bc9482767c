// Makes one archive of the program with everything that it needs, Node.js included.
// Usage: npm run bundle -- [--platform linux-x64] [--out <folder>]
import { execFile } from 'node:child_process'
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'

/** The newest one that npm has for every platform below. */
const NODE_VERSION = '24.21.0'

/** By the name of npm's package of Node.js; the other name is that of prebuilt native parts. */
const PLATFORMS: Readonly<Record<string, string>> = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'darwin-arm64': 'darwin-arm64',
  'darwin-x64': 'darwin-x64',
  'win-x64': 'win32-x64',
}

/** Of the packages that the program is made of: for who develops with them. */
const FOR_DEVELOPERS = /\.(?:map|md|markdown|[cm]?ts|flow)$/

const LAUNCHER = `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/../lib/node" "$here/../lib/hyperletter/bin/hyperletter.js" "$@"
`
const WINDOWS_LAUNCHER = `@"%~dp0..\\lib\\node.exe" "%~dp0..\\lib\\hyperletter\\bin\\hyperletter.js" %*\r\n`

const HERE = `${process.platform}-${process.arch}`
const PROJECT = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)

const { values: options } = parseArgs({
  options: {
    platform: { type: 'string', default: 'linux-x64' },
    out: { type: 'string', default: '.' },
  },
})
const prebuilt = PLATFORMS[options.platform]
if (prebuilt === undefined) {
  throw new Error(`--platform is one of ${Object.keys(PLATFORMS).join(', ')}.`)
}
const out = resolve(options.out)
const work = await mkdtemp(join(tmpdir(), 'hyperletter-bundle-'))
try {
  const archive = await bundle(options.platform, prebuilt)
  const { size } = await stat(archive)
  process.stdout.write(`${archive}: ${(size / 1e6).toFixed(1)} MB\n`)
} finally {
  await rm(work, { recursive: true, force: true })
}

async function bundle(platform: string, native: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8')) as {
    version: string
  }
  const name = `hyperletter-${version}-${platform}`
  const root = join(work, name)
  const program = join(root, 'lib', 'hyperletter')
  await mkdir(program, { recursive: true })
  await unpackProgram(program)
  await installPackages(program, native)
  await addNode(platform, root)
  if (platform === HERE) await addAtomics(program, native)
  await mkdir(join(root, 'share', 'man', 'man1'), { recursive: true })
  await cp(join(program, 'man'), join(root, 'share', 'man', 'man1'), { recursive: true })
  await mkdir(out, { recursive: true })
  const archive = join(out, `${name}.tar.xz`)
  // In one order and of one date, so that who makes it again gets the same bytes.
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0']
  await run('tar', ['-C', work, ...same, '-cJf', archive, name], {
    env: { ...process.env, XZ_OPT: '-6 -T0 --block-size=32MiB' },
  })
  return archive
}

/** What `npm pack` puts into the package. */
async function unpackProgram(program: string): Promise<void> {
  const packed = await run('npm', ['pack', '--silent', '--pack-destination', work], {
    cwd: PROJECT,
  })
  const file = join(work, packed.stdout.trim().split('\n').at(-1) ?? '')
  await run('tar', ['-C', program, '--strip-components=1', '-xzf', file])
  await rm(file)
}

async function installPackages(program: string, native: string): Promise<void> {
  await copyFile(join(PROJECT, 'package-lock.json'), join(program, 'package-lock.json'))
  await run('npm', ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: program,
  })
  const packages = join(program, 'node_modules')
  const files = await readdir(packages, { recursive: true, withFileTypes: true })
  for (const file of files) {
    const path = join(file.parentPath, file.name)
    const isForeign =
      file.isDirectory() && basename(file.parentPath) === 'prebuilds' && file.name !== native
    if (isForeign) await rm(path, { recursive: true, force: true })
    else if (file.isFile() && FOR_DEVELOPERS.test(file.name)) await rm(path, { force: true })
  }
}

/** Of what native parts load, small Linux systems lack this one library: it lies beside them. */
async function addAtomics(program: string, native: string): Promise<void> {
  if (process.platform !== 'linux') return
  const { stdout } = await run('/sbin/ldconfig', ['-p'])
  const library = /libatomic\.so\.1 .*=> (.*)/.exec(stdout)?.[1]
  if (library === undefined) throw new Error('libatomic.so.1 is not here: apt install libatomic1')
  const folder = join(program, 'node_modules', 'rocksdb-native', 'prebuilds', native)
  await copyFile(library, join(folder, 'libatomic.so.1'))
  await run('patchelf', ['--set-rpath', '$ORIGIN', join(folder, 'rocksdb-native.node')])
}

async function addNode(platform: string, root: string): Promise<void> {
  const isWindows = platform.startsWith('win')
  const packed = `node-${platform}`
  const at = join(work, 'node')
  // Of another platform than this one, npm takes it only if it is forced to.
  const flags = ['--no-save', '--no-package-lock', '--ignore-scripts', '--force', '--silent']
  await run('npm', ['install', ...flags, '--prefix', at, `${packed}@${NODE_VERSION}`])
  const found = join(at, 'node_modules', packed)
  const node = join(root, 'lib', isWindows ? 'node.exe' : 'node')
  await copyFile(join(found, 'bin', basename(node)), node)
  await copyFile(join(found, 'LICENSE'), join(root, 'lib', 'node-LICENSE'))
  await chmod(node, 0o755)
  // Symbols are for who debugs Node.js. `strip` knows only programs of the machine that it was made for.
  if (platform === HERE) await run('strip', [node]).catch(() => undefined)
  const launcher = join(root, 'bin', isWindows ? 'hyperletter.cmd' : 'hyperletter')
  await mkdir(dirname(launcher), { recursive: true })
  await writeFile(launcher, isWindows ? WINDOWS_LAUNCHER : LAUNCHER, { mode: 0o755 })
}
