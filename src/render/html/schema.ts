import type { Schema } from 'hast-util-sanitize'

/**
 * The allow list for an issue's HTML: what the renderer itself makes, elements that format text, and nothing else: no
 * style, no event, no form, nothing that loads. `idPrefix` is the only beginning that an id, or a link within the page,
 * may have, so that no id takes the place of a name that a page or its scripts use.
 */
export function htmlSchema(idPrefix: string): Schema {
  const prefix = idPrefix.replace(/[^\w-]/g, '\\$&')
  const name = `${prefix}[\\p{L}\\p{N}\\p{M}_.:-]{1,100}`
  const id: [string, RegExp] = ['id', new RegExp(`^${name}$`, 'u')]
  const cell: [string, ...(string | RegExp)[]][] = [
    ['align', 'left', 'center', 'right'],
    ['colSpan', /^[1-9]\d{0,2}$/],
    ['rowSpan', /^[1-9]\d{0,2}$/],
  ]
  return {
    tagNames: (
      'a abbr bdi blockquote br caption cite code dd del details dfn dl dt em figcaption figure h1 h2 h3 h4 h5 h6 ' +
      'hr img ins kbd li mark ol p pre q rp rt ruby samp section small span strong sub summary sup table tbody td ' +
      'tfoot th thead time tr u ul var'
    ).split(' '),
    attributes: {
      '*': [],
      a: [
        [
          'href',
          new RegExp(
            `^(?:https?://|mailto:|tel:|hyperletter://|#${name}$|(?!//|#)[^\\s:\\\\]+$)`,
            'iu',
          ),
        ],
        ['rel', 'noopener', 'noreferrer', 'nofollow'],
        ['className', 'data-footnote-backref'],
        ['ariaLabel', /^Back to reference [\d-]+$/],
        'title',
        id,
      ],
      abbr: ['title'],
      dfn: ['title'],
      h1: [id],
      h2: [['className', 'sr-only'], id],
      h3: [id],
      h4: [id],
      h5: [id],
      h6: [id],
      code: [['className', /^language-[\w+#.-]{1,40}$/]],
      img: ['src', 'alt', 'title', ['loading', 'lazy']],
      li: [['className', 'task-list-item'], id],
      ol: ['start', ['className', 'contains-task-list']],
      section: [['className', 'footnotes']],
      span: [['className', 'missing-image', 'remote-image', 'task'], id],
      td: cell,
      th: cell,
      time: [['dateTime', /^[\dTZPWYMDHS:.+ -]{1,40}$/]],
      ul: [['className', 'contains-task-list']],
    },
    protocols: {
      href: ['http', 'https', 'mailto', 'tel', 'hyperletter'],
      src: ['http', 'https', 'blob'],
    },
    ancestors: {
      caption: ['table'],
      dd: ['dl'],
      dt: ['dl'],
      tbody: ['table'],
      td: ['table'],
      tfoot: ['table'],
      th: ['table'],
      thead: ['table'],
      tr: ['table'],
    },
    clobber: [],
    required: {},
    strip: ['script', 'style'],
    allowComments: false,
    allowDoctypes: false,
  }
}
