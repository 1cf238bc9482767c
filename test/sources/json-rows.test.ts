import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonRows } from '../../src/sources/json-rows.ts'

async function rows(text: string | Buffer, wanted = /^a\.\*$/, chunk = 7) {
  const bytes = Buffer.from(text as string)
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, i) =>
    bytes.subarray(i * chunk, (i + 1) * chunk),
  )
  const found: unknown[] = []
  for await (const { value } of jsonRows(Readable.from(chunks), (path) => wanted.test(path))) {
    found.push(value)
  }
  return found
}

describe('jsonRows', () => {
  it('finds objects by their path, and passes over the rest', async () => {
    const text = JSON.stringify({
      b: [{ a: [{ no: 1 }] }],
      a: [{ c: [{ a: '}]"\\' }] }, 3, { d: 'ü' }],
    })
    expect(await rows(`\ufeff ${text}`)).toEqual([{ c: [{ a: '}]"\\' }] }, { d: 'ü' }])
    expect(await rows(`[${text}]`, /^\*\.a\.\*$/)).toHaveLength(2)
  })

  it('finds any rows, wherever the chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.dictionary(fc.string(), fc.jsonValue())),
        fc.integer({ min: 1, max: 40 }),
        async (values, chunk) => {
          const text = JSON.stringify({ x: values, a: values })
          expect(await rows(text, /^a\.\*$/, chunk)).toEqual(JSON.parse(JSON.stringify(values)))
        },
      ),
    )
  })

  it.each([
    '',
    '{"a":[{}',
    '{"a":[{"b":"',
    '{"a":[{"b":tru}]}',
    '<html>',
    '{"a":[{}}]',
    '{"a":[{"b":"\\',
  ])('refuses %j', async (text) => {
    await expect(rows(text)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('refuses what nests too deeply, and what is not UTF-8', async () => {
    for (const start of ['{"a":'.repeat(100_000), '{"a":[{"b":'.concat('['.repeat(100_000))]) {
      await expect(rows(start, /^a\.\*$/, 5_000)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    const latin1 = Buffer.from('{"a":[{"b":"ü"}]}', 'latin1')
    await expect(rows(latin1)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})
