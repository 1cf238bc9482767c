import { describe, expect, it } from 'vitest'
import { formatSupport, parseSupport, describeSupport } from '../../src/format/support.ts'

/** From BIP 173, BIP 350, BIP 352, BOLT 11, LUD 1, the documentation of Monero, and ISO 13616. */
const GOOD = {
  'bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4': 'Bitcoin',
  'BITCOIN:BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4': 'Bitcoin',
  'bitcoin:bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0': 'Bitcoin',
  'bitcoin:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2': 'Bitcoin',
  'bitcoin:3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy?amount=0.1': 'Bitcoin',
  'bitcoin:?sp=sp1qqgste7k9hx0qftg6qmwlkqtwuy6cycyavzmzj85c6qdfhjdpdjtdgqjuexzk6murw56suy3e0rd2cgqvycxttddwsvgxe2usfpxumr70xc9pkqwv':
    'Bitcoin',
  'lightning:lnbc1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq8rkx3yf5tcsyz3d73gafnh3cax9rn449d9p5uxz9ezhhypd0elx87sjle52x86fux2ypatgddc6k63n7erqz25le42c4u4ecky03ylcqca784w':
    'Lightning',
  'lightning:LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HXQURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS':
    'Lightning',
  'monero:44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A':
    'Monero',
  'payto://iban/GB82WEST12345698765432': 'Bank transfer',
  'payto://iban/DEUTDEFF500/DE75512108001245126199': 'Bank transfer',
  'https://liberapay.com/mara': 'Web page',
  'lightning:mara@tides.example': 'Lightning',
}

const problemOf = (uri: string) => describeSupport({ uri }).problem

describe('a payment address', () => {
  it.each(Object.entries(GOOD))('is known: %s', (uri, name) => {
    expect(describeSupport({ uri })).toMatchObject({ uri, name })
    expect(problemOf(uri)).toBeUndefined()
    expect(describeSupport({ uri, label: 'Tea' }).name).toBe('Tea')
  })

  it('of which one character is wrong, missing or swapped is wrong, wherever that is', () => {
    const sums = Object.keys(GOOD).filter((it) => !/[@]|^https/.test(it))
    expect(sums).toHaveLength(11)
    for (const uri of sums) {
      const text = uri.replace('?amount=0.1', '').replace('DEUTDEFF500/', '')
      const from = text.startsWith('bitcoin:?') ? text.indexOf('=') + 1 : text.search(/[:][^/]/) + 1
      const start = text.startsWith('payto') ? 'payto://iban/'.length : from
      for (let at = start; at < text.length; at++) {
        const other = /\d/.test(text.charAt(at))
          ? ((Number(text.charAt(at)) + 1) % 10).toString()
          : 'q'
        const changed = other === text.charAt(at).toLowerCase() ? 'p' : other
        expect(problemOf(text.slice(0, at) + changed + text.slice(at + 1))).toBe('wrong')
        expect(problemOf(text.slice(0, at) + text.slice(at + 1))).toBe('wrong')
      }
    }
  })

  it.each([
    'bitcoin:',
    'bitcoin:?amount=1',
    'bitcoin:tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx',
    'bitcoin:?lno=lnx1pg257enxv4ezqcneype82um50ynhxgrwdajx293pqglnyxw6q0hzngfdusg8umzuxe8kquuz7pjl90ldj8wadwgs0xlmc',
    'lightning:mara@127.0.0.1',
    'lightning:mara@localhost',
    'lightning:Mara <b>@tides.example',
    'payto://iban/DE7551210800124512619\u0435',
    'https://',
    'https:tides.example',
    'https://a@b.example/',
  ])('is refused: %j', (uri) => {
    expect(problemOf(uri)).toBe('wrong')
  })

  it.each([
    'javascript:alert(1)',
    'dogecoin:D',
    'constructor:a',
    'http://a.example/',
    'payto://x/1',
  ])('of a kind that this version does not know is never shown: %s', (uri) => {
    expect(problemOf(uri)).toBe('unknown')
  })

  it('of an offer has no checksum; its form is checked', () => {
    const offer = `lno1${'pg257enxv4ezqcneype82um50ynhxgrwdajx293pqglnyxw6q0h'.repeat(2)}`
    expect(problemOf(`lightning:${offer}`)).toBeUndefined()
    expect(problemOf(`bitcoin:?lno=${offer}`)).toBeUndefined()
    expect(problemOf(`lightning:${offer}1`)).toBe('wrong')
  })

  it('of a bank has the QR code of European banks, which no name can change', () => {
    const iban = 'payto://iban/DE75512108001245126199'
    const codeOf = (query: string) => describeSupport({ uri: `${iban}${query}` }).code
    const query = '?receiver-name=Mara%20Hollis&amount=EUR:12.5&message=Tides'
    expect(codeOf(query).split('\n')).toEqual(
      'BCD 002 1 SCT  Mara_Hollis DE75512108001245126199 EUR12.5   Tides'
        .split(' ')
        .map((it) => it.replace('_', ' ')),
    )
    const others = [
      '',
      `?receiver-name=${'a'.repeat(71)}`,
      '?receiver-name=A%0AGB82WEST12345698765432',
    ]
    const long = `?receiver-name=A&message=${'m'.repeat(300)}`
    for (const it of [...others, long]) expect(codeOf(it)).toBe(iban + it)
  })
})

describe('a way of support as people type it', () => {
  it.each([
    ['bitcoin:a', { uri: 'bitcoin:a' }],
    [' Tea <lightning:a@b.example> ', { uri: 'lightning:a@b.example', label: 'Tea' }],
    ['<https://a.example/>', { uri: 'https://a.example/' }],
    ['', { uri: '' }],
  ])('%j', (text, expected) => {
    expect(parseSupport(text)).toEqual(expected)
    expect(parseSupport(formatSupport(expected))).toEqual(expected)
  })
})
