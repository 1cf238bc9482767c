import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mirrorSource } from '../../src/engine/mirrors/mirror-source.ts'
import { concat } from '../../src/format/bytes.ts'
import { Contents, History, newestEdition } from '../../src/format/index.ts'
import { LogFiles } from '../../src/format/log-files/log-files.ts'
import { nativeCrypto } from '../../src/log/keys.ts'
import { MemorySource, type Files } from '../helpers/log-files.ts'
import { bytesOf, MAX_INPUT_BYTES, mutated, refusing, textOf, type Target } from './target.ts'

const FIXTURES = new URL('../../fixtures/log-files/', import.meta.url)

const LOGS = ['three-blocks', 'two-tiles', 'private'].map((folder) => {
  const files: Files = new Map()
  const at = fileURLToPath(new URL(folder, FIXTURES))
  for (const it of readdirSync(at, { recursive: true, withFileTypes: true })) {
    const path = join(it.parentPath, it.name)
    if (it.isFile()) files.set(relative(at, path), readFileSync(path))
  }
  return { files, paths: [...files.keys()].toSorted() }
})

/** Which log and which of its files an input stands for, in its first two bytes. */
const samples = LOGS.flatMap(({ files, paths }, log) =>
  paths.map((path, file) =>
    concat([Uint8Array.of(log, file), files.get(path) ?? new Uint8Array()]),
  ),
)

const CODES = ['INVALID_LOG', 'NOT_AVAILABLE', 'INVALID_RECORD'] as const
const truths = new Map<number, Promise<ReadonlyMap<number, Uint8Array>>>()

async function blocksOf(files: Files): Promise<Map<number, Uint8Array>> {
  const log = await LogFiles.open(new MemorySource(files), { crypto: nativeCrypto })
  const blocks = new Map<number, Uint8Array>()
  for (let index = 0; index < log.length; index++) {
    const block: Uint8Array | undefined = await refusing(['NOT_AVAILABLE'], () => log.read(index))
    if (block !== undefined) blocks.set(index, block)
  }
  return blocks
}

/** One file of a log is another: what is read is what the author signed, or refused by name. */
const files: Target = {
  name: 'log-files',
  inputs: mutated(samples, ['hyperletter-log', '\u0001']),
  async check(input) {
    const at = (input[0] ?? 0) % LOGS.length
    const { files: sound, paths } = LOGS[at] ?? { files: new Map<string, Uint8Array>(), paths: [] }
    const path = paths[(input[1] ?? 0) % paths.length] ?? ''
    const truth = truths.get(at) ?? blocksOf(sound)
    truths.set(at, truth)
    const altered = new Map(sound).set(path, input.subarray(2))
    for (const hasRanges of [true, false]) {
      const source = new MemorySource(altered, { hasRanges })
      const log = await refusing(CODES, () => LogFiles.open(source, { crypto: nativeCrypto }))
      if (log === undefined) continue
      await refusing(CODES, () => log.fetchRecords())
      const expected = await truth
      for (const index of [0, 1, 2, 3, 4, 254, 255, 256, 265, 266, log.length - 1]) {
        const block: Uint8Array | undefined = await refusing(CODES, (): Promise<Uint8Array> =>
          log.read(index),
        )
        if (block !== undefined) assert.deepEqual(block, expected.get(index))
      }
      const listing = await refusing(CODES, () => new History(log).list())
      const [issue] = listing?.issues ?? []
      if (issue !== undefined)
        await refusing(CODES, () => new Contents(log).body(newestEdition(issue)))
    }
  },
}

const ANSWER =
  'HTTP/1.1 206 Partial Content\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nhead'
const ANSWERS = [
  ANSWER,
  ANSWER.replace(
    'Content-Length: 4\r\n\r\nhead',
    'Transfer-Encoding: chunked\r\n\r\n4\r\nhead\r\n0\r\n\r\n',
  ),
  ANSWER.replace('206 Partial Content', '200 OK'),
  ANSWER.replace('206 Partial Content', '503 Later').replace('Content-Length', 'Retry-After'),
]
const WORDS = ['Content-Length: 99999999999', 'Content-Length: -1', 'Content-Encoding: gzip']
  .concat([
    'Content-Encoding: br',
    'Content-Range: bytes 0-9/4',
    'HTTP/0.9',
    'HTTP/2',
    ' 304 ',
    ' 100 ',
  ])
  .concat([
    'Transfer-Encoding: gzip, chunked',
    'ffffffff\r\n',
    '\r\n',
    '\r\n\r\n',
    'Connection: close',
  ])

/** The server of all inputs: it answers whoever asks with the bytes of now. */
let answer: Uint8Array = new Uint8Array()
let listening: Promise<string> | undefined

async function listen(): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(answer))
  })
  server.listen(0, '127.0.0.1').unref()
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** Bytes that a mirror answers with: part of a file within its bounds, or refused by name. */
const mirror: Target = {
  name: 'mirror',
  inputs: mutated(ANSWERS.map(bytesOf), WORDS),
  async check(input) {
    // To look up the names that it would lead to is not for a test.
    if (/^location:/im.test(textOf(input))) return
    answer = input
    const source = mirrorSource(await (listening ??= listen()), { isTyped: true })
    for (const part of [{}, { from: 0, to: 4 }]) {
      const found = await refusing(['NOT_AVAILABLE', 'INVALID_LOG'], () =>
        source.get('head', { limit: 1_000, ...part }),
      )
      assert((found?.byteLength ?? 0) <= Math.min(1_000, MAX_INPUT_BYTES))
    }
  },
}

export const LOG_FILE_TARGETS: readonly Target[] = [files, mirror]
