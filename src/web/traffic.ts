import type { Output } from '../api/contract/contract.ts'
import type { Sample } from '../site/pages/seeding.ts'

const MAX_SAMPLES = 121
const MIN_PAUSE_MS = 900

/** What went in and out, as often as somebody looked. */
export class Traffic {
  readonly #samples: Sample[] = []

  /** Adds what `status` says and gives all that is remembered, oldest first. */
  add(status: Output<'status'>): readonly Sample[] {
    const at = Date.now()
    const last = this.#samples.at(-1)
    if (last === undefined || at - last.at >= MIN_PAUSE_MS) {
      const sum = (pick: (it: Output<'status'>['newsletters'][number]) => number) =>
        status.newsletters.reduce((total, it) => total + pick(it), 0)
      this.#samples.push({
        at,
        uploadedBytes: sum((it) => it.uploadedBytes),
        downloadedBytes: sum((it) => it.downloadedBytes),
      })
      if (this.#samples.length > MAX_SAMPLES) this.#samples.shift()
    }
    return this.#samples
  }
}
