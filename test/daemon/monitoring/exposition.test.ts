import fc from 'fast-check'
import parse from 'parse-prometheus-text-format'
import { describe, expect, test } from 'vitest'
import {
  engineMetrics,
  formatMetrics,
  processMetrics,
} from '../../../src/daemon/monitoring/metrics.ts'
import type { Output } from '../../../src/api/contract/contract.ts'

const measures: Output<'measure'> = {
  online: true,
  dataBytes: 123_456,
  freeBytes: 9_999_999_999,
  usedBytes: 5_000,
  capBytes: 50_000_000,
  problem: { code: 'DISK_FULL', message: 'Full.' },
  network: {
    connections: 3,
    localConnections: 2,
    relayedConnections: 1,
    relay: { offered: true, pairs: 2, bytesToday: 30, bytes: 40 },
    knownPeers: 12,
    bannedPeers: 1,
    dhtNodes: 77,
    attempts: 20,
    connected: 15,
    failed: { PEER_NOT_FOUND: 4, 'evil"\n\\code': 1 },
  },
  web: { address: 'https://news.example/', tabs: 4, uploadedBytes: 9_000, newsletters: [] },
  newsletters: ['y', 'n'].map((letter) => ({
    feedKey: letter.repeat(52),
    private: false,
    roles: ['subscriber', 'author'],
    length: 10,
    heldBlocks: 7,
    peers: 2,
    fullCopies: 1,
    uploadedBytes: 1_000,
    downloadedBytes: 2_000,
    totals: { uploadedBytes: 11_000, downloadedBytes: 12_000 },
    mirrors: { good: 2, unreachable: 1 },
    mirrorBytes: 3_000,
    problem: 'FEED_CONFLICT',
  })),
}

describe('the metrics of an engine', () => {
  test('are what a parser of the format reads', async () => {
    const metrics = [...(await processMetrics()), ...engineMetrics(measures)]
    const parsed = parse(formatMetrics(metrics))
    expect(
      parsed.map(({ name, help, type }) => ({ name, help, type: type.toLowerCase() })),
    ).toEqual(metrics.map(({ name, help, type }) => ({ name, help, type })))
    const values = (name: string) => parsed.find((it) => it.name === name)?.metrics
    expect(values('hyperletter_newsletter_blocks_held')).toEqual([
      { value: '7', labels: { feed: 'y'.repeat(16) } },
      { value: '7', labels: { feed: 'n'.repeat(16) } },
    ])
    expect(values('hyperletter_newsletter_sent_bytes_total')?.[0]?.value).toBe('11000')
    expect(values('hyperletter_dials_failed_total')).toContainEqual({
      value: '1',
      labels: { code: 'evil"\n\\code' },
    })
    expect(values('hyperletter_disk_free_bytes')).toEqual([{ value: '9999999999' }])
    expect(values('hyperletter_gateway_tabs')).toEqual([{ value: '4' }])
    expect(values('hyperletter_newsletter_mirrors')).toContainEqual({
      value: '1',
      labels: { feed: 'n'.repeat(16), state: 'unreachable' },
    })
    expect(values('hyperletter_storing')).toEqual([{ value: '0' }])
  })

  test('are named by the conventions of Prometheus', async () => {
    const metrics = [...(await processMetrics()), ...engineMetrics(measures)]
    const names = metrics.map((it) => it.name)
    expect(new Set(names).size).toBe(names.length)
    for (const { name, type, help, samples } of metrics) {
      expect(name).toMatch(/^(?:hyperletter|process)_[a-z][a-z_]*$/)
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
      // Base units only.
      expect(name).not.toMatch(/milli|kilo|minutes|hours|percent|_ms|_kb/)
      expect(help).toMatch(/^[A-Z].*\.$/)
      const labels = samples.map((it) => JSON.stringify(it.labels ?? {}))
      expect([name, new Set(labels).size]).toEqual([name, labels.length])
    }
  })

  test('name no private newsletter, and count all of them together', () => {
    const [first, second] = measures.newsletters
    const one = { ...first, private: true } as (typeof measures.newsletters)[number]
    const other = { ...second, private: true } as (typeof measures.newsletters)[number]
    const text = formatMetrics(engineMetrics({ ...measures, newsletters: [one, other] }))
    expect(text).not.toMatch(/yyyy|nnnn/)
    expect(text).toContain('hyperletter_newsletter_blocks{feed="private"} 20\n')
    expect(text).toContain(
      'hyperletter_newsletter_problem{feed="private",code="FEED_CONFLICT"} 2\n',
    )
  })

  test('name neither titles nor whole keys', () => {
    expect(formatMetrics(engineMetrics(measures))).not.toContain('y'.repeat(17))
  })
})

test('whatever stands in a label comes out of a parser as it went in', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.double({ noNaN: true }), (text, value) => {
      const name = 'hyperletter_x'
      const formatted = formatMetrics([
        { name, help: 'Any.', type: 'gauge', samples: [{ labels: { text }, value }] },
      ])
      expect(formatted.split('\n')).toHaveLength(4)
      const [metric] = parse(formatted)
      expect(metric?.metrics[0]?.labels?.['text']).toBe(text)
    }),
  )
})

test('numbers without end have a name of their own', () => {
  const samples = [Infinity, -Infinity, Number.NaN].map((value) => ({ value }))
  const text = formatMetrics([{ name: 'x', help: 'x', type: 'gauge', samples }])
  expect(text.split('\n').slice(2, 5)).toEqual(['x +Inf', 'x -Inf', 'x NaN'])
})
