import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Input, Operations, Output } from '../../src/api/contract/contract.ts'
import { answer, jsonOf, runCli, streamOf } from '../helpers/cli.ts'

let cwd: string

beforeEach(async () => {
  cwd = await realpath(await mkdtemp(join(tmpdir(), 'hyperletter-save-')))
})
afterEach(() => rm(cwd, { recursive: true, force: true }))

const attachment = (name: string) => ({ name, mediaType: 'image/png', bytes: 4, held: true })

const issue: Output<'readIssue'> = {
  feedKey: 'y'.repeat(52),
  newsletter: 'Tide Tables!',
  number: 3,
  title: 'Spring tides: where & when?',
  publishedAt: '2026-03-02T12:00:00Z',
  markdown: '# High water\n\n![](images/tide.png)\n',
  attachments: [attachment('images/tide.png')],
  editions: 1,
  verified: true,
}

const inputs: Input<'readAttachment'>[] = []
const operationsFor = (it: typeof issue): Partial<Operations> => ({
  readIssue: answer(it),
  readAttachment: (input) => {
    inputs.push(input)
    return streamOf([Buffer.from('tide')])()
  },
})
const save = (argv: string[], it = issue) =>
  runCli(['save', 'Tides', '3', ...argv, '--json'], { cwd, operations: operationsFor(it) })

describe('save', () => {
  it('writes the issue and its attachments into a folder of their own', async () => {
    const { code, stdout } = await save([])
    expect(code).toBe(0)
    const folder = join(cwd, 'tide-tables-3')
    const files = [join(folder, '3-spring-tides-where-when.md'), join(folder, 'images', 'tide.png')]
    expect(jsonOf(stdout)).toEqual({ files })
    expect(await readFile(files[0] ?? '', 'utf8')).toBe(issue.markdown)
    expect(await readFile(files[1] ?? '', 'utf8')).toBe('tide')
  })

  it('writes below the folder that is asked for', async () => {
    const { stdout } = await save(['--to', 'letters'])
    expect(jsonOf(stdout)).toMatchObject({
      files: [expect.stringContaining(join(cwd, 'letters')), expect.any(String)],
    })
  })

  it('writes one attachment here', async () => {
    inputs.length = 0
    const { stdout } = await save(['images/tide.png'])
    expect(jsonOf(stdout)).toEqual({ files: [join(cwd, 'images', 'tide.png')] })
    expect(inputs).toEqual([{ newsletter: 'Tides', number: 3, name: 'images/tide.png' }])
  })

  it('names the attachments there are when one is not', async () => {
    const { code, stderr } = await save(['tide.jpg'])
    expect(code).toBe(2)
    expect(jsonOf(stderr)).toMatchObject({
      error: { code: 'INVALID_INPUT', hint: 'It has: images/tide.png.' },
    })
  })

  it('keeps every attachment of a hostile issue below the folder', async () => {
    const names = ['../../../up.png', '/root.png', '..\\..\\up.png', '.bashrc', 'CON', 'a', 'A']
    const hostile = {
      ...issue,
      title: '../../\u001b[31m',
      newsletter: '../..',
      attachments: names.map(attachment),
    }
    const { code, stdout } = await save(['--to', 'box'], hostile)
    expect(code).toBe(0)
    const { files } = jsonOf(stdout) as { files: string[] }
    expect(new Set(files.map((file) => file.toLowerCase())).size).toBe(names.length + 1)
    for (const file of files) expect(file.startsWith(join(cwd, 'box', '/'))).toBe(true)
    expect(await readdir(cwd)).toEqual(['box'])
  })

  it('never overwrites a different file unless forced', async () => {
    await writeFile(join(cwd, 'tide.png'), 'mine')
    const plain = { ...issue, attachments: [attachment('tide.png')] }
    const refused = await save(['--to', '.'], plain)
    expect(refused.code).toBe(2)
    expect(await readdir(cwd)).toEqual(['tide.png'])
    expect((await save(['--to', '.', '--force'], plain)).code).toBe(0)
    expect(await readFile(join(cwd, 'tide.png'), 'utf8')).toBe('tide')
  })
})
