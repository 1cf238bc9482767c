import { expect, it } from 'vitest'
import { withoutMergeTags } from '../../../src/sources/services/merge-tags.ts'

it.each([
  ['Hi {{first_name}}, hello {{ name }} there', 'Hi, hello there'],
  ['Hi {{first_name|there}},', 'Hi there,', true],
  ['{{ subscriber.first_name | default: "reader" | capitalize }}!', 'reader!'],
  ['{{ subscriber.metadata.name|default:&quot;you&quot; }}', 'you'],
  ['{{ name|upper }}!', '!'],
  ['Dear *|FNAME|*, *|MC:SUBJECT|*!', 'Dear,!'],
  ['*|IF:FNAME|*Dear *|FNAME|**|ELSE:|*Hello*|END:IF|*!', 'Hello!'],
  ['{% if subscriber.first_name != "" %}Hi {{ x }}{% else %}Hello{% endif %}!', 'Hello!'],
  ['{% if name %}Hi{% endif %}.', '.'],
  [
    '```\n{{ a }}\n```\n`{{ a }}` <pre>*|A|*</pre> <code>{% b %}</code>{% c %}',
    '```\n{{ a }}\n```\n`{{ a }}` <pre>*|A|*</pre> <code>{% b %}</code>',
  ],
  ['a * b | c {d} {first}', 'a * b | c {d} {first}'],
])('shows %s to a reader of whom nothing is known', (text, expected, hasFallbacks = false) => {
  expect(withoutMergeTags(text, hasFallbacks)).toEqual({ text: expected, isCut: false })
})

it.each([
  ['a{% if is_premium %}x `y` z{% if name %}n{% else %}m{% endif %}o{% else %}p{% endif %}b', 'ab'],
  ['a{% if name %}b{% elif is_premium %}x{% else %}y{% endif %}c', 'ac'],
  ['a{% if is_premium %}x', 'a'],
])('hides what depends on who may read: %s', (text, expected) => {
  expect(withoutMergeTags(text)).toEqual({ text: expected, isCut: true })
})
