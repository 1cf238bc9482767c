import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { createLogger } from '../../src/logger.ts'
import { Listener, type ListenerOptions } from '../../src/peers/lan/tcp.ts'
import { eventually } from './swarm-peers.ts'

/** As if this machine were in a room with itself. */
export const LOOPBACK_LINKS = [{ address: '127.0.0.1', cidr: '127.0.0.0/8' }] as const

/** A listener on loopback that listens, on any port, until the test is over. */
export async function listenHere(
  options: Pick<ListenerOptions, 'keyPair' | 'onConnection'> & Partial<ListenerOptions>,
): Promise<{ readonly listener: Listener; readonly port: number }> {
  const listener = new Listener({
    host: '127.0.0.1',
    port: undefined,
    interfaces: () => LOOPBACK_LINKS,
    logger: createLogger('silent'),
    ...options,
  })
  onTestFinished(() => listener.close())
  const port = await eventually(() => {
    if (listener.port === undefined) throw new Error('It does not listen yet.')
    return listener.port
  })
  return { listener, port }
}

/** The two ends of a connection over TCP: of who called, and of who was called. */
export async function tcpPair(): Promise<{ readonly calling: Socket; readonly called: Socket }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const calling = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [called] = await accepted
  server.close()
  onTestFinished(() => {
    calling.destroy()
    called.destroy()
  })
  return { calling, called }
}

/** A port of loopback where nobody listens. */
export async function deafPort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
