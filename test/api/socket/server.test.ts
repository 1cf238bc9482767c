import { once } from 'node:events'
import { rename, stat, writeFile } from 'node:fs/promises'
import { createServer, connect as connectSocket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { dial, requestStop } from '../../../src/api/socket/client.ts'
import { MAX_INPUT_BYTES, VERSION_HEADER } from '../../../src/api/socket/protocol.ts'
import { HyperletterError } from '../../../src/errors.ts'
import type { CallOptions, Operations } from '../../../src/api/contract/contract.ts'
import { answer, fakeOperations, streamOf } from '../../helpers/cli.ts'
import { all, expectFailure, failureOf } from '../../helpers/operations.ts'
import { ask, serve, someDaemon } from '../../helpers/servers.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const NEWSLETTER = { newsletter: 'Tide tables' }
const ATTACHMENT = { ...NEWSLETTER, number: 1, name: 'tide.png' }
const PROGRESS = { event: 'progress', heldBlocks: 1, length: 2, peers: 0 } as const

/** Operations that start and then only wait, and what became of them. */
function waiting() {
  const started = signalled()
  const aborted = signalled()
  const wait = async (signal: AbortSignal | undefined): Promise<never> => {
    started.resolve()
    await new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }))
    aborted.resolve()
    throw new HyperletterError('ABORTED', 'Interrupted.')
  }
  const operations: Partial<Operations> = {
    status: (_, { signal }: CallOptions = {}) => wait(signal),
    async *followSync(_, { signal }: CallOptions = {}) {
      yield PROGRESS
      await wait(signal)
    },
    async *readAttachment(_, { signal }: CallOptions = {}) {
      yield new Uint8Array(10)
      await wait(signal)
    },
  }
  return { operations: fakeOperations(operations), started, aborted: aborted.promise }
}

function signalled() {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve: () => resolve() }
}

describe('a request', () => {
  it('hands over the input and gives back the result', async () => {
    const inputs: unknown[] = []
    const { remote } = await serve(
      fakeOperations({
        unseed: (input) => {
          inputs.push(input)
          return Promise.resolve({ feedKey: 'y'.repeat(52) })
        },
      }),
    )
    expect(await remote.unseed(NEWSLETTER)).toStrictEqual({ feedKey: 'y'.repeat(52) })
    expect(inputs).toStrictEqual([NEWSLETTER])
  })

  it('carries the code, words and hint of a failure, and never a stack', async () => {
    const failure = new HyperletterError('FEED_BEHIND', 'Older than it was.', {
      hint: 'Wait.',
      cause: new Error('inner'),
    })
    const operations = fakeOperations({
      listInbox: () => Promise.reject(failure),
      listNewsletters: () => Promise.reject(new TypeError('odd')),
    })
    const { socketPath, remote } = await serve(operations)
    expect(await failureOf(remote.listInbox({}))).toMatchObject(failure.toJSON())
    const raw = await ask(socketPath, { path: '/operations/listInbox', body: '{}' })
    expect(raw).toStrictEqual({ status: 409, json: { error: failure.toJSON() } })
    const odd = await ask(socketPath, { path: '/operations/listNewsletters', body: '{}' })
    expect(odd.json).toStrictEqual({
      error: { code: 'INTERNAL', message: 'odd', hint: expect.any(String) as string },
    })
  })

  it('aborts its work when it is dropped before the answer', async () => {
    const { operations, started, aborted } = waiting()
    const { remote } = await serve(operations)
    const abort = new AbortController()
    const result = remote.status({}, { signal: abort.signal })
    await started.promise
    abort.abort()
    await expectFailure('ABORTED', result)
    await aborted
  })

  it('aborts its work when it is dropped in the middle of events', async () => {
    const { operations, started, aborted } = waiting()
    const { remote } = await serve(operations)
    const abort = new AbortController()
    const events: unknown[] = []
    const follow = async () => {
      for await (const it of remote.followSync(NEWSLETTER, { signal: abort.signal })) {
        events.push(it)
      }
    }
    const following = follow()
    following.catch(() => undefined)
    await started.promise
    abort.abort()
    await expectFailure('ABORTED', following)
    await aborted
  })

  it.each(['followSync', 'readAttachment'] as const)(
    'aborts the work of %s when its caller breaks out of the loop',
    async (name) => {
      const { operations, started, aborted } = waiting()
      const { remote } = await serve(operations)
      const results: AsyncIterable<unknown> =
        name === 'followSync' ? remote.followSync(NEWSLETTER) : remote.readAttachment(ATTACHMENT)
      let seen = 0
      for await (const _ of results) {
        seen++
        await started.promise
        break
      }
      expect(seen).toBe(1)
      await aborted
    },
  )

  it('aborts the work of a caller who vanishes without a word', async () => {
    const { operations, started, aborted } = waiting()
    const { socketPath, server } = await serve(operations)
    const raw = connectSocket(socketPath)
    const head = [
      'POST /operations/status HTTP/1.1',
      'host: x',
      `${VERSION_HEADER}: 1`,
      'content-length: 2',
    ]
    raw.write(`${head.join('\r\n')}\r\n\r\n{}`)
    await started.promise
    raw.destroy()
    await aborted
    await server.close()
    expect(raw.destroyed).toBe(true)
  })
})

describe('a result in parts', () => {
  it('arrives while the work goes on', async () => {
    const { operations } = waiting()
    const { remote } = await serve(operations)
    const events = remote.followSync(NEWSLETTER)[Symbol.asyncIterator]()
    expect((await events.next()).value).toStrictEqual(PROGRESS)
    await events.return?.()
  })

  it('may be empty', async () => {
    const { remote } = await serve(
      fakeOperations({ followSync: streamOf([]), readAttachment: streamOf([]) }),
    )
    expect(await all(remote.followSync(NEWSLETTER))).toStrictEqual([])
    expect(await all(remote.readAttachment(ATTACHMENT))).toStrictEqual([])
  })

  it('fails with its code before the first event', async () => {
    const failure = new HyperletterError('NOT_AVAILABLE', 'Nobody.')
    const { remote } = await serve(fakeOperations({ followSync: streamOf([], failure) }))
    expect(await failureOf(remote.followSync(NEWSLETTER))).toMatchObject(failure.toJSON())
  })

  it('fails with its code, words and hint after the first event', async () => {
    const failure = new HyperletterError('TIMEOUT', 'Zu spät – 遅い.', { hint: 'Später – 後で.' })
    const { remote } = await serve(fakeOperations({ followSync: streamOf([PROGRESS], failure) }))
    const seen: unknown[] = []
    const follow = async () => {
      for await (const it of remote.followSync(NEWSLETTER)) seen.push(it)
    }
    expect(await failureOf(follow())).toMatchObject(failure.toJSON())
    expect(seen).toStrictEqual([PROGRESS])
  })

  it('fails with its code in the middle of bytes', async () => {
    const failure = new HyperletterError('INVALID_RECORD', 'Shorter than it says.')
    const parts = [new Uint8Array(70_000).fill(1), new Uint8Array(70_000).fill(2)]
    const { remote } = await serve(fakeOperations({ readAttachment: streamOf(parts, failure) }))
    let sizeBytes = 0
    const read = async () => {
      for await (const part of remote.readAttachment(ATTACHMENT)) sizeBytes += part.byteLength
    }
    expect(await failureOf(read())).toMatchObject(failure.toJSON())
    expect(sizeBytes).toBe(140_000)
  })

  it('fails with its code however long the words', async () => {
    const failure = new HyperletterError('DISK_FULL', '満'.repeat(100_000))
    const { remote } = await serve(fakeOperations({ followSync: streamOf([PROGRESS], failure) }))
    expect(await failureOf(remote.followSync(NEWSLETTER))).toMatchObject({ code: 'DISK_FULL' })
  })

  it('keeps every character of an event', async () => {
    const warning = { message: 'a\nb\r\nc\u2028d\u2029e\u0085f\u0000 🌊 \u001b[31m' }
    const event = { event: 'warning', file: 'a.md', warning } as const
    const { remote } = await serve(fakeOperations({ importFolder: streamOf([event, event]) }))
    expect(await all(remote.importFolder({ folder: '/drafts' }))).toStrictEqual([event, event])
  })

  it('may be huge', async () => {
    const events = Array.from({ length: 20_000 }, (_, i) => ({ ...PROGRESS, heldBlocks: i }))
    const large = { ...PROGRESS, peers: 7, more: '満'.repeat(500_000) }
    const inbox = Array.from({ length: 30_000 }, (_, i) => ({ number: i, title: 'x'.repeat(300) }))
    const { remote } = await serve(
      fakeOperations({
        followSync: streamOf([...events, large]),
        listInbox: answer(inbox) as unknown as Operations['listInbox'],
      }),
    )
    expect(await all(remote.followSync(NEWSLETTER))).toStrictEqual([...events, large])
    expect(await remote.listInbox({})).toStrictEqual(inbox)
  })

  it('is made no faster than it is read, and warns of nothing', async () => {
    const warnings: Error[] = []
    const onWarning = (it: Error) => warnings.push(it)
    process.on('warning', onWarning)
    onTestFinished(() => void process.off('warning', onWarning))
    const part = new Uint8Array(256 * 1_024)
    const count = 200
    let made = 0
    const { remote } = await serve(
      fakeOperations({
        async *readAttachment() {
          for (; made < count; made++) yield await Promise.resolve(part)
        },
      }),
    )
    let sizeBytes = 0
    let furthestAheadBytes = 0
    for await (const it of remote.readAttachment(ATTACHMENT)) {
      sizeBytes += it.byteLength
      furthestAheadBytes = Math.max(furthestAheadBytes, made * part.byteLength - sizeBytes)
    }
    expect(sizeBytes).toBe(count * part.byteLength)
    expect(furthestAheadBytes).toBeLessThan(8 * 1_024 * 1_024)
    expect(warnings).toStrictEqual([])
  })
})

describe('what is no request of ours', () => {
  const echo = fakeOperations({ listInbox: answer([]) })
  const path = '/operations/listInbox'

  it.each([undefined, '0', '2', '1.0', 'x'])(
    'is refused with PROTOCOL_MISMATCH for version %s',
    async (version) => {
      const { socketPath } = await serve(echo)
      const { json } = await ask(socketPath, { path, body: '{}', version })
      expect(json).toMatchObject({ error: { code: 'PROTOCOL_MISMATCH' } })
    },
  )

  it('is refused with PROTOCOL_MISMATCH also when it is large', async () => {
    const { socketPath } = await serve(echo)
    const body = 'x'.repeat(4_000_000)
    const { json } = await ask(socketPath, { path, body, version: '2' })
    expect(json).toMatchObject({ error: { code: 'PROTOCOL_MISMATCH' } })
  })

  it.each([
    ['POST', '/operations/formatDisk'],
    ['POST', '/operations/constructor'],
    ['POST', '/operations/__proto__'],
    ['POST', '/operations/'],
    ['POST', '/operations/listInbox/'],
    ['POST', '/operations/listInbox?x=1'],
    ['POST', '/operations/../operations/listInbox'],
    ['POST', '/'],
    ['POST', '/daemon'],
    ['GET', '/operations/listInbox'],
    ['GET', '/daemon/stop'],
    ['PUT', '/operations/listInbox'],
    ['DELETE', '/daemon'],
  ])('is refused with INVALID_INPUT: %s %s', async (method, wrongPath) => {
    let stops = 0
    const { socketPath, remote } = await serve(echo, { onStop: () => stops++ })
    // A GET or DELETE of Node.js sends its body without saying how long it is.
    const body = method === 'POST' || method === 'PUT' ? { body: '{}' } : {}
    const { status, json } = await ask(socketPath, { method, path: wrongPath, ...body })
    expect(status).toBe(400)
    expect(json).toMatchObject({ error: { code: 'INVALID_INPUT' } })
    expect(await remote.listInbox({})).toStrictEqual([])
    expect(stops).toBe(0)
  })

  it.each(['', '{', '{"a":1}}', 'undefined', '\u0000', '\ufeff{}'])(
    'is refused with INVALID_INPUT for the body %j',
    async (body) => {
      const { socketPath, remote } = await serve(echo)
      const { json } = await ask(socketPath, { path, body })
      expect(json).toMatchObject({ error: { code: 'INVALID_INPUT' } })
      expect(await remote.listInbox({})).toStrictEqual([])
    },
  )

  it('is refused with TOO_LARGE over the limit, and the daemon goes on', async () => {
    const { socketPath, remote } = await serve(echo)
    const body = JSON.stringify({ a: 'x'.repeat(MAX_INPUT_BYTES) })
    const { status, json } = await ask(socketPath, { path, body })
    expect(status).toBe(413)
    expect(json).toMatchObject({ error: { code: 'TOO_LARGE' } })
    const markdown = 'x'.repeat(2 * MAX_INPUT_BYTES)
    await expectFailure('TOO_LARGE', remote.publishIssue({ draft: { markdown } }))
    expect(await remote.listInbox({})).toStrictEqual([])
  })

  it('does not end the daemon when it is not HTTP', async () => {
    const { socketPath, remote } = await serve(echo)
    const raw = connectSocket(socketPath)
    raw.on('error', () => undefined)
    raw.write('\u0000\u0001 not HTTP at all\r\n\r\n')
    await once(raw.resume(), 'close')
    expect(await remote.listInbox({})).toStrictEqual([])
  })
})

describe('the server', () => {
  it('answers hundreds of calls at once', async () => {
    const operations = fakeOperations({
      async *followSync({ newsletter }) {
        for (let peers = 0; peers < 3; peers++) {
          yield await Promise.resolve({ ...PROGRESS, heldBlocks: Number(newsletter), peers })
        }
      },
    })
    const { remote } = await serve(operations)
    const calls = Array.from({ length: 300 }, async (_, i) => {
      const events = await all(remote.followSync({ newsletter: String(i) }))
      return events.length === 3 && events.every((it) => it.heldBlocks === i)
    })
    expect((await Promise.all(calls)).every(Boolean)).toBe(true)
  })

  it('says who it is, and hears that it should stop, whatever the version', async () => {
    const stopped = signalled()
    const { socketPath } = await serve(fakeOperations(), { onStop: stopped.resolve })
    const who = { method: 'GET', path: '/daemon', version: undefined }
    expect((await ask(socketPath, who)).json).toStrictEqual(someDaemon)
    expect(await dial(socketPath)).toStrictEqual(someDaemon)
    const stop = { path: '/daemon/stop', version: '99' }
    expect(await ask(socketPath, stop)).toStrictEqual({ status: 200, json: {} })
    await stopped.promise
  })

  it('answers the request to stop before it stops', async () => {
    const stopped = signalled()
    const { socketPath, server } = await serve(fakeOperations(), {
      onStop: () => {
        server.close().then(stopped.resolve, () => undefined)
      },
    })
    await requestStop(socketPath)
    await stopped.promise
    expect(await dial(socketPath)).toBeUndefined()
  })

  it('aborts what runs when it closes, and tells callers that the daemon went', async () => {
    const { operations, started, aborted } = waiting()
    const { server, remote } = await serve(operations)
    const following = all(remote.followSync(NEWSLETTER))
    following.catch(() => undefined)
    await started.promise
    const before = performance.now()
    await server.close()
    expect(performance.now() - before).toBeLessThan(2_000)
    await aborted
    await expectFailure('DAEMON_NOT_RUNNING', following)
    await expectFailure('DAEMON_NOT_RUNNING', remote.status({}))
  })

  it('closes soon even if work does not hear, a caller does not read, or one says nothing', async () => {
    const started = signalled()
    const { server, socketPath, remote } = await serve(
      fakeOperations({
        status: () => {
          started.resolve()
          return new Promise(() => undefined)
        },
        readAttachment: streamOf(Array.from({ length: 100 }, () => new Uint8Array(1_000_000))),
      }),
    )
    const stuck = remote.status({})
    stuck.catch(() => undefined)
    const reading = remote.readAttachment(ATTACHMENT)[Symbol.asyncIterator]()
    await reading.next()
    const silent = connectSocket(socketPath)
    await Promise.all([once(silent, 'connect'), started.promise])
    silent.on('error', () => undefined)
    const before = performance.now()
    await server.close()
    expect(performance.now() - before).toBeLessThan(4_000)
    await expectFailure('DAEMON_NOT_RUNNING', stuck)
    await reading.return?.()
  })

  it('waits for work that is about to end when it closes', async () => {
    const started = signalled()
    let isOver = false
    const { server, remote } = await serve(
      fakeOperations({
        async *watchIssues(_, { signal }: CallOptions = {}) {
          started.resolve()
          await once(signal as AbortSignal, 'abort')
          await new Promise((resolve) => setImmediate(resolve))
          isOver = true
          yield* []
        },
      }),
    )
    const watching = failureOf(remote.watchIssues({}))
    watching.catch(() => undefined)
    await started.promise
    await server.close()
    expect(isOver).toBe(true)
  })

  it('takes the place of a socket that a crash left', async () => {
    const dir = await temporaryDirectory()
    const socketPath = join(dir, 'daemon.sock')
    const crashed = createServer()
    await once(crashed.listen(join(dir, 'other.sock')), 'listening')
    // Closing removes the file it was bound to, by name; under another name it stays behind.
    await rename(join(dir, 'other.sock'), socketPath)
    await new Promise((resolve) => crashed.close(resolve))
    expect((await stat(socketPath)).isSocket()).toBe(true)
    expect(await dial(socketPath)).toBeUndefined()
    await serve(fakeOperations(), { socketPath })
    expect(await dial(socketPath)).toStrictEqual(someDaemon)
  })

  it('takes the place of a plain file of that name', async () => {
    const socketPath = join(await temporaryDirectory(), 'daemon.sock')
    await writeFile(socketPath, '')
    expect(await dial(socketPath)).toBeUndefined()
    await serve(fakeOperations(), { socketPath })
    expect(await dial(socketPath)).toStrictEqual(someDaemon)
  })

  it('lets nobody but the user of this device in', async () => {
    const dir = join(await temporaryDirectory(), 'new')
    const { socketPath } = await serve(fakeOperations(), { socketPath: join(dir, 'a.sock') })
    expect((await stat(dir)).mode & 0o777).toBe(0o700)
    expect((await stat(socketPath)).mode & 0o777).toBe(0o600)
  })
})
