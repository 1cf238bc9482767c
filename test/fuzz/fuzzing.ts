import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { DRAFT_TARGETS } from './draft-targets.ts'
import { FORMAT_TARGETS } from './format-targets.ts'
import { GATEWAY_TARGET } from './gateway-target.ts'
import { IMPORT_TARGETS } from './import-targets.ts'
import { LOCAL_TARGETS } from './local-targets.ts'
import { LOG_FILE_TARGETS } from './log-file-targets.ts'
import { REQUEST_TARGETS } from './request-targets.ts'
import type { Target } from './target.ts'
import { TEXT_TARGETS } from './text-targets.ts'
import { WIRE_TARGETS } from './wire-targets.ts'

export const TARGETS: readonly Target[] = [
  ...FORMAT_TARGETS,
  ...LOG_FILE_TARGETS,
  ...TEXT_TARGETS,
  ...DRAFT_TARGETS,
  ...IMPORT_TARGETS,
  ...WIRE_TARGETS,
  ...LOCAL_TARGETS,
  ...REQUEST_TARGETS,
  GATEWAY_TARGET,
]

/** What one input may take: of this processor, and of memory that stays. */
const MAX_CPU_MS = 3_000
const MAX_GROWTH_BYTES = 256 * 1024 * 1024

/** Inputs that once broke something, a folder for each target. */
export const FINDINGS = fileURLToPath(new URL('../../fixtures/fuzz', import.meta.url))

/** Checks one input, and what the check takes. */
export async function checkInput(
  { check }: Target,
  input: Uint8Array,
  maxCpuMs = MAX_CPU_MS,
): Promise<void> {
  const { rss } = process.memoryUsage()
  const before = process.cpuUsage()
  await check(input)
  const { user } = process.cpuUsage(before)
  if (user / 1_000 > maxCpuMs) throw new Error(`It took ${Math.round(user / 1_000)} ms.`)
  const grown = process.memoryUsage().rss - rss
  if (grown > MAX_GROWTH_BYTES) throw new Error(`It took ${Math.round(grown / 1e6)} MB.`)
}

export interface Effort {
  readonly seed: number
  /** Of the generator, to come to one input at once. */
  readonly path?: string | undefined
  readonly timeMs?: number
  readonly runs?: number
  /** Told of each input before it is checked. */
  readonly onInput?: (input: Uint8Array) => void
}

export interface Outcome {
  readonly runs: number
  /** The smallest input that was found, and how to come to it. */
  readonly failure?: { readonly input: Uint8Array; readonly path: string; readonly error: unknown }
}

/** Makes up inputs of one target until one breaks it, or the effort is spent. */
export async function fuzz(target: Target, effort: Effort): Promise<Outcome> {
  const { seed, path, timeMs, runs = 1_000_000_000, onInput } = effort
  const property = fc.asyncProperty(target.inputs, async (input) => {
    onInput?.(input)
    await checkInput(target, input)
  })
  const parameters: fc.Parameters<[Uint8Array]> = {
    seed,
    numRuns: runs,
    ...(path === undefined ? {} : { path }),
    ...(timeMs === undefined
      ? {}
      : { plugins: [fc.interruptAfterTimeLimit(timeMs) as fc.Plugin<[Uint8Array]>] }),
  }
  const { failed, counterexample, counterexamplePath, errorInstance, numRuns } = await fc.check(
    property,
    parameters,
  )
  const [input] = counterexample ?? []
  if (!failed || input === undefined) return { runs: numRuns }
  return { runs: numRuns, failure: { input, path: counterexamplePath ?? '', error: errorInstance } }
}

/** Every finding of a target, by the name of its file. */
export function findingsOf({ name }: Pick<Target, 'name'>): Map<string, Uint8Array> {
  const folder = join(FINDINGS, name)
  try {
    return new Map(readdirSync(folder).map((it) => [it, readFileSync(join(folder, it))]))
  } catch {
    return new Map()
  }
}

/** Writes a finding down, to be replayed from now on. @returns its path */
export function keepFinding(name: string, input: Uint8Array): string {
  const folder = join(FINDINGS, name)
  mkdirSync(folder, { recursive: true })
  const path = join(folder, createHash('sha256').update(input).digest('hex').slice(0, 12))
  writeFileSync(path, input)
  return path
}
