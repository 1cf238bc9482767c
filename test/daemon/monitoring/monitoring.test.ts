import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import parse from 'parse-prometheus-text-format'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Monitoring, Pages } from '../../../src/daemon/monitoring/monitoring.ts'
import { HyperletterError } from '../../../src/errors.ts'
import type { Output } from '../../../src/api/contract/contract.ts'
import { keptLog } from '../../helpers/arrivals.ts'
import { startDaemonHere } from '../../helpers/daemons.ts'
import { configOf } from '../../helpers/engines.ts'
import { eventually } from '../../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { privateNetwork } from '../../helpers/testnet.ts'

const measures: Output<'measure'> = {
  online: true,
  dataBytes: 1,
  freeBytes: 2,
  usedBytes: 1,
  newsletters: [],
}

/** The system chooses one. */
const ANY_PORT = 0

/** A server on a port that nobody else has; gives the port. */
async function occupy(): Promise<{ port: number; release: () => Promise<void> }> {
  const server = createServer((_request, response) => response.end('somebody else'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const release = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    await closed
  }
  onTestFinished(release)
  return { port: (server.address() as AddressInfo).port, release }
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const { port, release } = await occupy()
  await release()
  return port
}

function open(measure: () => Promise<Output<'measure'>>) {
  const { logger, lines } = keptLog()
  const monitoring = new Monitoring({ operations: { measure }, logger, retryMs: 50 })
  onTestFinished(() => monitoring.close())
  return { monitoring, lines }
}

async function served(measure: () => Promise<Output<'measure'>> = () => Promise.resolve(measures)) {
  const { monitoring } = open(measure)
  await monitoring.apply({ metricsPort: ANY_PORT })
  return `http://127.0.0.1:${monitoring.port}`
}

describe('monitoring', () => {
  test('serves metrics and health to this machine', async () => {
    const at = await served()
    const metrics = await fetch(`${at}/metrics`)
    expect(metrics.status).toBe(200)
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const names = parse(await metrics.text()).map((it) => it.name)
    expect(names).toEqual(
      expect.arrayContaining(['hyperletter_up', 'process_cpu_seconds_total', 'hyperletter_online']),
    )
    const health = await fetch(`${at}/healthz`)
    expect(health.status).toBe(200)
    expect(await health.json()).toEqual({ status: 'ok' })
  })

  test.each([
    ['GET', '/', {}, 404],
    ['GET', '/metrics/..%2f..%2fetc', {}, 404],
    ['POST', '/metrics', {}, 405],
    ['GET', '/metrics', { host: 'evil.example' }, 403],
    ['GET', '/healthz', { host: '127.0.0.1.evil.example:80' }, 403],
    ['HEAD', '/metrics?x=1', {}, 200],
  ])('answers %s %s %j with %i', async (method, path, headers, status) => {
    const at = new URL(await served())
    const sent = request({ host: at.hostname, port: at.port, path, method, headers, agent: false })
    sent.end()
    const [response] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void }]
    response.resume()
    expect(response.statusCode).toBe(status)
  })

  test('measures once for all who ask in the same moment', async () => {
    let times = 0
    const at = await served(() => {
      times++
      return Promise.resolve(measures)
    })
    await Promise.all(Array.from({ length: 8 }, () => fetch(`${at}/metrics`)))
    expect(times).toBe(1)
  })

  test('says why it is not well', async () => {
    const problem = { code: 'DISK_FULL', message: 'The disk is full.' }
    const at = await served(() => Promise.resolve({ ...measures, online: false, problem }))
    const health = await fetch(`${at}/healthz`)
    expect(health.status).toBe(503)
    expect(await health.json()).toMatchObject({
      status: 'failing',
      reasons: [problem, { code: 'NOT_AVAILABLE' }],
    })
  })

  test('lives when the engine does not', async () => {
    const at = await served(() => Promise.reject(new HyperletterError('DISK_FULL', 'Full.')))
    expect((await fetch(`${at}/healthz`)).status).toBe(503)
    const up = parse(await (await fetch(`${at}/metrics`)).text()).find(
      (it) => it.name === 'hyperletter_up',
    )
    expect(up?.metrics).toEqual([{ value: '0' }])
  })

  test('does not wait for an engine that hangs', async () => {
    const pages = new Pages({ measure: () => new Promise(() => undefined) }, 50)
    expect(await pages.get('/healthz')).toMatchObject({ status: 503 })
  })

  test('takes a port as soon as it is free, and says once that it is taken', async () => {
    const { port, release } = await occupy()
    const { monitoring, lines } = open(() => Promise.resolve(measures))
    await monitoring.apply({ metricsPort: port })
    expect(monitoring.port).toBeUndefined()
    await release()
    await eventually(() => expect(monitoring.port).toBe(port))
    expect(lines.filter((it) => it.level === 50)).toHaveLength(1)
  })

  test('moves with its setting, and ends with it', async () => {
    const { monitoring } = open(() => Promise.resolve(measures))
    await monitoring.apply({ metricsPort: ANY_PORT })
    const { port: first } = monitoring
    await monitoring.apply({ metricsPort: undefined })
    expect(monitoring.port).toBeUndefined()
    await expect(fetch(`http://127.0.0.1:${first}/healthz`)).rejects.toThrow('fetch failed')
  })

  test('is ended though somebody holds a connection and says nothing', async () => {
    const { monitoring } = open(() => Promise.resolve(measures))
    await monitoring.apply({ metricsPort: ANY_PORT })
    const silent = connect(Number(monitoring.port), '127.0.0.1')
    silent.on('error', () => undefined)
    await once(silent, 'connect')
    const gone = once(silent, 'close')
    await monitoring.close()
    await gone
    expect(monitoring.port).toBeUndefined()
  })
})

test('a daemon serves its own numbers', async () => {
  const metricsPort = await freePort()
  const dataDir = await temporaryDirectory()
  await startDaemonHere({ ...configOf(dataDir, await privateNetwork()), metricsPort })
  const health = await fetch(`http://127.0.0.1:${metricsPort}/healthz`)
  expect(await health.json()).toEqual({ status: 'ok' })
  const metrics = parse(await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text())
  const valueOf = (name: string) => metrics.find((it) => it.name === name)?.metrics[0]?.value
  expect(valueOf('hyperletter_online')).toBe('1')
  expect(Number(valueOf('hyperletter_data_bytes'))).toBeGreaterThan(1_000)
})

test('a daemon whose metrics port is taken runs all the same', async () => {
  const { port } = await occupy()
  const dataDir = await temporaryDirectory()
  const config = { ...configOf(dataDir, await privateNetwork()), metricsPort: port }
  const daemon = await startDaemonHere(config)
  expect(daemon.pid).toBe(process.pid)
  daemon.abort()
  await daemon.ended
})
