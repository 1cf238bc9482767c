import { onTestFinished } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { runDaemon } from '../../src/daemon/daemon.ts'

export interface RunningDaemon {
  readonly socket: string
  readonly pid: number
  /** Ends it. */
  abort(): void
  /** Settles when it has ended. */
  readonly ended: Promise<void>
}

/** A daemon in this process that is ready; it ends with the running test if it has not before. */
export async function startDaemonHere(config: Config): Promise<RunningDaemon> {
  const end = new AbortController()
  let ended: Promise<void> | undefined
  const ready = await new Promise<{ socket: string; pid: number }>((resolve, reject) => {
    ended = runDaemon(config, { signal: end.signal, onReady: resolve })
    ended.catch(reject)
  })
  const running = ended as unknown as Promise<void>
  onTestFinished(async () => {
    end.abort()
    await running
  })
  return { ...ready, abort: () => end.abort(), ended: running }
}
