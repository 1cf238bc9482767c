import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { remoteOperations } from '../../src/api/socket/client.ts'
import { startDaemonHere } from '../helpers/daemons.ts'
import { configOf } from '../helpers/engines.ts'
import { all } from '../helpers/operations.ts'
import { openAuthor, publish } from '../helpers/peers.ts'
import { eventually } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

/** Appends what it was told to the file that its argument names. */
const KEEP = `require("fs").appendFileSync(process.argv[1], process.env.HYPERLETTER_NUMBER + "\\n")`

async function receiver(): Promise<{ address: string; numbers: number[] }> {
  const numbers: number[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const { issue } = JSON.parse(await text(request)) as { issue: { number: number } }
      numbers.push(issue.number)
      response.end()
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, numbers }
}

test('a daemon tells of what arrives, not of what was there, and of the rest after a restart', async () => {
  const network = await privateNetwork()
  const author = await openAuthor(network, { issues: 3 })
  const folder = await temporaryDirectory()
  const kept = join(folder, 'kept')
  await writeFile(kept, '')
  const { address, numbers } = await receiver()
  const config = {
    ...configOf(join(folder, 'data'), network),
    onIssue: `"${process.execPath}" --eval '${KEEP}' -- "${kept}"`,
    webhook: address,
  }
  const told = async () => [numbers, (await readFile(kept, 'utf8')).trim().split('\n').map(Number)]

  const daemon = await startDaemonHere(config)
  const link = { link: author.link, timeoutSeconds: 15 }
  await all(remoteOperations(config.socketPath).subscribe(link))
  daemon.abort()
  await daemon.ended
  await publish(author.operations, '# While it was off\n')
  const again = await startDaemonHere(config)
  await eventually(async () => expect(await told()).toEqual([[4], [4]]))
  await publish(author.operations, '# While it is on\n')

  await eventually(async () =>
    expect(await told()).toEqual([
      [4, 5],
      [4, 5],
    ]),
  )
  again.abort()
  await again.ended
})
