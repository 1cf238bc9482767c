/**
 * Gives everything that reads what strangers wrote inputs that nobody thought of, for as long as asked. The work is done in
 * a process of its own: one that does not come back, or dies, is a finding too. What is found is written to
 * fixtures/fuzz/, where `npm test` replays it.
 *
 * npm run fuzz -- --seconds 60 [--only html,push] [--seed 1] [--path 12:3]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fuzz, keepFinding, TARGETS } from './fuzzing.ts'
import type { Target } from './target.ts'

/** For how long an input may not come back. */
const HANG_MS = 30_000

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    only: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    path: { type: 'string' },
    /** Of the process that does the work: where it notes each input. */
    notes: { type: 'string' },
  },
})
const seed = Number(values.seed)
const timeMs = Number(values.seconds) * 1_000
const names = values.only?.split(',') ?? TARGETS.map((it) => it.name)
const unknown = names.filter((name) => !TARGETS.some((it) => it.name === name))
if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')}.`)
const chosen = TARGETS.filter((it) => names.includes(it.name))

if (values.notes === undefined) await supervise()
else await work(chosen, values.notes)

function again(name: string, path?: string): string {
  const rest = path === undefined ? '' : ` --path ${path}`
  return `npm run fuzz -- --only ${name} --seed ${seed}${rest}`
}

function report(name: string, input: Uint8Array, why: string, path?: string): void {
  const kept = keepFinding(name, input)
  process.stdout.write(
    `✗ ${name}: ${why}\n  ${kept} (${input.byteLength} bytes)\n  ${again(name, path)}\n`,
  )
}

/** Runs the targets one after the other, each for its share of the time. */
async function work(targets: readonly Target[], notes: string): Promise<void> {
  const file = openSync(notes, 'w')
  for (const target of targets) {
    const onInput = (input: Uint8Array) => {
      ftruncateSync(file)
      writeSync(file, Buffer.concat([Buffer.from(`${target.name}\n`), input]), 0, undefined, 0)
    }
    const effort = { seed, path: values.path, onInput, timeMs: timeMs / chosen.length }
    const { runs, failure } = await fuzz(target, effort)
    if (failure === undefined) process.stdout.write(`✓ ${target.name}: ${runs} inputs\n`)
    else {
      report(target.name, failure.input, String((failure.error as Error).stack), failure.path)
      process.exitCode = 1
    }
  }
  closeSync(file)
  // What a target keeps open lasts as long as the process.
  // oxlint-disable-next-line no-restricted-properties -- the whole program ends
  process.exit()
}

async function supervise(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'hyperletter-fuzz-'))
  const notes = join(folder, 'input')
  process.stdout.write(`seed ${seed}, ${values.seconds} s, ${chosen.length} targets\n`)
  let left = chosen.map((it) => it.name)
  while (left.length > 0) {
    const failed = await runWorker(left, notes)
    if (failed === undefined) break
    const [name, input] = lastNote(notes)
    report(name, input, failed)
    process.exitCode = 1
    left = left.slice(left.indexOf(name) + 1)
  }
  rmSync(folder, { recursive: true, force: true })
}

/** Runs the rest of the targets. @returns why the process did not come to its end */
async function runWorker(only: readonly string[], notes: string): Promise<string | undefined> {
  const args = ['--only', only.join(','), '--seed', String(seed), '--notes', notes]
  const share = String((Number(values.seconds) / chosen.length) * only.length)
  const node = ['--import', 'tsx', '--max-old-space-size=768', fileURLToPath(import.meta.url)]
  const path = values.path === undefined ? [] : ['--path', values.path]
  const child = spawn(process.execPath, [...node, ...args, '--seconds', share, ...path], {
    stdio: ['ignore', 'inherit', 'inherit'],
    // One that is killed leaves what it wrote.
    env: { ...process.env, TMPDIR: dirname(notes) },
  })
  let isHanging = false
  const watch = setInterval(() => {
    const notedAt = statSync(notes, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (Date.now() - notedAt < HANG_MS) return
    isHanging = true
    child.kill('SIGKILL')
  }, 1_000)
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  clearInterval(watch)
  if (isHanging) return `It did not come back in ${HANG_MS / 1_000} s.`
  if (code === 1) process.exitCode = 1
  return code === 0 || code === 1 ? undefined : `The process ended: ${signal ?? code}.`
}

function lastNote(notes: string): [string, Uint8Array] {
  const noted = readFileSync(notes)
  const end = noted.indexOf('\n')
  return [noted.toString('utf8', 0, end), noted.subarray(end + 1)]
}
