import { parentPort } from 'node:worker_threads'
import { JOBS, type Jobs } from './jobs.ts'

/** What the worker is asked; it answers with `{ result }`, without one if the job failed. */
export interface Request<Name extends keyof Jobs = keyof Jobs> {
  readonly job: Name
  readonly input: Parameters<Jobs[Name]>[0]
}

parentPort?.on('message', ({ job, input }: Request) => {
  let result: unknown
  try {
    result = (JOBS[job] as (given: typeof input) => unknown)(input)
  } catch {
    // Whoever asked shows the text in another way.
  }
  parentPort?.postMessage({ result })
})
