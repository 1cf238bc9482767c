import { describe, expect, it } from 'vitest'
import { draftOfPost } from '../../../src/sources/services/post.ts'
import { renderWordpress } from '../../../src/sources/services/wordpress-text.ts'
import { skippedFor, type FoundDraft, type SkippedDraft } from '../../../src/sources/source.ts'

const MANY = 100_000

/** Texts that take a careless pattern very long. */
const texts = [
  '['.repeat(MANY),
  '[a '.repeat(MANY),
  `[a${' '.repeat(MANY)}`,
  `[a ${'b="'.repeat(MANY)}`,
  '[[a]'.repeat(MANY),
  '[a][/a]'.repeat(40_000),
  '[a]'.repeat(40_000) + '[/a]'.repeat(40_000),
  '<p'.repeat(MANY),
  '<pre>'.repeat(MANY),
  '<!-- wp:block {"ref":1} /-->'.repeat(30_000),
  `<div class="wp-block-embed__wrapper">${' '.repeat(MANY)}`,
  'https://a '.repeat(MANY),
  '\n'.repeat(MANY),
  '<!-- wp:premium-content/container -->'.repeat(30_000),
  `<img src="https://x/wp-content/${'?'.repeat(MANY)}">`,
  '<ul><li>'.repeat(40_000),
  '&amp;'.repeat(MANY),
]

describe('hostile texts of a post', () => {
  it.each(texts.map((text) => [`${text.slice(0, 24)} …`, text]))(
    'do no harm: %s',
    async (_, text) => {
      const blocks = new Map([['1', text.slice(0, 1_000)]])
      const context = { id: '1', attachments: new Map(), blocks, isOpen: false }
      const { html } = renderWordpress(text, context)
      const post = { id: 'x-1', title: 'T', date: '2026-01-01', body: { html } }
      const outcome: FoundDraft | SkippedDraft = await draftOfPost(post, {}).catch(
        (error: unknown) => skippedFor('x', error),
      )
      const isRefused = 'code' in outcome && /^(?:INVALID_DRAFT|TOO_LARGE)$/.test(outcome.code)
      expect(isRefused || ('draft' in outcome && outcome.draft.title === 'T')).toBe(true)
    },
    60_000,
  )
})
