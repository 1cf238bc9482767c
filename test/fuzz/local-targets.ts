import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { parseInput } from '../../src/api/contract/contract.ts'
import { OPERATION_KINDS, PROTOCOL_VERSION, type OperationName } from '../../src/api/kinds.ts'
import { dial } from '../../src/api/socket/client.ts'
import { VERSION_HEADER } from '../../src/api/socket/protocol.ts'
import { OperationsServer } from '../../src/api/socket/server.ts'
import { SETTINGS } from '../../src/config/settings.ts'
import { readSettingsFile } from '../../src/config/settings-file.ts'
import { Journal } from '../../src/engine/publish/journal.ts'
import { feedKeyOf } from '../../src/format/keys/feed-key.ts'
import { createLogger } from '../../src/logger.ts'
import { loadState } from '../../src/web/state.ts'
import { fakeOperations } from '../helpers/cli.ts'
import {
  bytesOf,
  directory,
  hostileJson,
  mutated,
  refusing,
  textOf,
  type Target,
} from './target.ts'

const NAMES = Object.keys(OPERATION_KINDS) as OperationName[]
const FIELDS = [
  'newsletter',
  'number',
  'link',
  'title',
  'draft',
  'markdown',
  'file',
  'query',
  'wait',
].concat([
  'timeoutSeconds',
  'force',
  'limit',
  'name',
  'read',
  'starred',
  'keep',
  'folder',
  'opml',
  'signal',
])

/** What an operation takes, as JSON of any shape. */
const inputs: Target = {
  name: 'inputs',
  inputs: hostileJson(FIELDS).map((it) => bytesOf(JSON.stringify(it))),
  async check(bytes) {
    let json: unknown
    try {
      json = JSON.parse(textOf(bytes))
    } catch {
      return
    }
    for (const name of NAMES)
      await refusing(['INVALID_INPUT', 'INVALID_LINK'], () => parseInput(name, json))
  },
}

const REQUEST =
  `POST /operations/status HTTP/1.1\r\nHost: x\r\n${VERSION_HEADER}: ${PROTOCOL_VERSION}\r\n` +
  'Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
const CHUNKED = REQUEST.replace(
  'Content-Length: 2\r\n\r\n{}',
  'Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
)
const WORDS = [
  'Content-Length: 99999999',
  'Content-Length: -1',
  'Expect: 100-continue',
  'Upgrade: h2c',
]
  .concat([
    'Transfer-Encoding: chunked',
    'HTTP/0.9',
    'GET ',
    'PUT ',
    'CONNECT x:1 ',
    '/daemon',
    '../',
    '%00',
  ])
  .concat(['/daemon/reload', '/operations/', '/operations/__proto__', '\r\n', '\r\n\r\n', ...NAMES])

let listening: Promise<string> | undefined

async function listen(): Promise<string> {
  const socketPath = join(directory(), 'daemon.sock')
  await OperationsServer.listen({
    socketPath,
    operations: fakeOperations({ status: () => Promise.reject(new Error('asked')) }),
    info: () => ({ protocol: PROTOCOL_VERSION, version: '1', pid: 1, uptimeSeconds: 1 }),
    openReader: () => Promise.resolve('http://127.0.0.1'),
    onReload: () => Promise.resolve({ applied: [], restart: [] }),
    onStop: () => undefined,
    logger: createLogger('silent'),
  })
  return socketPath
}

/** Bytes that another program of the same user sends to the daemon: each gets an answer, and the daemon goes on. */
const socket: Target = {
  name: 'socket',
  inputs: mutated([REQUEST, CHUNKED].map(bytesOf), WORDS),
  async check(bytes) {
    const socketPath = await (listening ??= listen())
    const client = connect(socketPath)
    let answer = ''
    client.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')))
    client.on('error', () => undefined)
    client.end(bytes)
    await once(client, 'close')
    assert.match(answer, /^$|^HTTP\/1\.1 \d{3} /)
    assert.doesNotMatch(answer, / at .*\.ts:|node_modules/)
    assert.equal((await dial(socketPath))?.pid, 1)
  },
}

const HEAD = JSON.stringify({ start: 7, sizes: [4, 6] })
const files = directory()

/** Files of the data directory, from another version or damaged: read, or taken for none. */
const state: Target = {
  name: 'state',
  inputs: mutated(
    [
      bytesOf(`${HEAD}\nbodyrecord`),
      bytesOf(JSON.stringify({ port: 4_937, secret: 'a'.repeat(64), other: [1] })),
      bytesOf('bootstrap = "a:1"\ndiskCap = "5 GB"\nnotify = true\n'),
    ],
    ['start', 'sizes', 'secret', '1e999', '[[', '= ', '"""', '__proto__', ...Object.keys(SETTINGS)],
  ),
  async check(bytes) {
    const { createHash } = await import('node:crypto')
    const hashed = Buffer.concat([bytes, createHash('sha256').update(bytes).digest()])
    const journal = await Journal.open(files)
    const key = feedKeyOf(new Uint8Array(32))
    writeFileSync(join(files, `${key}.pending`), hashed)
    const [pending] = await journal.pending()
    assert(bytes.byteLength === 0 || (pending?.feedKey === key && pending.start >= 0))
    await journal.drop(key)

    writeFileSync(join(files, 'reader.json'), bytes)
    const { port, secret } = await loadState(files, 4_937)
    assert(port > 0 && /^[0-9a-f]{64}$/.test(secret))

    const path = join(files, 'config.toml')
    writeFileSync(path, bytes)
    await refusing(['INVALID_INPUT'], () => readSettingsFile(path))
    for (const { parse } of Object.values(SETTINGS)) {
      await refusing(['INVALID_INPUT'], () => parse(textOf(bytes).slice(0, 200)))
    }
    rmSync(path)
  },
}

export const LOCAL_TARGETS: readonly Target[] = [inputs, socket, state]
