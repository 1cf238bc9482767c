// Exports or imports one bundle and watches the memory of this process: idle, and at its peak.
import { readFile, stat, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { loadProduct, printResult, scriptInput } from '../product.ts'

interface Input {
  readonly dataDir: string
  readonly file: string
  /** Exports this newsletter; imports the file when absent. */
  readonly newsletter?: string
}

const SAMPLE_EVERY_MS = 5
const SETTLE_MS = 500

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const { dataDir, file, newsletter } = scriptInput() as Input
const { engine, operations } = await (await loadProduct()).open({ dataDir })
collectGarbage()
await sleep(SETTLE_MS)
collectGarbage()
const idleBytes = process.memoryUsage.rss()
await forgetPeak()
let peakBytes = idleBytes
const timer = setInterval(() => {
  peakBytes = Math.max(peakBytes, process.memoryUsage.rss())
}, SAMPLE_EVERY_MS)

const start = performance.now()
if (newsletter === undefined) for await (const _ of operations.importBundle({ file }));
else await writeFile(file, operations.exportBundle({ newsletter }))
const ms = performance.now() - start

clearInterval(timer)
peakBytes = Math.max(peakBytes, (await peakOfKernel()) ?? 0)
await engine.close()
const { size } = await stat(file)
printResult({ idleMb: idleBytes / 1e6, peakMb: peakBytes / 1e6, ms, bytes: size })

// Linux keeps the peak itself, and misses nothing between two samples. Elsewhere the samples have to do.
async function forgetPeak(): Promise<void> {
  await writeFile('/proc/self/clear_refs', '5').catch(() => undefined)
}

async function peakOfKernel(): Promise<number | undefined> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1_024
}
