// Runs shell scripts that show troubles other people had, and prints what was expected and what came:
// `npm run cases:reader -- FOLDER`. A script gets the command as $HL and prints what happens; what it leaves running is ended, and
// so is a script that takes too long. As root on Linux.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { codeOf } from '../../src/errors.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/hyperletter.js', import.meta.url))
const FOLDER = '../shared/cases/reader'

/** How long a script may take; the longest runs 170 commands. */
const DEADLINE_MS = 600_000

/** What the output of a script has to match, and what it must not, by the beginning of its name. */
const EXPECTED: Readonly<
  Record<string, { words: string; all: readonly RegExp[]; none?: readonly RegExp[] }>
> = {
  '01': {
    words: 'an output that could not be written exits with 1',
    all: [/export: rc=1/, /full: rc=1/],
  },
  '02': { words: 'works in a deleted folder', all: [/rc=0/] },
  '03': { words: 'takes links as mail makes them', all: [/^ok/m], none: [/^FAIL/m] },
  '04': { words: 'one socket for a long path', all: [/daemon is running/, /rc=0/] },
  '05': {
    words: 'names the owner and the mode',
    all: [/belongs to user 1000/, /chown/, /mode 777/],
  },
  '07': { words: 'serves on port 80', all: [/^(200|30[23]) /m, / 200$/m] },
  '10': {
    words: 'tells of a correction',
    all: [/watch: .+corrected: The time was/, /inbox: .+corrected: The time was/, /^[1-9]\d*$/m],
  },
  '11': { words: 'the future crowds nobody out', all: [/of all: 5 /] },
  '12': { words: 'names the damage and its repair', all: [/doctor --repair/], none: [/--verbose/] },
  '15': { words: 'few logs of RocksDB', all: [/^[0-2] LOG\.old/m], none: [/larger than the disk/] },
  '16': { words: 'watch ends with its reader', all: [/rc=0/] },
  '17': { words: 'titles of the list', all: [/^Field Notes {2}/m], none: [/^error/m] },
  '22': { words: 'refuses a cap below the need', all: [/^error: /m], none: [/is not stored/] },
}

/** Processes that a script has started and not ended, by the folder that it was given. */
async function processesOf(directory: string): Promise<{ pid: number; command: string }[]> {
  const found: { pid: number; command: string }[] = []
  for (const name of await readdir('/proc')) {
    // Some end meanwhile.
    const read = (file: string) => readFile(`/proc/${name}/${file}`, 'utf8').catch(() => '')
    if (!/^\d+$/.test(name) || !(await read('environ')).includes(`TMPDIR=${directory}\0`)) continue
    found.push({ pid: Number(name), command: (await read('cmdline')).replaceAll('\0', ' ') })
  }
  return found
}

/** What a script prints, and whether it had to be ended. */
async function output(script: string): Promise<{ text: string; isLate: boolean }> {
  const directory = await mkdtemp(join(tmpdir(), 'cases-'))
  const env = { ...process.env, HL: LAUNCHER, TMPDIR: directory }
  const child = spawn('bash', [script], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let text = ''
  let isLate = false
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => void (text += chunk.toString()))
  }
  const closed = once(child, 'close')
  const timer = setTimeout(() => {
    isLate = true
    // With what it waits for, which is of its process group.
    process.kill(-(child.pid ?? 0), 'SIGKILL')
  }, DEADLINE_MS)
  // Not until its output closes, which a process that it left holds open.
  await once(child, 'exit')
  clearTimeout(timer)
  const left = await processesOf(directory)
  for (const { pid, command } of left) {
    text += `left running: ${command}\n`
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      // It ended by itself meanwhile.
      if (codeOf(error) !== 'ESRCH') throw error
    }
  }
  await closed
  await rm(directory, { recursive: true, force: true })
  return { text, isLate }
}

const folder = resolve(process.argv[2] ?? FOLDER)
const scripts = (await readdir(folder)).filter((it) => /^\d\d-.*\.sh$/.test(it)).toSorted()
let failed = 0
for (const name of scripts) {
  const expected = EXPECTED[name.slice(0, 2)]
  const { text: got, isLate } = await output(join(folder, name))
  const { words = '(not known here)', all = [/^$/], none = [] } = expected ?? {}
  const isRight = !isLate && all.every((it) => it.test(got)) && !none.some((it) => it.test(got))
  if (!isRight) failed++
  process.stdout.write(`${isRight ? 'ok  ' : 'FAIL'}  ${name.padEnd(42)} ${words}\n`)
  if (isLate) process.stdout.write(`      It did not end within ${DEADLINE_MS / 1_000} s.\n`)
  if (/^left running/m.test(got))
    process.stdout.write('      It left a process, which was ended.\n')
  if (!isRight) process.stdout.write(got.replaceAll(/^/gm, '      ').trimEnd() + '\n')
}
process.stdout.write(`${scripts.length - failed} of ${scripts.length} cases are right\n`)
process.exitCode = failed === 0 ? 0 : 1
