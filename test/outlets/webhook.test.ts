import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test } from 'vitest'
import { OutletDispatcher } from '../../src/outlets/dispatcher.ts'
import { signature, webhookOutlet, type WebhookOutletOptions } from '../../src/outlets/webhook.ts'
import { arrived, corrected, keptLog, outcome, unpublished } from '../helpers/arrivals.ts'
import { eventually } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

interface Posted {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

type Answer = (response: ServerResponse, posted: Posted) => void

const take: Answer = (response) => void response.writeHead(204).end()
const refuse: Answer = (response) => void response.writeHead(500).end('x'.repeat(100_000))
const hang: Answer = () => undefined

/** A receiver on this machine, which answers as `answers` say, one after the other, the last one always. */
async function receiver(...answers: [Answer, ...Answer[]]) {
  const posted: Posted[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const body = await text(request).catch(() => undefined)
      // Given up before it was here.
      if (body === undefined) return
      const one = { headers: request.headers, body }
      posted.push(one)
      const answer = answers.length > 1 ? answers.shift() : answers[0]
      answer?.(response, one)
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { posted, address: `http://127.0.0.1:${port}/hook` }
}

async function open(options: Partial<WebhookOutletOptions> & { address: string }) {
  const { logger, lines } = keptLog()
  const queueFile = join(await temporaryDirectory(), 'queue.json')
  const webhook = webhookOutlet({ secret: undefined, queueFile, retryPausesMs: [20], ...options })
  const outlet = await OutletDispatcher.open(webhook, logger)
  onTestFinished(() => outlet.close())
  return { outlet, lines, queueFile: options.queueFile ?? queueFile }
}

const numberOf = ({ body }: Posted) =>
  (JSON.parse(body) as { issue: { number: number } }).issue.number

describe('a webhook', () => {
  test('gets each issue as JSON, signed with the secret', async () => {
    const { posted, address } = await receiver(take)
    const { outlet, lines } = await open({ address, secret: 'hush' })
    const issue = arrived()

    outlet.add(issue)

    await eventually(() => expect(posted).toHaveLength(1))
    const { headers, body } = posted[0] as Posted
    expect(JSON.parse(body)).toEqual({ event: 'issue', issue })
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'hyperletter-event': 'issue',
      'hyperletter-delivery': `${issue.feedKey}/7`,
    })
    const { t, sha256 } = Object.fromEntries(
      String(headers['hyperletter-signature'])
        .split(',')
        .map((it) => it.split('=')),
    ) as { t: string; sha256: string }
    expect(sha256).toBe(createHmac('sha256', 'hush').update(`${t}.${body}`).digest('hex'))
    expect(Math.abs(Number(t) - Date.now() / 1_000)).toBeLessThan(60)
    expect(lines).toEqual([])
  })

  test('is asked again until it takes the issue, and logged once', async () => {
    const { posted, address } = await receiver(refuse, refuse, refuse, take)
    const { outlet, lines } = await open({ address })
    outlet.add(arrived())
    await eventually(() => expect(posted).toHaveLength(4))
    await eventually(() => expect(lines.map((it) => it.level)).toEqual([40, 30]))
  })

  test('that refuses one issue gets the others', async () => {
    const picky: Answer = (response, one) =>
      numberOf(one) === 1 ? refuse(response, one) : take(response, one)
    const { posted, address } = await receiver(picky)
    const { outlet } = await open({ address })
    for (const number of [1, 2, 3]) outlet.add(arrived({ number }))
    await eventually(() => expect(new Set(posted.map(numberOf))).toEqual(new Set([1, 2, 3])))
    await eventually(() =>
      expect(posted.filter((it) => numberOf(it) === 1).length).toBeGreaterThan(2),
    )
    expect(posted.filter((it) => numberOf(it) !== 1)).toHaveLength(2)
  })

  test('that hangs is given up after a time, and asked again', async () => {
    const { posted, address } = await receiver(hang, take)
    const { outlet, lines } = await open({ address, timeoutMs: 1_000 })
    outlet.add(arrived())
    await eventually(() => expect(lines.map((it) => it.level)).toEqual([40, 30]))
    expect(posted.length).toBeGreaterThan(1)
  })

  test('that leads elsewhere is not followed', async () => {
    const other = await receiver(take)
    const away: Answer = (response) =>
      void response.writeHead(307, { location: other.address }).end()
    const { posted, address } = await receiver(away, away, take)
    const { outlet } = await open({ address })
    outlet.add(arrived())
    await eventually(() => expect(posted).toHaveLength(3))
    expect(other.posted).toEqual([])
  })

  test('gets after a restart what it did not take before', async () => {
    const { address: dead } = await receiver(hang)
    const { outlet, queueFile } = await open({ address: dead })
    outlet.add(arrived({ number: 1 }))
    outlet.add(arrived({ number: 2 }))
    await outlet.close()
    expect((await stat(queueFile)).mode & 0o077).toBe(0)

    const { posted, address } = await receiver(take)
    const { outlet: next } = await open({ address, queueFile })
    await eventually(() => expect(posted.map(numberOf)).toEqual([1, 2]))
    await eventually(async () => {
      await expect(stat(queueFile)).rejects.toMatchObject({ code: 'ENOENT' })
    })
    await next.close()
  })

  test('works with a queue file that is damaged, and says so', async () => {
    const { posted, address } = await receiver(take)
    const queueFile = join(await temporaryDirectory(), 'queue.json')
    await writeFile(queueFile, '{"deliveries":[{"issue":{}}]}')
    const { outlet, lines } = await open({ address, queueFile })
    outlet.add(arrived())
    await eventually(() => expect(posted).toHaveLength(1))
    expect(lines).toHaveLength(1)
  })

  test('keeps at most a thousand issues, the newest', async () => {
    const { address } = await receiver(hang)
    const { outlet, queueFile, lines } = await open({ address })
    for (let number = 1; number <= 1_100; number++) outlet.add(arrived({ number }))
    await outlet.close()
    const { deliveries } = JSON.parse(await readFile(queueFile, 'utf8')) as {
      deliveries: { issue: { number: number } }[]
    }
    expect(deliveries).toHaveLength(1_000)
    expect(deliveries.at(-1)?.issue.number).toBe(1_100)
    expect(lines).toHaveLength(1)
  })
})

test('what became of a draft is posted with its draft, also after a restart', async () => {
  const { address: dead } = await receiver(hang)
  const { outlet, queueFile } = await open({ address: dead })
  outlet.add(outcome())
  outlet.add(unpublished('Its text is issue 3 already.'))
  await outlet.close()
  const { posted, address } = await receiver(take)
  await open({ address, queueFile })
  await eventually(() => expect(posted).toHaveLength(2))
  expect(posted.map((it) => it.headers['hyperletter-delivery'])).toEqual([
    'a1/7',
    'a1/INVALID_INPUT',
  ])
  expect(posted.map((it) => JSON.parse(it.body) as unknown)).toEqual([
    { event: 'published', draft: outcome() },
    { event: 'not-published', draft: unpublished('Its text is issue 3 already.') },
  ])
})

test('a signature says when it was made', () => {
  expect(signature('hush', '{}', 1_700_000_000_999)).toBe(
    't=1700000000,sha256=' + createHmac('sha256', 'hush').update('1700000000.{}').digest('hex'),
  )
})

test('a correction is posted as one, and once for each', async () => {
  const { posted, address } = await receiver(take)
  const { outlet } = await open({ address })
  outlet.add(corrected({ note: 'The time.' }))
  outlet.add(corrected({ retractedAt: '2026-03-02T00:00:00Z' }))
  await eventually(() => expect(posted).toHaveLength(2))
  const issue = arrived()
  expect(
    posted.map(({ headers }) => [headers['hyperletter-event'], headers['hyperletter-delivery']]),
  ).toEqual([
    ['corrected', `${issue.feedKey}/7/12`],
    ['corrected', `${issue.feedKey}/7/retracted`],
  ])
  expect(JSON.parse(posted[0]?.body ?? '')).toMatchObject({
    event: 'corrected',
    issue: { note: 'The time.' },
  })
})
