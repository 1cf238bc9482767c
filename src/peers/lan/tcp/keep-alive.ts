import type { Socket } from 'node:net'
import type { Connection } from 'hyperswarm'

const LOOK_EVERY_MS = 5_000

/** Each side sends something each 5 s. Counted in looks: while this machine sleeps nobody is silent. */
const SILENT_LOOKS = 3

/** Ends a connection from which nothing comes any more; the kernel would wait for a quarter of an hour. */
export function endWhenSilent(connection: Connection, socket: Socket): void {
  let before = socket.bytesRead
  let silent = 0
  const timer = setInterval(() => {
    // Whoever is held back for our sake is not silent.
    const isSilent = socket.bytesRead === before && !socket.isPaused()
    before = socket.bytesRead
    silent = isSilent ? silent + 1 : 0
    if (silent < SILENT_LOOKS) return
    connection.destroy(Object.assign(new Error('It stopped answering.'), { code: 'ETIMEDOUT' }))
  }, LOOK_EVERY_MS)
  timer.unref()
  connection.once('close', () => clearInterval(timer))
}
