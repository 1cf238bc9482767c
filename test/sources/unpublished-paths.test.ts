import { expect, it } from 'vitest'
import { withheldByPath } from '../../src/sources/unpublished-paths.ts'

it.each([
  ...[
    'drafts2',
    '_drafts.old',
    'Drafts-2024',
    'drafts – old',
    'Drafts 2024 Q1',
    'draft-ideas',
    'unpublished-2024',
    'not-published',
    'unsent',
    'work-in-progress',
    'scheduled-posts',
    'wip-2024',
  ].map((folder) => [folder, 'drafts']),
  ...['Private-2024', 'paid-posts', 'hidden_letters', 'supporters 2024', 'patreon'].map(
    (folder) => [folder, 'private'],
  ),
  ...['draft-beer', 'draftsmanship', '2024', 'letters-2024', 'old', 'privateer'].map((folder) => [
    folder,
    undefined,
  ]),
])('the folder %j holds %s', (folder, kind) => {
  expect(withheldByPath(`${folder}/a.md`)?.kind).toBe(kind)
})
