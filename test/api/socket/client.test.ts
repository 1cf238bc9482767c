import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSocketServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { dial, remoteOperations, requestStop } from '../../../src/api/socket/client.ts'
import { MAX_LINE_BYTES } from '../../../src/api/socket/protocol.ts'
import { contract } from '../../../src/api/contract/contract.ts'
import { all, expectFailure } from '../../helpers/operations.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const NEWSLETTER = { newsletter: 'Tide tables' }
const ATTACHMENT = { ...NEWSLETTER, number: 1, name: 'tide.png' }

/** Something that answers HTTP in place of a daemon. */
async function listen(listener: RequestListener): Promise<string> {
  const socketPath = join(await temporaryDirectory(), 'daemon.sock')
  const server = createServer(listener)
  await once(server.listen(socketPath), 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return socketPath
}

describe('remote operations', () => {
  it('are those of the contract', () => {
    const names = Object.keys(remoteOperations('/nowhere/daemon.sock'))
    expect(names.toSorted()).toStrictEqual(Object.keys(contract).toSorted())
  })

  it('fail with DAEMON_NOT_RUNNING where nobody listens', async () => {
    const socketPath = join(await temporaryDirectory(), 'daemon.sock')
    const remote = remoteOperations(socketPath)
    await expectFailure('DAEMON_NOT_RUNNING', remote.status({}))
    await expectFailure('DAEMON_NOT_RUNNING', remote.watchIssues({}))
    await expectFailure('DAEMON_NOT_RUNNING', remote.readAttachment(ATTACHMENT))
    await expectFailure('DAEMON_NOT_RUNNING', requestStop(socketPath))
  })

  it.each([
    ['before the answer', undefined],
    ['after the head', ''],
    ['in the middle of a line', '{"event":"prog'],
    ['between two lines', '{"event":"progress","heldBlocks":0,"length":0,"peers":0}\n'],
  ])('fail with DAEMON_NOT_RUNNING when the daemon dies %s', async (_, beginning) => {
    const socketPath = await listen((request, response) => {
      if (beginning === undefined) request.socket.destroy()
      else {
        response.writeHead(200)
        response.flushHeaders()
        if (beginning === '') request.socket.destroy()
        else response.write(beginning, () => request.socket.destroy())
      }
    })
    const remote = remoteOperations(socketPath)
    await expectFailure('DAEMON_NOT_RUNNING', remote.status({}))
    await expectFailure('DAEMON_NOT_RUNNING', remote.followSync(NEWSLETTER))
    await expectFailure('DAEMON_NOT_RUNNING', remote.readAttachment(ATTACHMENT))
  })

  it('end with ABORTED in the middle of a value', async () => {
    const abort = new AbortController()
    const socketPath = await listen((_, response) => {
      response.writeHead(200)
      response.write('{"via":', () => abort.abort())
    })
    const { signal } = abort
    await expectFailure('ABORTED', remoteOperations(socketPath).status({}, { signal }))
  })

  it.each([
    ['no JSON', 'Internal server error'],
    ['null', 'null'],
    ['no error', '{}'],
    ['an unknown code', '{"error":{"code":"NEW","message":"x"}}'],
    ['a code that every object has', '{"error":{"code":"constructor","message":"x"}}'],
    ['no words', '{"error":{"code":"TIMEOUT"}}'],
  ])('fail with INTERNAL when a failure says %s', async (_, body) => {
    const socketPath = await listen((_request, response) => response.writeHead(500).end(body))
    await expectFailure('INTERNAL', remoteOperations(socketPath).status({}))
  })

  it('fail with INTERNAL for a line that is no JSON, or has no end', async () => {
    const socketPath = await listen((request, response) => {
      const isFollow = request.url?.endsWith('followSync') === true
      response.end(isFollow ? 'nonsense\n' : 'x'.repeat(MAX_LINE_BYTES + 100_000))
    })
    const remote = remoteOperations(socketPath)
    await expectFailure('INTERNAL', remote.followSync(NEWSLETTER))
    await expectFailure('INTERNAL', remote.watchIssues({}))
  })

  it('put lines together that arrive in pieces', async () => {
    const events = [{ event: 'progress', heldBlocks: 1, note: '満潮 🌊' }, { event: 'progress' }]
    const bytes = Buffer.from(events.map((it) => `${JSON.stringify(it)}\n`).join(''))
    const socketPath = await listen((_, response) => {
      const send = (at: number) => {
        if (at === bytes.byteLength) response.end()
        else response.write(bytes.subarray(at, at + 1), () => setImmediate(send, at + 1))
      }
      send(0)
    })
    const found = await all(remoteOperations(socketPath).followSync(NEWSLETTER))
    expect(found).toStrictEqual(events)
  })
})

describe('dialling', () => {
  it('finds nobody where there is no file, no folder, or a file for a folder', async () => {
    const dir = await temporaryDirectory()
    expect(await dial(join(dir, 'daemon.sock'))).toBeUndefined()
    expect(await dial(join(dir, 'no', 'daemon.sock'))).toBeUndefined()
    expect(await dial(join(import.meta.filename, 'daemon.sock'))).toBeUndefined()
  })

  it('fails with DAEMON_NOT_ANSWERING where somebody listens and says nothing', async () => {
    const socketPath = join(await temporaryDirectory(), 'daemon.sock')
    const silent = createSocketServer()
    await once(silent.listen(socketPath), 'listening')
    onTestFinished(() => void silent.close())
    await expectFailure('DAEMON_NOT_ANSWERING', dial(socketPath))
  })

  it.each(['null', '{}', '[]', '{"protocol":"1"}', '{"protocol":1,"version":"1","pid":0}'])(
    'fails with PROTOCOL_MISMATCH where %s answers',
    async (body) => {
      const socketPath = await listen((_, response) => response.end(body))
      await expectFailure('PROTOCOL_MISMATCH', dial(socketPath))
    },
  )
})
