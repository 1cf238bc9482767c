import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, relative, sep } from 'node:path'

/**
 * @typedef {object} Rules
 * @property {Record<string, string[]>} ranks Files of each rank, as patterns below src/.
 * @property {Record<string, string[]>} apart Files, as a pattern, and those that they may not import all the same.
 * @property {Record<string, string[]>} onlyUsers The files that may import a package.
 * @property {string[]} portable Files that must run without Node.
 */

/**
 * @typedef {object} Internals
 * @property {string} list The file that lists them, as keys of the object `INTERNAL_MEMBERS`.
 * @property {string[]} users The files that may name them, as patterns below src/.
 */

/**
 * The linter's knowledge of how src/ is layered. The table itself is in .oxlintrc.json, under
 * `architecture/imports`; this only applies it to every import, export from and import(). `architecture/internals`
 * keeps members of packages that are not public in the one folder that knows them.
 */
export default {
  meta: { name: 'architecture' },
  rules: {
    imports: { meta: { type: 'problem', schema: false }, create },
    internals: { meta: { type: 'problem', schema: false }, create: createInternals },
  },
}

function create(context) {
  /** @type {Rules} */
  const rules = context.options[0]
  const root = join(context.cwd, 'src')
  const file = below(root, context.filename)
  const check = (node, typeOnly) => {
    const source = node.source
    if (source?.type !== 'Literal' || typeof source.value !== 'string') return
    const name = source.value
    const message = name.startsWith('.')
      ? fileComplaint(rules, file, below(root, join(dirname(context.filename), name)), typeOnly)
      : packageComplaint(rules, file, name)
    if (message !== undefined) context.report({ node: source, message })
  }
  return {
    Program(node) {
      if (rankOf(rules, file) !== undefined) return
      context.report({ node, message: `src/${file} has no rank: give it one in .oxlintrc.json.` })
    },
    ImportDeclaration: (node) => check(node, node.importKind === 'type'),
    ExportNamedDeclaration: (node) => check(node, node.exportKind === 'type'),
    ExportAllDeclaration: (node) => check(node, node.exportKind === 'type'),
    ImportExpression: (node) => check(node, false),
    TSImportType: (node) => check(node, true),
  }
}

function createInternals(context) {
  /** @type {Internals} */
  const { list, users } = context.options[0]
  const root = join(context.cwd, 'src')
  if (fits(users, below(root, context.filename))) return {}
  const members = membersIn(join(context.cwd, list))
  const check = (node, name) => {
    if (!members.has(name)) return
    const message = `${name} is an internal member of Hypercore: only ${users.join(', ')} may name it.`
    context.report({ node, message })
  }
  return {
    Identifier: (node) => check(node, node.name),
    Literal: (node) => check(node, node.value),
  }
}

const lists = new Map()

/** The keys of `INTERNAL_MEMBERS` in a source file. */
function membersIn(path) {
  const known = lists.get(path)
  if (known !== undefined) return known
  const [, body] = /INTERNAL_MEMBERS = \{([^}]*)\}/.exec(readFileSync(path, 'utf8')) ?? []
  if (body === undefined) throw new Error(`${path} has no INTERNAL_MEMBERS.`)
  const members = new Set([...body.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name))
  lists.set(path, members)
  return members
}

/** What is wrong with `file` importing `target`, both named below src/. */
function fileComplaint(rules, file, target, typeOnly) {
  if (target.startsWith('..')) return `src/ may not import what lies outside of it: ${target}.`
  const from = rankOf(rules, file)
  const to = rankOf(rules, target)
  // A file without a rank is reported once, in its own place.
  if (from === undefined || to === undefined) return undefined
  if (to > from) return `Upward import: ${file} is of rank ${from}, ${target} of rank ${to}.`
  if (to === from && folderOf(file) !== folderOf(target)) {
    return `Sideways import: ${file} and ${target} are both of rank ${to}, in different folders.`
  }
  for (const [pattern, others] of Object.entries(rules.apart)) {
    if (fits([pattern], file) && fits(others, target)) return `${file} knows nothing of ${target}.`
  }
  if (!typeOnly && fits(rules.portable, file) && !fits(rules.portable, target)) {
    return `${file} must run without Node, so it may only import the types of ${target}.`
  }
  return undefined
}

/** What is wrong with `file` importing a package or a Node built-in. */
function packageComplaint(rules, file, name) {
  if (isBuiltin(name) && fits(rules.portable, file)) {
    return `${file} must run without Node, so it may not import ${name}.`
  }
  const packageName = name.split('/', name.startsWith('@') ? 2 : 1).join('/')
  const users = rules.onlyUsers[packageName]
  if (users === undefined || fits(users, file)) return undefined
  return `Only ${users.join(', ')} may import ${packageName}.`
}

function rankOf(rules, file) {
  let longest = ''
  let rank
  for (const [number, patterns] of Object.entries(rules.ranks)) {
    for (const pattern of patterns) {
      if (pattern.length <= longest.length || !fits([pattern], file)) continue
      longest = pattern
      rank = Number(number)
    }
  }
  return rank
}

/** `**` stands for anything, `*` for anything inside one folder. */
function fits(patterns, file) {
  return patterns.some((pattern) => {
    const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    const source = escaped.replaceAll(/\*\*?/g, (star) => (star === '**' ? '.*' : '[^/]*'))
    return new RegExp(`^${source}$`).test(file)
  })
}

function folderOf(file) {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : ''
}

function below(root, path) {
  return relative(root, path).split(sep).join('/')
}
