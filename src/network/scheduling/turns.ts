import { Window } from './window.ts'

/** Assumed of blocks before any is known: a content block. */
const BLOCK_BYTES = 64 * 1024

/** As many connections as are taken for enough to bridge each other's pauses. */
const FEW = 8

/** Sends one block, and tells how many bytes that was when all of them have arrived; 0 if nothing was sent. */
export type Job = () => Promise<number>

/**
 * Serves those who ask over the same uplink one after the other, a block each, instead of all at once: so that the first
 * has its block, and passes it on, while the others wait. As much is under way as keeps the uplink full.
 */
export class Turns<L> {
  /** In the order in which they are served next. */
  readonly #waiting = new Map<L, Job[]>()
  readonly #window = new Window(BLOCK_BYTES)
  #underWay = 0
  #jobs = 0

  noteRoundTrip(rttMs: number): void {
    this.#window.noteRoundTrip(rttMs)
  }

  add(line: L, job: Job): void {
    const jobs = this.#waiting.get(line)
    if (jobs === undefined) this.#waiting.set(line, [job])
    else jobs.push(job)
    this.#serve()
  }

  forget(line: L): void {
    this.#waiting.delete(line)
  }

  #serve(): void {
    while (this.#underWay < this.#window.blocks(FEW)) {
      const [next] = this.#waiting
      if (next === undefined) return
      const [line, jobs] = next
      const job = jobs.shift()
      this.#waiting.delete(line)
      if (jobs.length > 0) this.#waiting.set(line, jobs)
      if (job !== undefined) void this.#run(job)
    }
  }

  async #run(job: Job): Promise<void> {
    const id = this.#jobs++
    const beganMs = Date.now()
    this.#window.noteAsked(id)
    this.#underWay++
    const sizeBytes = await job().catch(() => 0)
    this.#underWay--
    if (sizeBytes > 0) this.#window.noteArrival(id, sizeBytes, Date.now() - beganMs)
    this.#serve()
  }
}
