#!/usr/bin/env node
import { EventEmitter } from 'node:events'
import { mkdirSync } from 'node:fs'
import module from 'node:module'
import { isAbsolute, join } from 'node:path'
import process from 'node:process'

if (module.enableCompileCache !== undefined) keepCompiledCode()
// Hypercore reports a fork with `console.log`, which would end up in the middle of `--json`. This program owns its
// console; a program that uses Hyperletter as a library owns its own.
console.log = console.error
// Before most of the heap is there. Options may stand before the command.
if (process.argv[process.argv.indexOf('daemon') + 1] === 'run') {
  const { restrainHeap } = await import('../dist/daemon/service/definitions.js')
  restrainHeap()
}
const { run, wholeWrites } = await import('../dist/cli/main.js')

const ABORT_DEADLINE_MS = 15_000
const EXIT_DEADLINE_MS = 2_000

// The first signal asks the work to stop. After it the defaults are back: a second one ends the
// process at once.
const interrupt = new AbortController()
const hangUps = new EventEmitter()
function stop() {
  for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, stop)
  process.off('SIGHUP', hangUp)
  interrupt.abort()
  setTimeout(() => {
    // A pager that is open keeps Ctrl-C for itself, and may stay.
    if (process.listenerCount('SIGINT') === 0) process.exit(130)
  }, ABORT_DEADLINE_MS).unref()
}
// A terminal hangs up when it is closed; a service manager, to have the configuration read again.
function hangUp() {
  if (process.stdin.isTTY || !hangUps.emit('hangup')) stop()
}
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop)
process.on('SIGHUP', hangUp)

const { stdin, stderr, env } = process
const stdout = wholeWrites(process.stdout)
// Node.js rejects a second promise that nobody holds when a native module cannot be loaded; `run` reports the first.
process.on('unhandledRejection', (error) => {
  if (error?.code !== 'CANNOT_LOAD') throw error
})
// Output that nobody reads any more is no failure; `run` notices it by itself.
for (const stream of [process.stdout, stdout, stderr]) stream.on('error', () => {})
const { signal } = interrupt
// Where it was deleted or unmounted, only what needs it fails.
function workingDirectory() {
  try {
    return process.cwd()
  } catch {
    return ''
  }
}
const io = { stdin, stdout, stderr, env, cwd: workingDirectory(), signal, hangUps }
process.exitCode = await run(process.argv.slice(2), io)

// By itself Node.js keeps it in the folder for temporary files, where another user could have put code beforehand.
function keepCompiledCode() {
  const { HOME, LOCALAPPDATA, XDG_CACHE_HOME } = process.env
  const caches = XDG_CACHE_HOME || LOCALAPPDATA || join(HOME || '', '.cache')
  if (!isAbsolute(caches)) return
  const folder = join(caches, 'hyperletter')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    module.enableCompileCache(folder)
  } catch {
    // It only starts more slowly.
  }
}

// Reached only if something still holds the event loop.
setTimeout(() => process.exit(), EXIT_DEADLINE_MS).unref()
