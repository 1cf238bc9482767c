import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { temporaryDirectory } from './temporary-directory.ts'

/** Where Debian installs these servers. */
export const NGINX = '/usr/sbin/nginx'
export const CADDY = '/usr/bin/caddy'

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Runs a server until the test ends; resolves once it accepts connections at a port of this machine. */
export async function runServer(
  command: string,
  args: readonly string[],
  port: number,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const child = spawn(command, args, { stdio: 'ignore', env })
  onTestFinished(async () => {
    const ended = once(child, 'exit')
    child.kill()
    await ended
  })
  const isUp = async () => {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return true
    } catch {
      return false
    } finally {
      socket.destroy()
    }
  }
  await expect.poll(isUp, { timeout: 10_000 }).toBe(true)
}

/**
 * Runs nginx with a server block of docs/reach.md.
 * @param which block, from 0; @param change makes of the block what this machine can serve at a port.
 */
export async function runNginx(
  which: number,
  change: (server: string, port: number) => string,
): Promise<number> {
  const folder = await temporaryDirectory()
  const port = await freePort()
  const server = await example('nginx', which)
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const config = `daemon off; pid ${folder}/pid; error_log ${folder}/errors; ${process.getuid?.() === 0 ? 'user root;' : ''}
events {}
http {
  include /etc/nginx/mime.types; access_log off;
  ${paths.map((it) => `${it}_temp_path ${folder}/${it};`).join(' ')}
  ${change(server, port)}
}`
  const file = join(folder, 'nginx.conf')
  await writeFile(file, config)
  await runServer(NGINX, ['-e', join(folder, 'errors'), '-c', file], port)
  return port
}

/**
 * Runs Caddy with the example of docs/reach.md.
 * @param change makes of it what this machine can serve at a port.
 */
export async function runCaddy(change: (site: string, port: number) => string): Promise<number> {
  const folder = await temporaryDirectory()
  const port = await freePort()
  const options = `{\n admin off\n auto_https disable_redirects\n default_bind 127.0.0.1\n}\n`
  const file = join(folder, 'Caddyfile')
  await writeFile(file, options + change(await example('caddy'), port))
  const home = { HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder }
  const args = ['run', '--config', file, '--adapter', 'caddyfile']
  await runServer(CADDY, args, port, { ...process.env, ...home })
  return port
}

/** An example of docs/reach.md, by its language; of several, one from 0. */
async function example(language: string, which = 0): Promise<string> {
  const page = await readFile(new URL('../../docs/reach.md', import.meta.url), 'utf8')
  const examples = [...page.matchAll(/```(\w+)\n([\s\S]*?)```/g)].filter((it) => it[1] === language)
  return examples[which]?.[2] ?? ''
}

/** A test authority, and a certificate that it signed for a host name. */
export interface TestCertificate {
  /** Paths of PEM files. */
  readonly authority: string
  readonly certificate: string
  readonly key: string
}

export async function certificateFor(host: string): Promise<TestCertificate> {
  const folder = await temporaryDirectory()
  const at = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-subj',
    '/CN=Test authority',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  )
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-subj',
    `/CN=${host}`,
    '-addext',
    `subjectAltName=DNS:${host}`,
    '-addext',
    'basicConstraints=critical,CA:FALSE',
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-keyout',
    at('host.key'),
    '-out',
    at('host.pem'),
  )
  return { authority: at('ca.pem'), certificate: at('host.pem'), key: at('host.key') }
}
