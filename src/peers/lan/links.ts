import { BlockList } from 'node:net'
import { networkInterfaces } from 'node:os'

/** A network that this device has an address in. */
export interface NetworkInterface {
  readonly address: string
  /** Address and length of the prefix, as in 192.168.1.7/24. */
  readonly cidr: string
}

/** More are rather bridges of containers than rooms with people. */
const MAX_LINKS = 16

/**
 * The networks of this device where others may be, IPv4 only, as the DHT is.
 * @param host the address that is bound to; any when absent.
 */
export function localInterfaces(host?: string): readonly NetworkInterface[] {
  const isAny = host === undefined || host === '0.0.0.0'
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .flatMap(({ family, internal, address, cidr }) =>
      family === 'IPv4' && !internal && cidr !== null && (isAny || address === host)
        ? [{ address, cidr }]
        : [],
    )
    .slice(0, MAX_LINKS)
}

/** Whether an address is in one of these networks: nothing from farther away counts (RFC 6762, section 11). */
export function isOnInterface(address: string, links: readonly NetworkInterface[]): boolean {
  const near = new BlockList()
  for (const { cidr } of links) {
    const [net = '', prefix] = cidr.split('/')
    near.addSubnet(net, Number(prefix), 'ipv4')
  }
  return near.check(address, 'ipv4')
}
