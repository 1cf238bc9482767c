import { strict as assert } from 'node:assert'
import { bindOperations } from '../../src/api/operations.ts'
import { configOf } from '../../src/config/config.ts'
import { Gateway } from '../../src/daemon/gateway/gateway.ts'
import { Engine } from '../../src/engine/engine.ts'
import { createLogger } from '../../src/logger.ts'
import { answerTo } from './request-targets.ts'
import { bytesOf, directory, mutated, textOf, type Target } from './target.ts'

let serving: Promise<{ readonly origin: string; readonly feedKey: string }> | undefined
let asked = 0

async function serve() {
  const logger = createLogger('silent')
  const dataDir = directory()
  const set = { gateway: { host: '127.0.0.1', port: 0 }, gatewayProxies: ['127.0.0.1'] }
  const config = configOf({
    dataDir,
    bootstrap: [],
    localDiscovery: false,
    logLevel: 'silent',
    ...set,
  })
  const engine = await Engine.open({ config, logger, online: false })
  const operations = bindOperations(engine, 'engine')
  const { feedKey } = await operations.createNewsletter({ title: 'Tide Tables' })
  const draft = { markdown: '---\ntitle: Spring tides\n---\nHigh water at *noon*.\n' }
  for await (const _ of operations.publishIssue({ newsletter: feedKey, draft }));
  const gateway = new Gateway({ engine: () => Promise.resolve(engine), logger })
  await gateway.apply(config)
  assert(gateway.port !== undefined, gateway.facts()?.problem ?? 'Run `npm run build` first.')
  return { origin: `http://127.0.0.1:${gateway.port}`, feedKey }
}

// Of another address each time: what one may ask is limited.
const HEAD = ' HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: {ADDRESS}\r\n'
const END = 'Connection: close\r\n\r\n'
const PATHS = [
  '/',
  '/sw.js',
  '/robots.txt',
  '/{KEY}',
  '/{KEY}/',
  '/{KEY}/issues/1/',
  '/{KEY}/atom.xml',
]
  .concat([
    '/{KEY}/hyperletter.json',
    '/{KEY}/log/head',
    '/{KEY}/log/tree/0',
    '/{KEY}/log/records/0-3',
  ])
  .concat(['/{KEY}/log/blocks/0-3', '/peer', `/${'l'.repeat(52)}/log/head`])
const RANGE = 'Range: bytes=10-99\r\nIf-Range: "a"\r\nIf-None-Match: "a", W/"b"\r\n'
const SOCKET =
  'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: hyperletter.1\r\nConnection: Upgrade\r\n\r\n'
const SAMPLES = PATHS.map((path) => `GET ${path}${HEAD}${END}`).concat([
  `GET /{KEY}/log/blocks/0-3${HEAD}${RANGE}${END}`,
  `GET /peer${HEAD}${SOCKET}\x82\x03abc`,
  `GET /{KEY}/log/head${HEAD}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n`,
  `POST /{KEY}/log/head${HEAD}Content-Length: 3\r\n${END}abc`,
])
const WORDS = [
  '%00',
  '%',
  '%2e%2e/',
  '..',
  '//',
  '?',
  '#',
  '{KEY}',
  '/log/',
  '-',
  'bytes=',
  'bytes=-',
  ',',
]
  .concat([
    '99999999999999999999',
    '1-',
    'W/"',
    '*',
    'HEAD ',
    'OPTIONS ',
    'CONNECT ',
    'HTTP/1.0',
    'HTTP/2.0',
  ])
  .concat([
    'Upgrade: h2c\r\n',
    'Connection: Upgrade\r\n',
    'Origin: null\r\n',
    'Expect: 100-continue\r\n',
  ])
  .concat([
    'Transfer-Encoding: chunked\r\n',
    'X-Forwarded-For: ::1, a\r\n',
    '__proto__',
    'constructor',
  ])

/** What anybody may send to a gateway: it gets an answer, or an end, and never a fault of ours. */
export const GATEWAY_TARGET: Target = {
  name: 'gateway',
  inputs: mutated(SAMPLES.map(bytesOf), WORDS),
  async check(input) {
    const { origin, feedKey } = await (serving ??= serve())
    asked++
    const address = `203.0.${(asked >> 8) & 255}.${asked & 255}`
    const text = textOf(input).replaceAll('{KEY}', feedKey).replaceAll('{ADDRESS}', address)
    const answer = await answerTo(origin, Buffer.from(text))
    assert.match(answer, /^$|^HTTP\/1\.1 \d{3} /)
    assert.doesNotMatch(answer, /^HTTP\/1\.1 500 |node_modules|\.ts:\d/)
  },
}
