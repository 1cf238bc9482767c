import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import HyperDHT from 'hyperdht'
import { loadProduct, printResult, scriptInput } from '../product.ts'

interface Listening {
  readonly listensTo: string
  readonly dataDir: string
  readonly bootstrap: string
}

const input = scriptInput() as Listening | { readonly dataDir: string; readonly bootstrap: string }

/** Who hears a line. */
const LISTENERS = 5

/** One sender says five at once; the first is there to have its stamp made. */
const LINES = 4

/** Messages by which the way itself is measured. */
const PLAIN_MESSAGES = 20

/** The same clock in every process of a machine, in ms. */
const now = () => Number(process.hrtime.bigint()) / 1e6

if ('listensTo' in input) await listen(input)
else await speak(input)

/** Says lines, and asks each of five processes when it had them. */
async function speak({ dataDir, bootstrap }: { dataDir: string; bootstrap: string }) {
  const product = await loadProduct()
  const { engine, operations } = await product.open({
    dataDir: join(dataDir, 'author'),
    bootstrap,
    online: true,
  })
  await engine.network()
  const { feedKey, link } = await operations.createNewsletter({ title: 'Talk' })
  await operations.editNewsletter({ newsletter: feedKey, talk: true })
  const listeners = await Promise.all(
    Array.from({ length: LISTENERS }, (_, i) =>
      start({ listensTo: link, dataDir: join(dataDir, `listener ${i}`), bootstrap }),
    ),
  )
  try {
    const reachMs: number[] = []
    for (let i = 0; i <= LINES; i++) {
      const text = `Line ${i}`
      const heard = listeners.map((it) => hearing(it.child, text))
      const said = now()
      await operations.sayLine({ newsletter: feedKey, text })
      const last = Math.max(...(await Promise.all(heard)))
      if (i > 0) reachMs.push(last - said)
    }
    printResult({ reachMs, oneWayMs: await oneWayMs(listeners[0], bootstrap) })
  } finally {
    for (const { child } of listeners) child.disconnect()
    await Promise.all(listeners.map(({ child }) => once(child, 'exit')))
    await engine.close()
  }
}

interface Listener {
  readonly child: ChildProcess
  readonly publicKey: string
}

async function start(given: Listening): Promise<Listener> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(given)])
  const [{ publicKey }] = (await once(child, 'message')) as [{ publicKey: string }]
  return { child, publicKey }
}

/** When a process has heard a line, by the clock of the machine. */
function hearing(child: ChildProcess, text: string): Promise<number> {
  return new Promise((resolve) => {
    const onMessage = (it: { text?: string; at: number }) => {
      if (it.text !== text) return
      child.off('message', onMessage)
      resolve(it.at)
    }
    child.on('message', onMessage)
  })
}

/** How long a message takes to another process over a plain connection of the same kind. */
async function oneWayMs(listener: Listener | undefined, bootstrap: string): Promise<number[]> {
  if (listener === undefined) return []
  const dht = new HyperDHT({ bootstrap: [bootstrap], host: '127.0.0.1' })
  const connection = dht.connect(Buffer.from(listener.publicKey, 'hex'))
  connection.on('error', () => undefined)
  const ways: number[] = []
  for (let i = 0; i < PLAIN_MESSAGES; i++) {
    const text = `plain ${i}`
    const heard = hearing(listener.child, text)
    const said = now()
    connection.write(Buffer.from(text))
    ways.push((await heard) - said)
  }
  await dht.destroy()
  return ways
}

async function listen({ listensTo: link, dataDir, bootstrap }: Listening): Promise<void> {
  const product = await loadProduct()
  const { engine, operations } = await product.open({ dataDir, bootstrap, online: true })
  await engine.network()
  for await (const _ of operations.subscribe({ link }));
  const tell = (text: string) => process.send?.({ text, at: now() })
  const dht = new HyperDHT({ bootstrap: [bootstrap], host: '127.0.0.1' })
  const server = dht.createServer({}, (connection) => {
    connection.on('error', () => undefined)
    connection.on('data', (bytes: Buffer) => tell(bytes.toString()))
  })
  const { publicKey, secretKey } = HyperDHT.keyPair()
  await server.listen({ publicKey, secretKey })
  const end = new AbortController()
  process.once('disconnect', () => end.abort())
  try {
    // The profile that opens the conversation may still be on its way.
    const newsletter = link
    for (;;) {
      const [found] = await operations.listNewsletters({ newsletter })
      if (found?.conversation === true) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    for await (const it of operations.followTalk({ newsletter }, { signal: end.signal })) {
      if (it.event === 'line') tell(it.text)
      else process.send?.({ publicKey: publicKey.toString('hex') })
    }
  } catch (error) {
    if (!end.signal.aborted) throw error
  } finally {
    await dht.destroy()
    await engine.close()
  }
}
