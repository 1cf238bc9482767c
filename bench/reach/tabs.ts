import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import SecretStream from '@hyperswarm/secret-stream'
import Corestore from 'corestore'
import crypto from 'hypercore-crypto'
import { WebSocket } from 'ws'
import { openEngine } from '../../src/api/open-engine.ts'
import { SocketStream, SUBPROTOCOL } from '../../src/peers/web/socket-stream.ts'
import { Children } from '../children.ts'
import { residentMb } from '../processes.ts'

// What tabs cost a gateway that have everything and wait for the next issue. Argument: how many.

const TABS = Number(process.argv[2] ?? 200)
const BUDGET_MB = 15

/** Tabs that are opened at a time. */
const BATCH = 20

/** Until a process that has just worked is quiet. */
const SETTLING_MS = 5_000

const work = await mkdtemp(join(tmpdir(), 'hyperletter-tabs-'))
const dataDir = join(work, 'data')
const { operations, close } = await openEngine({ dataDir, bootstrap: [] })
const { feedKey } = await operations.createNewsletter({ title: 'Tabs' })
const draft = { markdown: '# High water\n\nAt noon.\n' }
for await (const _ of operations.publishIssue({ newsletter: feedKey, draft }));
await close()

// Any port that is free; the daemon takes it a moment later.
const free = createServer().listen(0, '127.0.0.1')
await once(free, 'listening')
const { port } = free.address() as AddressInfo
await new Promise((resolve) => free.close(resolve))

// What all tabs have; each replicates it over a connection of its own.
const store = new Corestore(join(work, 'tabs'))
const core = store.get({ key: feedKey })
const children = new Children({ ...process.env, XDG_CONFIG_HOME: join(work, 'none') })
try {
  const dht = await children.startCommand<{ port: number }>([
    'dht',
    '--host',
    '127.0.0.1',
    '--quiet',
  ])
  const daemon = await children.startDaemon([
    '--data-dir',
    dataDir,
    '--bootstrap',
    `127.0.0.1:${dht.ready.port}`,
    '--gateway',
    `127.0.0.1:${port}`,
    '--gateway-tabs',
    String(TABS),
    // So that each tab may say that it comes from somebody else: one address has few.
    '--gateway-proxies',
    '127.0.0.1',
  ])
  await openTab(0)
  while (core.length === 0) await once(core, 'append')
  await core.download({ start: 0, end: core.length }).done()

  await sleep(SETTLING_MS)
  const before = await residentMb(daemon.pid)
  for (let i = 1; i < TABS; i += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, TABS - i) }, (_, k) => openTab(i + k))
    await Promise.all(batch)
  }
  await sleep(SETTLING_MS)
  const growthMb = (await residentMb(daemon.pid)) - before
  const verdict = growthMb <= BUDGET_MB ? 'yes' : 'NO'
  if (growthMb > BUDGET_MB) process.exitCode = 1
  console.log(`${TABS} quiet tabs: ${growthMb.toFixed(1)} MB (at most ${BUDGET_MB}: ${verdict})`)
} finally {
  await store.close()
  await children.close()
  await rm(work, { recursive: true, force: true })
}

/** Connects as a browser behind a server of its own does. */
async function openTab(number: number): Promise<void> {
  const address = `198.18.${number >> 8}.${number & 255}`
  const socket = new WebSocket(`ws://127.0.0.1:${port}/peer`, SUBPROTOCOL, {
    headers: { 'x-forwarded-for': address },
  })
  socket.binaryType = 'arraybuffer'
  const raw = new SocketStream(socket) as unknown as Duplex
  const connection = new SecretStream(true, raw, { keyPair: crypto.keyPair(), keepAlive: 5_000 })
  store.replicate(connection)
  await connection.opened
}
