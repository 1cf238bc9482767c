import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import type { Answer } from 'dns-packet'
import { describe, expect, test } from 'vitest'
import {
  announcementRecords,
  announcementsIn,
  asksForService,
  goodbyeRecords,
  goodbyesIn,
  MAX_ENTRIES,
  SERVICE,
  sharedTopics,
  type DnsPacket,
  type DnsRecords,
} from '../../../src/peers/lan/announcement.ts'

const topics = (count: number) => Array.from({ length: count }, () => randomBytes(32))

const announced = (options: {
  topics: readonly Uint8Array[]
  publicKey: Buffer
  salt?: Buffer
  tcpPort?: number
}) =>
  announcementRecords({
    name: 'someone',
    address: '10.0.0.1',
    port: 49_737,
    tcpPort: undefined,
    salt: randomBytes(16),
    ...options,
  })

const announcementIn = (it: DnsPacket) => announcementsIn(it)[0]

const packet = ({ answers, additionals = [] }: DnsRecords): DnsPacket => ({
  questions: [],
  answers,
  additionals,
})

const txtOf = ({ additionals = [] }: DnsRecords): readonly Buffer[] =>
  additionals.flatMap((it) => (it.type === 'TXT' ? (it.data as Buffer[]) : []))

const withTxt = (records: DnsRecords, data: readonly Buffer[]): DnsPacket =>
  packet({
    answers: records.answers,
    additionals: (records.additionals ?? []).map((it) =>
      it.type === 'TXT' ? { ...it, data: [...data] } : it,
    ),
  })

describe('an announcement', () => {
  test('shows its public key and port to who has one of its newsletters, of those only', () => {
    const publicKey = randomBytes(32)
    const [shared, other, ...rest] = topics(MAX_ENTRIES) as [Buffer, Buffer, ...Buffer[]]
    const found = announcementIn(packet(announced({ topics: [shared, ...rest], publicKey })))

    expect(found?.port).toBe(49_737)
    expect(found && [...sharedTopics(found, [other, shared])]).toEqual([
      { topic: shared, publicKey, tcpPort: undefined },
    ])
  })

  test('tells its TCP port as well, hidden like its key', () => {
    const publicKey = randomBytes(32)
    const [shared, ...rest] = topics(MAX_ENTRIES) as [Buffer, ...Buffer[]]
    const options = { topics: [...rest, shared], publicKey, tcpPort: 41_234 }
    const found = announcementIn(packet(announced(options)))
    expect(found && [...sharedTopics(found, [shared])]).toEqual([
      { topic: shared, publicKey, tcpPort: 41_234 },
    ])
    const all = txtOf(announced({ ...options, topics: [shared] }))
    const ports = all.filter((it) => it.toString('latin1').startsWith('p='))
    expect(ports.map((it) => it.byteLength)).toEqual([4])
    const said = Array.from({ length: 3 }, () => txtOf(announced(options)).at(-1)?.toString('hex'))
    expect(new Set(said).size).toBe(3)
  })

  test.each([1, 3, 500])('with TCP ports of %d bytes for two newsletters has none', (bytes) => {
    const [shared, other] = topics(2) as [Buffer, Buffer]
    const records = announced({ topics: [shared, other], publicKey: randomBytes(32) })
    const ports = Buffer.concat([Buffer.from('p='), randomBytes(bytes)])
    const found = announcementIn(withTxt(records, [...txtOf(records), ports]))
    expect(found && [...sharedTopics(found, [shared])]).toMatchObject([{ tcpPort: undefined }])
  })

  test('has nothing in it that who shares no newsletter could know again', () => {
    const publicKey = randomBytes(32)
    const mine = topics(7)
    const [first, second] = [0, 1].map(() =>
      Buffer.concat(txtOf(announced({ topics: mine, publicKey, tcpPort: 40_000 }))),
    ) as [Buffer, Buffer]
    for (const secret of [publicKey, ...mine]) {
      for (let at = 0; at + 4 <= secret.length; at++) {
        expect(first.includes(secret.subarray(at, at + 4))).toBe(false)
      }
    }
    // Of both only what says what it is.
    const same = [...first].filter((byte, i) => byte === second[i]).length
    expect(same).toBeLessThan(first.byteLength / 10)
  })

  test('fits into one frame with as many newsletters as it may have', () => {
    const records = announced({
      topics: topics(MAX_ENTRIES),
      publicKey: randomBytes(32),
      tcpPort: 65_535,
    })
    const sizeBytes = txtOf(records).reduce((sum, it) => sum + 1 + it.byteLength, 0)
    expect(sizeBytes).toBeLessThan(1_472 - 200)
    expect(txtOf(records).every((it) => it.byteLength < 256)).toBe(true)
  })

  test.each<[string, (txt: readonly Buffer[]) => readonly Buffer[]]>([
    ['no version', (txt) => txt.slice(1)],
    ['another version', (txt) => [Buffer.from('v=2'), ...txt.slice(1)]],
    ['no salt', (txt) => txt.filter((_, i) => i !== 1)],
    ['a short salt', (txt) => txt.with(1, Buffer.from('s=abc'))],
    ['half an entry', (txt) => [...txt, Buffer.from('t=half')]],
    ['more entries than fit', (txt) => [...txt, ...Array.from({ length: 9 }, () => entries(6))]],
    ['more strings than anybody sends', (txt) => [...txt, ...Array<Buffer>(40).fill(entries(0))]],
    ['nothing at all', () => []],
  ])('with %s counts for nothing', (_what, spoil) => {
    const records = announced({ topics: topics(2), publicKey: randomBytes(32) })
    expect(announcementIn(packet(records))).toBeDefined()
    expect(announcementIn(withTxt(records, spoil(txtOf(records))))).toBeUndefined()
  })

  test.each([0, -1, 65_536, Number.NaN])('with port %s counts for nothing', (port) => {
    const { answers, additionals = [] } = announced({
      topics: topics(1),
      publicKey: randomBytes(32),
    })
    const wrong = additionals.map((it) =>
      it.type === 'SRV' ? { ...it, data: { ...it.data, port } } : it,
    )
    expect(announcementIn(packet({ answers, additionals: wrong }))).toBeUndefined()
  })

  test('is put together from records of one instance only', () => {
    const publicKey = randomBytes(32)
    const ours = announced({ topics: topics(1), publicKey })
    const renamed = (ours.additionals ?? []).map((it) => ({ ...it, name: `x.${it.name}` }))
    expect(announcementIn(packet({ ...ours, additionals: renamed }))).toBeUndefined()
    const [first, second] = ['one', 'two'].map((name, i) =>
      announcementRecords({
        name,
        address: '10.0.0.1',
        port: 1_000 + i,
        tcpPort: undefined,
        publicKey,
        salt: Buffer.alloc(16, i),
        topics: topics(1),
      }),
    ) as [DnsRecords, DnsRecords]
    const both = packet({
      answers: [...first.answers, ...second.answers],
      additionals: [...(second.additionals ?? []), ...(first.additionals ?? [])],
    })
    expect(announcementsIn(both)).toMatchObject([
      { instance: `one.${SERVICE}`, port: 1_000, salt: Buffer.alloc(16, 0) },
      { instance: `two.${SERVICE}`, port: 1_001, salt: Buffer.alloc(16, 1) },
    ])
  })

  test('that is withdrawn counts for nothing, and says which one it was', () => {
    const records = announced({ topics: topics(1), publicKey: randomBytes(32) })
    const withdrawn = (all: readonly Answer[] = []) =>
      all.map((it) => ({ ...it, ttl: 0 }) as Answer)
    const goodbye = packet({
      answers: withdrawn(records.answers),
      additionals: withdrawn(records.additionals),
    })
    expect(announcementsIn(goodbye)).toEqual([])
    expect(goodbyesIn(goodbye)).toEqual([`someone.${SERVICE}`])
    expect(goodbyesIn(goodbyeRecords('someone'))).toEqual([`someone.${SERVICE}`])
    expect(goodbyesIn(packet(records))).toEqual([])
  })

  test('may have anything in it and breaks nothing', () => {
    const record = fc.record({
      name: fc.oneof(fc.constant(`x.${SERVICE}`), fc.constant(SERVICE), fc.string()),
      type: fc.constantFrom('PTR', 'SRV', 'TXT', 'A', 'NSEC'),
      data: fc.oneof(
        fc.string(),
        fc.constant(`x.${SERVICE}`),
        fc.record({ port: fc.integer(), target: fc.string() }),
        fc.array(fc.uint8Array().map((it) => Buffer.from(it))),
        fc.constant(undefined),
      ),
    })
    fc.assert(
      fc.property(fc.array(record), (records) => {
        const found = announcementIn(packet({ answers: records as unknown as Answer[] }))
        expect(found === undefined || found.port > 0).toBe(true)
      }),
    )
  })
})

test('a question for the service is told from others', () => {
  const asks = (name: string, type = 'PTR') =>
    asksForService({ questions: [{ name, type: type as 'PTR' }] })
  expect(asks('_HyperLetter._udp.local')).toBe(true)
  expect(asks('_ipp._tcp.local')).toBe(false)
  expect(asks(SERVICE, 'TXT')).toBe(false)
})

function entries(count: number): Buffer {
  return Buffer.concat([Buffer.from('t='), randomBytes(40 * count)])
}
