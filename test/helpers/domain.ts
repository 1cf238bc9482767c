import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decode, encode } from 'dns-packet'
import { onTestFinished } from 'vitest'
import type { DomainSources } from '../../src/engine/domain-names.ts'
import { getFromWeb } from '../../src/sources/web.ts'

/** The web server and the DNS server of every domain, on this machine. */
export interface TestDomain {
  readonly sources: DomainSources
  /** What its web server was asked: the host that was meant, and the path. */
  readonly asked: string[]
  /** Text records by name; DNS says that there is no name that is not here, and nothing where it is `undefined`. */
  readonly records: Record<string, string[] | undefined>
  readonly origin: string
}

/** @param answer of the web server. */
export async function testDomain(answer: RequestListener): Promise<TestDomain> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const records: TestDomain['records'] = {}
  const dns = createSocket('udp4')
  dns.on('message', (message, from) => {
    const { id, questions = [] } = decode(message)
    const name = questions[0]?.name ?? ''
    if (Object.hasOwn(records, name) && records[name] === undefined) return
    const texts = records[name]
    const answers = (texts ?? []).map((data) => ({ type: 'TXT' as const, name, data }))
    // 3 is NXDOMAIN (RFC 1035).
    const flags = texts === undefined ? 3 : 0
    const reply = encode({ id: id ?? 0, type: 'response', flags, questions, answers })
    dns.send(reply, from.port, from.address)
  })
  dns.bind(0, '127.0.0.1')
  await once(dns, 'listening')
  onTestFinished(() => {
    dns.close()
    server.closeAllConnections()
    server.close()
  })
  const asked: string[] = []
  const sources: DomainSources = {
    async textRecords(name, signal) {
      const resolver = new Resolver({ timeout: 5_000, tries: 1 })
      resolver.setServers([`127.0.0.1:${dns.address().port}`])
      signal.addEventListener('abort', () => resolver.cancel())
      return resolver.resolveTxt(name)
    },
    web: (address, options) => {
      const { host, pathname } = new URL(address)
      asked.push(host + pathname)
      // The same rules, for a server without a certificate.
      return getFromWeb(`http://${origin}${pathname}`, {
        ...options,
        httpsOnly: false,
        allowPrivateAddresses: true,
        redirectHosts: [origin],
      })
    },
  }
  return { sources, asked, records, origin }
}
