import { describe, expect, it } from 'vitest'
import { bundleForBrowsers } from './bundling.ts'

const bundle = (code: string, maxGzipBytes = 1_000) =>
  bundleForBrowsers({ entry: { code, from: import.meta.dirname }, maxGzipBytes })

describe('a bundle for browsers', () => {
  it.each([
    ['Buffer', `export const it = Buffer.from('a')`],
    ['process', `export const it = typeof process === 'undefined'`],
    ['global', `export const it = global`],
    ['setImmediate', `setImmediate(() => undefined)`],
  ])('may not use %s', async (name, code) => {
    const { complaints } = await bundle(code)
    expect(complaints).toEqual([expect.stringContaining(`uses ${name} of Node`)])
  })

  it.each(['node:fs', 'fs', 'node:crypto'])('may not import %s', async (name) => {
    const { complaints } = await bundle(`export * from '${name}'`)
    expect(complaints).toEqual([expect.stringContaining(name)])
  })

  it('may have names of its own that are the same', async () => {
    const code = `export class Buffer {}; export const f = (process: { global: Buffer }) => process.global`
    expect((await bundle(code)).complaints).toEqual([])
  })

  it('is measured as it is sent', async () => {
    const text = Array.from({ length: 2_000 }, (_, i) => ((i * 7_919) % 10_007).toString(36)).join()
    const { gzipBytes, complaints } = await bundle(`export const it = '${text}'`)
    expect(gzipBytes).toBeLessThan(text.length)
    expect(complaints).toEqual([expect.stringContaining('more than 1.0 kB')])
  })
})
