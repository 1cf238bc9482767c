import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { open, readdir, rename, rm, type FileHandle } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import { makeDirectory } from '../../atomic-file.ts'
import type { Message } from './mime.ts'

export interface Transport {
  /**
   * @param onHandingOver Called when nothing but the last word is missing: whatever happens after it, the message may have
   *   arrived.
   * @throws whatever says that it was not taken
   */
  send(message: Message, onHandingOver: () => Promise<void>, signal: AbortSignal): Promise<void>
}

/**
 * Puts messages into a Maildir: whole, under a name that its program has not seen, and once, also after a crash.
 * https://cr.yp.to/proto/maildir.html
 */
export function maildir(folder: string): Transport {
  return {
    async send({ id, raw }, onHandingOver) {
      for (const it of ['tmp', 'new', 'cur']) await makeDirectory(join(folder, it))
      const mark = `.H${createHash('sha256').update(id).digest('hex').slice(0, 24)}.`
      const here = await Promise.all(['new', 'cur'].map((it) => readdir(join(folder, it))))
      if (!here.flat().some((it) => it.includes(mark))) {
        const host = hostname().replaceAll('/', '\\057').replaceAll(':', '\\072')
        const name = `${Math.floor(Date.now() / 1_000)}${mark}${host}`
        const temporary = join(folder, 'tmp', name)
        try {
          await written(await open(temporary, 'wx', 0o600), raw)
          await rename(temporary, join(folder, 'new', name))
        } catch (error) {
          await rm(temporary, { force: true })
          throw error
        }
      }
      await onHandingOver()
    },
  }
}

async function written(file: FileHandle, raw: Buffer): Promise<void> {
  try {
    // Programs that read mail expect the line ends of the system.
    await file.writeFile(raw.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')
    await file.sync()
  } finally {
    await file.close()
  }
}

const CONNECT_TIMEOUT_MS = 15_000
const IDLE_TIMEOUT_MS = 60_000

/**
 * Hands messages to a mail server: `smtp://user:password@host:587`, or `smtps:` for TLS from the first byte. A password
 * never goes over a connection that is not encrypted, except to this machine.
 */
export function mailServer(address: string, mailbox: string): Transport {
  const url = new URL(address)
  const secure = url.protocol === 'smtps:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const isHere = ['localhost', '127.0.0.1', '::1'].includes(host)
  const [user, pass] = [url.username, url.password].map(decodeURIComponent)
  return {
    async send({ raw }, onHandingOver, signal) {
      const connection = new SMTPConnection({
        host,
        port: Number(url.port) || (secure ? 465 : isHere ? 25 : 587),
        secure,
        requireTLS: !secure && !isHere && user !== '',
        // Of a server on this machine no certificate says more than its address.
        ...(isHere ? { tls: { rejectUnauthorized: false } } : {}),
        connectionTimeout: CONNECT_TIMEOUT_MS,
        greetingTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: IDLE_TIMEOUT_MS,
      })
      const failed = once(connection, 'error').then(([error]) => Promise.reject(error as Error))
      failed.catch(() => undefined)
      const onAbort = () => connection.close()
      signal.addEventListener('abort', onAbort, { once: true })
      const ended = once(connection, 'end').then(() =>
        Promise.reject(new Error('The mail server closed the connection.')),
      )
      ended.catch(() => undefined)
      const step = (run: (done: (error?: Error | null) => void) => void) =>
        Promise.race([
          failed,
          ended,
          new Promise<void>((resolve, reject) => {
            run((error) => (error ? reject(error) : resolve()))
          }),
        ])
      try {
        signal.throwIfAborted()
        await step((done) => connection.connect(done))
        if (user !== undefined && user !== '') {
          await step((done) => connection.login({ user, pass: pass ?? '' }, done))
        }
        // The end of the message is its last word: it follows once it is on record.
        const message = async function* () {
          yield raw
          await onHandingOver()
        }
        const envelope = { from: mailbox, to: mailbox }
        await step((done) => connection.send(envelope, Readable.from(message()), done))
        connection.quit()
      } finally {
        signal.removeEventListener('abort', onAbort)
        connection.close()
      }
    },
  }
}
