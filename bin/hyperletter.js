#!/usr/bin/env node
import module from 'node:module'
import process from 'node:process'
import v8 from 'node:v8'

module.enableCompileCache?.()
// A daemon is there for months and mostly idle: it trades some speed for a tenth of its memory. The
// flags count only before anything else is loaded.
if (process.argv[2] === 'daemon' && process.argv[3] === 'run') {
  v8.setFlagsFromString('--optimize-for-size')
  v8.setFlagsFromString('--semi-space-growth-factor=1')
}
const { run } = await import('../dist/cli/main.js')

const ABORT_DEADLINE_MS = 15_000
const EXIT_DEADLINE_MS = 2_000

// The first signal asks the work to stop. After it the defaults are back: a second one ends the
// process at once.
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
const interrupt = new AbortController()
function stop() {
  for (const signal of signals) process.off(signal, stop)
  interrupt.abort()
  setTimeout(() => {
    // A pager that is open keeps Ctrl-C for itself, and may stay.
    if (process.listenerCount('SIGINT') === 0) process.exit(130)
  }, ABORT_DEADLINE_MS).unref()
}
for (const signal of signals) process.on(signal, stop)

const { stdin, stdout, stderr, env } = process
// Output that nobody reads any more is no failure; `run` notices it by itself.
for (const stream of [stdout, stderr]) stream.on('error', () => {})
const io = { stdin, stdout, stderr, env, cwd: process.cwd(), signal: interrupt.signal }
process.exitCode = await run(process.argv.slice(2), io)

// Reached only if something still holds the event loop.
setTimeout(() => process.exit(), EXIT_DEADLINE_MS).unref()
