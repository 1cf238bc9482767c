import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { serviceExport } from '../../../src/sources/services/exports.ts'
import { mailsIn } from '../../../src/sources/services/mbox-mails.ts'
import { allOf } from '../../helpers/drafts.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const file = fileURLToPath(new URL('../../../fixtures/imports/mbox/tides.mbox', import.meta.url))

describe('an mbox of a mailing list', () => {
  it('moves in: what began something, with dates, authors, text and pictures', async () => {
    const { drafts } = await allOf(await serviceExport(file, {}))
    expect([...drafts.keys()]).toEqual([1, 5, 6, 7].map((it) => `mail-${it}@tides.example`))
    const [first, charset, quotes, picture] = [...drafts.values()]
    expect(first).toMatchObject({
      title: 'Spring tïdes',
      publishedAt: '2026-01-01T09:30:00.000Z',
      authors: [{ name: 'Mara Hollis' }],
      markdown: `First \\*line\\*\\
second line

> quoted\\
> text

See <https://example.org/a_b>.

From the quay.
`,
    })
    expect(charset).toMatchObject({
      publishedAt: '2026-01-02T08:00:00.000Z',
      markdown: 'Grüße vom Kai\n',
    })
    expect(quotes).toMatchObject({ markdown: '“Low” water – noon\n' })
    expect(JSON.stringify(quotes)).not.toContain('@')
    expect(picture).toMatchObject({
      markdown: 'Look: ![Quay](cid/quay%40x.png)\n\nUnsubscribe\n',
      attachments: [{ name: 'cid/quay@x.png', mediaType: 'image/png' }],
    })
    const bytes = Buffer.from((await picture?.attachments[0]?.open()) ?? [])
    expect(bytes.subarray(1, 4).toString()).toBe('PNG')
    expect(bytes.includes('GPS')).toBe(false)
  })

  it('leaves out answers, copies, personal mails and what wants no archive', async () => {
    const { drafts, skipped } = await allOf(await serviceExport(file, {}))
    expect([...skipped.values()].map((it) => it.message)).toEqual([
      'an answer; --include extras publishes it',
      'a mail that is there twice; --include extras publishes it',
      'a mail that no mailing list sent; --include private publishes it',
      'a mail that wants not to be archived; --include private publishes it',
    ])
    expect(JSON.stringify([...drafts])).not.toMatch(/secret/i)
  })
})

it('takes names for addresses, lists for what they are, and no footer of the mailing list', async () => {
  const path = join(await temporaryDirectory(), 'l.mbox')
  const text = `From mara at x.example  Mon Jan  1 10:00:00 2024
From: mara at x.example (Mara Quay)
Date: Mon, 1 Jan 2024 10:00:00 +0100
Subject: [tides] Ebb
List-Id: <tides.x.example>

- one
- two *2*
  goes on

3. three
4. four

_______________________________________________
Tides mailing list
https://x.example/listinfo/tides
`
  await writeFile(path, text)
  const { drafts } = await allOf(await serviceExport(path, {}))
  expect([...drafts.values()]).toMatchObject([
    {
      authors: [{ name: 'Mara Quay' }],
      markdown: '- one\n- two \\*2\\* goes on\n\n3. three\n4. four\n',
    },
  ])
})

describe('a mail of a list', () => {
  const drafted = async (head: string, body: string | Buffer) => {
    const path = join(await temporaryDirectory(), 'l.mbox')
    const start = `From a@b Thu Jan  1 09:30:00 2026\nList-Id: <x>\nDate: 1 Jan 2026 09:30 +0000\nSubject: Ebb\n${head}\n`
    await writeFile(path, Buffer.concat([Buffer.from(start), Buffer.from(body)]))
    const { drafts } = await allOf(await serviceExport(path, {}))
    return [...drafts.values()][0]
  }
  const QP = 'Content-Transfer-Encoding: quoted-printable\n'

  it.each([
    ['UTF-8 as latin1', `Content-Type: text/plain; charset=iso-8859-1\n${QP}`, 'Gr=C3=BC=C3=9Fe'],
    ['UTF-8 as Windows', `Content-Type: text/html; charset=windows-1252\n${QP}`, 'Gr=C3=BC=C3=9Fe'],
    ['UTF-8 as nothing', QP, 'Gr=C3=BC=C3=9Fe'],
    [
      'Windows as UTF-8',
      `Content-Type: text/plain;\n charset="utf-8"; format=flowed\n${QP}`,
      'Gr=FC=DFe',
    ],
    ['Windows as nothing', '', Buffer.from('Gr\xfc\xdfe', 'latin1')],
    [
      'Base64',
      'Content-Type: text/plain; charset=us-ascii\nContent-Transfer-Encoding: base64\n',
      'R3LDvMOfZQ==',
    ],
  ])('is read by its bytes, whatever it says: %s', async (_, head, body) => {
    expect((await drafted(head, body))?.markdown).toBe('Grüße\n')
  })

  it('leaves labels that a text is about, and parts that are labelled rightly', async () => {
    const head = 'Content-Type: multipart/mixed; boundary="b"\n'
    const part = (label: string, text: string) =>
      `--b\nContent-Type: text/plain; charset=${label}\n${QP}\n${text}\n\n`
    const body = `${part('utf-8', 'charset=3Dutf-8 =E2=80=9Cебб=E2=80=9D')}${part('koi8-r', '=C5=C2=C2')}--b--\n`
    expect((await drafted(head, body))?.markdown).toBe('charset=utf-8 “ебб”\n\nебб\n')
  })

  it('shows quotes, lists and addresses where plain text has them', async () => {
    const text =
      'Mara wrote:\n> Low\n>> at dawn\n>\n> - a\n> - b\nAnd I:\n* one\n  more\n* two\n(see https://x.example/Tide_(ebb), or https://x.example/b).\n'
    expect((await drafted('', text))?.markdown).toBe(
      'Mara wrote:\n\n> Low\n>\n> > at dawn\n>\n> - a\n> - b\n\nAnd I:\n\n- one more\n- two\n\n(see <https://x.example/Tide_(ebb)>, or <https://x.example/b>).\n',
    )
  })

  it('takes along the files that it has, shown in its text or not', async () => {
    const png = Buffer.from('\x89PNG\r\n\x1a\n').toString('base64')
    const part = (type: string, more: string) =>
      `--b\nContent-Type: ${type}\nContent-Transfer-Encoding: base64\n${more}\n${png}\n`
    const body = [
      '--b\nContent-Type: text/html\n\n<img src="CID:Quay%40X">\n',
      part('image/png', 'Content-ID: <QUAY@x>\n'),
      part('image/jpeg; name="Low water.jpeg"', ''),
      part('application/octet-stream', 'Content-Disposition: attachment; filename="t.pdf"\n'),
      part('application/pgp-signature', ''),
      '--b--\n',
    ].join('')
    const draft = await drafted('Content-Type: multipart/mixed; boundary=b\n', body)
    expect(draft?.attachments.map((it) => it.name)).toEqual([
      'cid/QUAY@x.png',
      'attached/Low-water.jpg',
      'attached/t.pdf',
    ])
    expect(draft?.markdown).toBe(
      '![](cid/QUAY%40x.png)\n\n![](attached/Low-water.jpg)\n\n[t.pdf](attached/t.pdf)\n',
    )
    expect(Buffer.from((await draft?.attachments[0]?.open()) ?? []).toString('latin1')).toMatch(
      /PNG/,
    )
  })
})

it('reads a folder of several mbox files as one list, with what Thunderbird wrote', async () => {
  const folder = await temporaryDirectory()
  const mail = (id: string, subject: string) =>
    `Message-ID: <${id}@x>\nList-Id: <x>\nDate: 1 Jan 2026 09:30 +0000\nSubject: ${subject}\n\nText.\n\n`
  const none = mail('', 'No id').replace('Message-ID: <@x>\n', '')
  await writeFile(join(folder, '2026-10.txt'), `From \n${mail('c', 'Third')}From - \n`)
  await writeFile(
    join(folder, '2026-9.mbox'),
    `From a@b Thu Jan  1 09:30:00 2026\n${mail('a', 'First')}From \n${none}`,
  )
  const { drafts } = await allOf(await serviceExport(folder, {}))
  expect([...drafts.keys()]).toEqual(['mail-a@x', '2026-9.mbox-mail-2', 'mail-c@x'])
})

it('reads mails as files, one or a folder of them, but not beside notes', async () => {
  const folder = await temporaryDirectory()
  const head = (id: string) =>
    `Message-ID: <${id}@x>\r\nList-Id: <x>\r\nDate: 1 Jan 2026 09:30 +0000\r\nSubject: Ebb\r\n`
  const text = 'Text.\n\nFrom a@b Thu Jan  1 09:30:00 2026\n>From you\n'
  const png = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
  const parts = `--b\n\n${text}\n--b\nContent-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\n\n${png.toString('base64')}\n--b--\n`
  const one = join(folder, 'one.eml')
  await writeFile(one, `${head('a')}Content-Type: multipart/mixed; boundary=b\n\n${parts}`)
  await writeFile(join(folder, 'Two.EML'), `${head('b')}\nText.\n`)
  await writeFile(join(folder, 'own.eml'), head('c').replace(/List-Id.*\r\n/, '') + '\nSecret.\n')
  const { drafts } = await allOf(await serviceExport(one, {}))
  const [draft] = drafts.values()
  expect(draft?.markdown).toBe(
    'Text.\n\nFrom a\\@b Thu Jan 1 09:30:00 2026\n\n> From you\n\n![](attached/a.png)\n',
  )
  expect(Buffer.from((await draft?.attachments[0]?.open()) ?? []).equals(png)).toBe(true)
  const all = await allOf(await serviceExport(folder, {}))
  expect([...all.drafts.keys()].toSorted()).toEqual(['mail-a@x', 'mail-b@x'])
  expect([...all.skipped.values()].map((it) => it.message)).toEqual([
    'a mail that no mailing list sent; --include private publishes it',
  ])
  await writeFile(join(folder, 'note.md'), '# Note\n')
  expect(await serviceExport(folder, {})).toBeUndefined()
})

describe('mailsIn', () => {
  const split = async (text: string) => {
    const mails: string[] = []
    for await (const mail of mailsIn(Readable.from([Buffer.from(text)]))) {
      mails.push(mail.bytes().toString())
    }
    return mails
  }

  it('begins a mail at an envelope below a blank line, and nowhere else', async () => {
    const date = 'Thu Jan  1 09:30:00 2026'
    const first = `A: b\r\n\r\nFrom here on\r\nFrom x ${date}\r\n>From me\r\n>>From you\r\n\r\n`
    expect(await split(`From a@b ${date}\r\n${first}From - ${date} +0100\nC: d\n\ne`)).toEqual([
      first.replace('>From', 'From').replace('>>From', '>From'),
      'C: d\n\ne',
    ])
    expect(await split('no mail at all')).toEqual([])
  })
})
