import { readFile, symlink, writeFile, lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { changeSettingsFile, withChanges } from '../../src/api/changing-settings.ts'
import { exactSize } from '../../src/site/pages/seeding.ts'
import { parseBytes } from '../../src/config/values.ts'
import { expectFailure } from '../helpers/operations.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const FILE = '# mine\nhold = "60s"\n  "diskCap" = 5000000000 # enough\nplain = true'

it('a settings file keeps every line but those that change', () => {
  expect(withChanges(FILE, { diskCap: '10 GB', pause: 'on' })).toBe(
    '# mine\nhold = "60s"\ndiskCap = "10 GB"\nplain = true\npause = "on"\n',
  )
  expect(withChanges(FILE, { diskCap: null, plain: null, uploadLimit: null })).toBe(
    '# mine\nhold = "60s"\n',
  )
  expect(withChanges('', { uploadLimit: '500 kB/s' })).toBe('uploadLimit = "500 kB/s"\n')
})

it('is made where there is none, stays behind a link, and stays as it is where a value is wrong', async () => {
  const folder = await temporaryDirectory()
  const path = join(folder, 'new', 'config.toml')
  await changeSettingsFile(path, { diskCap: '10 GB' }, () => undefined)
  expect(await readFile(path, 'utf8')).toBe('diskCap = "10 GB"\n')
  const link = join(folder, 'link.toml')
  await symlink(path, link)
  await changeSettingsFile(link, { pause: 'on' }, (before) =>
    expect(before).toEqual({ diskCap: '10 GB' }),
  )
  expect((await lstat(link)).isSymbolicLink()).toBe(true)
  const before = await readFile(path, 'utf8')
  const change = (value: string) => changeSettingsFile(path, { diskCap: value }, () => undefined)
  await expectFailure('INVALID_INPUT', change('1 kB'))
  await expectFailure('INVALID_INPUT', change('"\npause = "off'))
  expect(await readFile(path, 'utf8')).toBe(before)
  await writeFile(path, 'nonsense')
  await expectFailure('INVALID_INPUT', change('10 GB'))
  expect(await readFile(path, 'utf8')).toBe('nonsense')
})

it('a size in a form means the same bytes again', () => {
  for (const bytes of [1, 1_024, 500_000, 1_500_000, 10e9, 2 ** 30, 123_456_789, 2e12])
    expect(parseBytes(exactSize(bytes))).toBe(bytes)
  expect([10e9, 1_500_000, 2 ** 30].map(exactSize)).toEqual(['10 GB', '1.5 MB', '1073741824'])
})
