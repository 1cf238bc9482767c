import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { isOnInterface, localInterfaces } from '../../../src/peers/lan/multicast.ts'

const interfaces = [
  { address: '192.168.7.20', cidr: '192.168.7.20/24' },
  { address: '169.254.1.2', cidr: '169.254.1.2/16' },
]

test.each([
  ['192.168.7.1', true],
  ['169.254.200.200', true],
  ['192.168.8.1', false],
  ['8.8.8.8', false],
  ['127.0.0.1', false],
  ['not an address', false],
])('%s is near: %s', (address, isNear) => {
  expect(isOnInterface(address, interfaces)).toBe(isNear)
})

test('who is bound to one address has only the network of that one', () => {
  const all = localInterfaces()
  const addresses = Object.values(networkInterfaces()).flatMap((it) => it ?? [])
  expect(all.every(({ address }) => addresses.some((it) => it.address === address))).toBe(true)
  expect(localInterfaces('0.0.0.0')).toEqual(all)
  for (const link of all) expect(localInterfaces(link.address)).toContainEqual(link)
  expect(localInterfaces('127.0.0.1')).toEqual([])
})
