import type { Schema } from 'hast-util-sanitize'

/**
 * The allow list for an issue's HTML: what the renderer itself makes and nothing else.
 * `idPrefix` is the only beginning that an id, or a link within the page, may have.
 */
export function htmlSchema(idPrefix: string): Schema {
  const prefix = idPrefix.replace(/[^\w-]/g, '\\$&')
  const footnote = `${prefix}fn(?:ref)?-\\d+(?:-\\d+)?`
  const id: [string, RegExp] = ['id', new RegExp(`^${footnote}$`)]
  return {
    tagNames: [
      'a',
      'blockquote',
      'br',
      'code',
      'del',
      'em',
      'figcaption',
      'figure',
      'h1',
      'h2',
      'h3',
      'h4',
      'h5',
      'h6',
      'hr',
      'img',
      'li',
      'ol',
      'p',
      'pre',
      'section',
      'span',
      'strong',
      'sup',
      'table',
      'tbody',
      'td',
      'th',
      'thead',
      'tr',
      'ul',
    ],
    attributes: {
      '*': [],
      a: [
        ['href', new RegExp(`^(?:https?://|mailto:|#${footnote}$)`, 'i')],
        ['rel', 'noopener', 'noreferrer', 'nofollow'],
        ['className', 'data-footnote-backref'],
        ['ariaLabel', /^Back to reference [\d-]+$/],
        'title',
        id,
      ],
      h2: [['className', 'sr-only']],
      code: [['className', /^language-[\w+#.-]{1,40}$/]],
      img: ['src', 'alt', 'title', ['loading', 'lazy']],
      li: [['className', 'task-list-item'], id],
      ol: ['start', ['className', 'contains-task-list']],
      section: [['className', 'footnotes']],
      span: [['className', 'missing-image', 'remote-image', 'task']],
      td: [['align', 'left', 'center', 'right']],
      th: [['align', 'left', 'center', 'right']],
      ul: [['className', 'contains-task-list']],
    },
    protocols: { href: ['http', 'https', 'mailto'], src: ['http', 'https', 'blob'] },
    ancestors: { tbody: ['table'], td: ['table'], th: ['table'], thead: ['table'], tr: ['table'] },
    clobber: [],
    required: {},
    strip: ['script', 'style'],
    allowComments: false,
    allowDoctypes: false,
  }
}
