import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { expect, onTestFinished } from 'vitest'
import { eventually } from './swarm-peers.ts'

type Verdict = 'take' | 'refuse' | 'hang'

/** A real mail server, which takes what comes unless it is told not to. */
export async function mailbox(options: SMTPServerOptions = {}) {
  const received: string[] = []
  const verdicts: Verdict[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, _session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const verdict = verdicts.shift() ?? 'take'
        if (verdict === 'refuse') {
          done(Object.assign(new Error('Later.'), { responseCode: 451 }))
          return
        }
        received.push(Buffer.concat(chunks).toString('latin1'))
        if (verdict === 'take') done()
      })
    },
    ...options,
  })
  server.on('error', () => undefined)
  const listening = server.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  onTestFinished(async () => {
    const closed = once(listening, 'close')
    server.close(() => undefined)
    await closed
  })
  const { port } = listening.address() as AddressInfo
  /** As soon as there are so many. */
  const mails = async (count: number): Promise<Email[]> => {
    await eventually(() => expect(received).toHaveLength(count))
    return Promise.all(received.map((raw) => PostalMime.parse(Buffer.from(raw, 'latin1'))))
  }
  return { received, mails, verdicts, address: `smtp://127.0.0.1:${port}` }
}
