import { describe, expect, it } from 'vitest'
import { readMdx } from '../../src/sources/mdx.ts'
import { expectLinear } from '../helpers/growth.ts'

const read = (text: string) => readMdx(text).text

describe('readMdx', () => {
  it.each([
    ["import A, { B } from './a'\nimport {\n  C,\n} from 'c'\n# Low", '\n\n\n\n# Low'],
    [
      'export default function Page({ children }) {\n\n  return <div>{children}</div>\n}\n\na',
      '\n\n\n\n\na',
    ],
    ['export const a = ":("\n\nb\n\nc', '\n\nb\n\nc'],
    ['import duties rose {a', 'import duties rose {a'],
    ['a {/* b\nc */} d', 'a \n d'],
    [
      'import pier from \'../b.png\'\n\n<Image src={pier} alt="a" width={30} />',
      '\n\n<img src="../b.png" alt="a" width="30">',
    ],
    [
      "<img src={require('./b.png').default} alt={'a'} style={{ width: 3 }} />",
      '<img src="./b.png" alt="a"/>',
    ],
    ['<YouTube id="abc" />', '[www.youtube.com/watch?v=abc](https://www.youtube.com/watch?v=abc)'],
    ['<Callout type="warning" title="Low">\n  a\n</Callout>', ':::warning[Low]\na\n:::'],
    ['<Note>a</Note> <>b</>', 'a b'],
    [
      '<Tabs>\n  <Tab label="One">\n    a\n\n    ```js\n    <B />\n    ```\n  </Tab>\n</Tabs>\n    c',
      '\n**One**<br>\na\n\n```js\n<B />\n```\n\n\n    c',
    ],
    [
      '`<A b={c} />` and a < b and <https://a.example>',
      '`<A b={c} />` and a < b and <https://a.example>',
    ],
    ['```jsx\nimport a from "b"\n<A />\n```', '```jsx\nimport a from "b"\n<A />\n```'],
  ])('reads %j', (text, expected) => {
    expect(read(text)).toBe(expected)
    expect(read(text.replaceAll('\n', '\r\n')).replaceAll('\r', '')).toBe(expected)
  })

  it('tells what it leaves out', () => {
    expect(readMdx('{/* a */}\n\n<B c={1} />\n\n{d.e}').warnings).toEqual([
      { message: 'A comment is left out.' },
      { message: 'Components that show nothing without their site are left out (<B>).' },
      { message: 'An expression is published as written: {d.e}.' },
    ])
  })

  it.each(['<A b={', '{/* ', 'export const a = {\n\n', '<A>\n  '])(
    'takes time in proportion to %j',
    { timeout: 120_000 },
    async (unit) => {
      await expectLinear({ unit }, read)
    },
  )
})
