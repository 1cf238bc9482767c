import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseQuery } from '../../../src/engine/search/query.ts'
import { SearchIndex } from '../../../src/engine/search/search-index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const FEED = 'y'.repeat(52)
const OTHER = 'b'.repeat(52)

async function emptyIndex(): Promise<SearchIndex> {
  return SearchIndex.open(join(await temporaryDirectory(), 'search'))
}

function add(index: SearchIndex, number: number, title: string, text = '', feedKey = FEED): void {
  index.add({ feedKey, number, edition: number }, { title, text })
}

/** Numbers of the issues that are found, best first. */
function find(index: SearchIndex, query: string): number[] {
  return index.search(parseQuery(query)).found.map((it) => it.number)
}

async function indexOf(...texts: readonly string[]): Promise<SearchIndex> {
  const index = await emptyIndex()
  for (const [i, text] of texts.entries()) add(index, i + 1, `Issue ${i + 1}`, text)
  return index
}

describe('finding', () => {
  it('gives only issues with all the words', async () => {
    const index = await indexOf('spring tide', 'neap tide', 'spring flowers')
    expect(find(index, 'spring tide')).toStrictEqual([1])
    expect(new Set(find(index, 'tide'))).toStrictEqual(new Set([1, 2]))
  })

  it('gives issues with some of the words where none has all, those with more first', async () => {
    const index = await indexOf('spring tide', 'the moon', 'spring tide moon')
    expect(find(index, 'spring tide moon stars')).toStrictEqual([3, 1, 2])
  })

  it('gives nothing for words that nothing has', async () => {
    expect(find(await indexOf('spring tide'), 'qqqq')).toStrictEqual([])
    expect(find(await emptyIndex(), 'tide')).toStrictEqual([])
  })

  it('puts a word of the title before one of the text, and an exact word before a longer one', async () => {
    const index = await emptyIndex()
    add(index, 1, 'News', 'The harbour wall is wet.')
    add(index, 2, 'Harbour', 'The wall is wet.')
    add(index, 3, 'Harbours', 'The wall is wet, harbourmaster.')
    expect(find(index, 'harbour')).toStrictEqual([2, 1, 3])
  })

  it('puts rare words and repeated words first', async () => {
    const common = Array.from({ length: 20 }, () => 'tide table')
    const index = await indexOf(...common, 'tide lighthouse', 'lighthouse lighthouse lighthouse')
    expect(find(index, 'lighthouse')).toStrictEqual([22, 21])
    expect(find(index, 'tide lighthouse')[0]).toBe(21)
  })

  it('finds the beginning of a word from two letters on', async () => {
    const index = await indexOf('lighthouse')
    expect(find(index, 'li')).toStrictEqual([1])
    expect(find(index, 'l')).toStrictEqual([])
  })

  it('forgives a mistake in a word of five letters or more that is nowhere', async () => {
    const index = await indexOf('lighthouse keeper', 'tide')
    for (const wrong of ['lihgthouse', 'lighthuse', 'ligththouse', 'keaper']) {
      expect(find(index, wrong)).toStrictEqual([1])
    }
    expect(find(index, 'tode')).toStrictEqual([])
    expect(find(index, 'kepe')).toStrictEqual([])
  })

  it('forgives no mistake in a word that is there', async () => {
    expect(find(await indexOf('keeper', 'keepers', 'kemper'), 'kemper')).toStrictEqual([3])
  })

  it('finds tags, authors and summaries', async () => {
    const index = await emptyIndex()
    index.add(
      { feedKey: FEED, number: 1, edition: 1 },
      { title: 'One', text: '', tags: ['marées'], authors: ['Zoë Ķalniņa'], summary: 'Low water.' },
    )
    for (const word of ['marees', 'Zoe', 'kalnina', 'water']) {
      expect(find(index, word)).toStrictEqual([1])
    }
  })

  it('finds words in scripts without spaces, also parts of what a dictionary takes for one', async () => {
    const index = await indexOf(
      '巷口有一棵老槐树,树干要两个人才抱得过来。',
      '雨があがった朝、橋の下でカワセミを見た。',
      'ต้นไม้ในสวน',
      '人工智能改变世界',
    )
    expect(find(index, '槐树')).toStrictEqual([1])
    expect(find(index, '老槐')).toStrictEqual([1])
    expect(find(index, '槐')).toStrictEqual([1])
    expect(find(index, 'カワセミ')).toStrictEqual([2])
    expect(find(index, 'ｶﾜｾﾐ')).toStrictEqual([2])
    expect(find(index, '橋の下')).toStrictEqual([2])
    expect(find(index, 'ต้นไม้')).toStrictEqual([3])
    expect(find(index, '工智')).toStrictEqual([4])
    expect(find(index, '智慧')).toStrictEqual([])
  })

  it('finds words of Hindi with their vowel signs, and not without', async () => {
    const index = await indexOf('नीम का एक पुराना पेड़ है', 'दीन दुखी')
    expect(find(index, 'पेड़')).toStrictEqual([1])
    expect(find(index, 'पुराना')).toStrictEqual([1])
    expect(find(index, 'दिन')).toStrictEqual([])
  })

  it('finds every word of every text, whatever was added, removed and replaced before', async () => {
    const word = fc.string({
      unit: fc.constantFrom('a', 'b', 'c', 'é', '川', '朝', 'पे', 'ड़', 'ж'),
      minLength: 2,
      maxLength: 9,
    })
    const text = fc.array(word, { minLength: 1, maxLength: 12 }).map((it) => it.join(' '))
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), text, fc.boolean()), {
      minLength: 1,
      maxLength: 40,
    })
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const index = await SearchIndex.open('/nowhere')
        const texts = new Map<number, string>()
        for (const [number, words, isRemoved] of all) {
          add(index, number, '', words)
          texts.set(number, words)
          if (!isRemoved) continue
          index.remove(FEED, number)
          texts.delete(number)
        }
        expect(index.numbersOf(FEED)).toHaveLength(texts.size)
        for (const [number, words] of texts) {
          for (const it of words.split(' ')) {
            expect([...find(index, it), ...(parseQuery(it).length > 0 ? [] : [number])]).toContain(
              number,
            )
          }
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe('keeping up', () => {
  it('finds the new text of an issue, and not the old one', async () => {
    const index = await indexOf('spring tide', 'neap tide')
    index.add({ feedKey: FEED, number: 1, edition: 9 }, { title: 'One', text: 'lighthouse' })
    expect(find(index, 'lighthouse')).toStrictEqual([1])
    expect(find(index, 'spring')).toStrictEqual([])
    expect(index.editionOf(FEED, 1)).toBe(9)
    expect(index.numbersOf(FEED)).toHaveLength(2)
  })

  it('forgets an issue that is removed', async () => {
    const index = await indexOf('spring tide', 'neap tide')
    index.remove(FEED, 1)
    index.remove(FEED, 7)
    expect(find(index, 'tide')).toStrictEqual([2])
  })
})

describe('on disk', () => {
  async function saved() {
    const folder = join(await temporaryDirectory(), 'search')
    const index = await SearchIndex.open(folder)
    add(index, 1, 'One', 'spring tide')
    add(index, 2, 'Two', 'neap tide')
    add(index, 1, 'Other', 'secret moon', OTHER)
    await index.save()
    return { folder, index }
  }

  it('is read again as it was', async () => {
    const { folder } = await saved()
    const index = await SearchIndex.open(folder)
    expect(new Set(find(index, 'tide'))).toStrictEqual(new Set([1, 2]))
    expect(index.editionOf(FEED, 2)).toBe(2)
    expect(index.feedKeys().toSorted()).toStrictEqual([OTHER, FEED].toSorted())
  })

  it('is for its user alone', async () => {
    const { folder } = await saved()
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    for (const name of await readdir(folder)) {
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600)
    }
  })

  it.each([
    ['a newsletter', (index: SearchIndex) => index.removeFeed(OTHER)],
    ['an issue', (index: SearchIndex) => index.remove(OTHER, 1)],
  ])('has nothing left of %s that is removed', async (_, remove) => {
    const { folder, index } = await saved()
    remove(index)
    await index.save()
    expect(find(index, 'moon')).toStrictEqual([])
    expect(find(index, 'tide')).toHaveLength(2)
    for (const name of await readdir(folder)) {
      expect((await readFile(join(folder, name))).includes('secret')).toBe(false)
    }
  })

  it('has nothing left of an index of another version', async () => {
    const folder = join(await temporaryDirectory(), 'search')
    await mkdir(folder)
    await writeFile(join(folder, 'index.json'), '{}')
    await writeFile(join(folder, 'a.segment'), '')
    const index = await SearchIndex.open(folder)
    add(index, 1, 'One')
    await index.save()
    expect(await readdir(folder)).toStrictEqual([`${FEED}.terms`])
  })

  it('is empty instead of wrong where a file is damaged, cut short or of another version', async () => {
    const damages: ((bytes: Buffer) => Buffer | string)[] = [
      () => '',
      (bytes) => bytes.subarray(0, 100),
      (bytes) => bytes.subarray(0, -1),
      (bytes) => Buffer.concat([bytes, Buffer.from('\n')]),
      (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.from('x')]),
      (bytes) => bytes.toString('latin1').replace(/"version":"[^"]*"/, '"version":"0"'),
      // The first number of a document.
      (bytes) => bytes.toString('latin1').replace(/\[\[\d/, '[[7'),
    ]
    for (const damage of damages) {
      const { folder } = await saved()
      const file = join(folder, `${FEED}.terms`)
      await writeFile(file, damage(await readFile(file)))
      const index = await SearchIndex.open(folder)
      expect(index.numbersOf(FEED)).toStrictEqual([])
      expect(find(index, 'moon')).toStrictEqual([1])
      add(index, 3, 'Three', 'neap tide')
      await index.save()
      expect(find(await SearchIndex.open(folder), 'tide')).toStrictEqual([3])
    }
  })
})

describe('hostile issues', () => {
  it('cost no more than so many entries each, however many different words they have', async () => {
    const folder = join(await temporaryDirectory(), 'search')
    const index = await SearchIndex.open(folder)
    const words = Array.from({ length: 250_000 }, (_, i) => i.toString(36).padStart(7, 'q')).join(
      ' ',
    )
    add(index, 1, 'Findable', words)
    await index.save()
    expect((await stat(join(folder, `${FEED}.terms`))).size).toBeLessThan(1_000_000)
    expect(find(index, 'findable')).toStrictEqual([1])
  })
})
