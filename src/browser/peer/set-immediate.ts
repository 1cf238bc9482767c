const { port1, port2 } = new MessageChannel()
const waiting: (() => void)[] = []
port1.addEventListener('message', () => waiting.shift()?.())
port1.start()

/** What Hypercore uses to let others have a turn: unlike a timer, it is not slowed down in pages that are not seen. */
export function setImmediate(work: () => void): void {
  waiting.push(work)
  port2.postMessage(undefined)
}
