import { BlockList, isIPv4 } from 'node:net'

/** Networks that are nobody's on the Internet (IANA special-purpose registries), or lead into one of those. */
const PRIVATE = new BlockList()
for (const network of `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
  192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
  ::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 fc00::/7 fe80::/10
  fec0::/10 ff00::/8`.split(/\s+/)) {
  const [address = '', bits] = network.split('/')
  PRIVATE.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6')
}

/** Whether an IP address belongs to this machine, its network, or no network of the Internet. */
export function isPrivate(address: string): boolean {
  // BlockList sees through IPv4-mapped addresses.
  return PRIVATE.check(address.replace(/%.*$/, ''), isIPv4(address) ? 'ipv4' : 'ipv6')
}
