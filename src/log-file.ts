import { copyFileSync, fstatSync, ftruncateSync, statSync } from 'node:fs'

/** Above this the log begins anew; the one before is kept beside it, so twice as much is on disk. */
export const MAX_LOG_BYTES = 5 * 1024 * 1024

/** Characters that are written between two looks at the size. */
const LOOK_EVERY_CHARACTERS = 64 * 1024

/** Where the log before the present one lies. */
export function olderLog(path: string): string {
  return `${path}.1`
}

/** Keeps the log file of a background daemon bounded, from inside of the process that writes it. */
export class LogBound {
  readonly #path: string
  readonly #fd: number
  #written = 0

  /** @param fd What the process writes to; only if it is the file at `path` anything happens. */
  constructor(path: string, fd = 2) {
    this.#path = path
    this.#fd = fd
    this.#look()
  }

  /** To be told of each piece that was written. */
  wrote(characters: number): void {
    this.#written += characters
    if (this.#written < LOOK_EVERY_CHARACTERS) return
    this.#written = 0
    this.#look()
  }

  #look(): void {
    try {
      const open = fstatSync(this.#fd)
      if (!open.isFile() || open.size <= MAX_LOG_BYTES) return
      const named = statSync(this.#path)
      if (named.ino !== open.ino || named.dev !== open.dev) return
      // Renamed, it would go on growing: the parent's shell or a service manager opened it, not we.
      copyFileSync(this.#path, olderLog(this.#path))
      ftruncateSync(this.#fd)
    } catch {
      // A full disk or a missing folder: the log is no reason to stop, and is looked at again.
    }
  }
}
