// How a peer of the benchmark is told what to do, and tells what happened: one line each.
import { createInterface } from 'node:readline'

const EVERY_MS = 50

const commands = new Map()

createInterface({ input: process.stdin }).on('line', (line) => commands.get(line.trim())?.())

/** Runs `run` when the benchmark says `name`. */
export function onCommand(name, run) {
  commands.set(name, run)
}

/** Says that it is ready, and what others have to know of it. */
export function ready(facts) {
  print(facts)
}

/** Says at which moment something is so, by the clock that all processes of this machine share. */
export function tellTime() {
  print({ atMs: Number(process.hrtime.bigint()) / 1e6 })
}

/** Says so whenever all of a core is here that there is. */
export function tellTimes(core) {
  let last = core.length
  const look = () => {
    if (core.length === last || core.contiguousLength !== core.length) return
    last = core.length
    tellTime()
  }
  core.on('append', look)
  core.on('download', look)
}

/** What has arrived, from now on: time and bytes, every now and then. */
export function progress() {
  const beganMs = performance.now()
  const before = process.cpuUsage()
  const points = []
  let bytes = 0
  let lastMs = -Infinity
  return {
    points,
    before,
    add(sizeBytes) {
      bytes += sizeBytes
      const atMs = performance.now() - beganMs
      if (atMs - lastMs < EVERY_MS) return
      lastMs = atMs
      points.push([Math.round(atMs), bytes])
    },
  }
}

/** Says that everything is here, and what it took since `progress`. */
export function finished({ points, before }) {
  const { user, system } = process.cpuUsage(before)
  const cpuMs = Math.round((user + system) / 1000)
  print({ points, cpuMs, memoryBytes: process.memoryUsage().rss })
}

// Not console.log: the engine keeps what libraries print so off the output.
function print(facts) {
  process.stdout.write(`${JSON.stringify(facts)}\n`)
}
