import type { Nodes, Parents } from 'mdast'

/** Builds a tree from a flat list of beginnings and ends, without recursion. */
export class Builder {
  readonly #open: Parents[]

  constructor(parent: Parents) {
    this.#open = [parent]
  }

  /** The innermost open node. */
  get parent(): Parents | undefined {
    return this.#open.at(-1)
  }

  /** The innermost open node of a type. */
  within<T extends Parents['type']>(type: T): Extract<Parents, { type: T }> | undefined {
    return this.#open.findLast((it): it is Extract<Parents, { type: T }> => it.type === type)
  }

  /** What the innermost open node lies in. */
  get above(): Parents | undefined {
    return this.#open.at(-2)
  }

  /** Appends a node to the innermost open one. */
  add(node: Nodes): void {
    ;(this.parent as { children: Nodes[] } | undefined)?.children.push(node)
  }

  /** Appends a node and opens it. */
  begin(node: Parents): void {
    this.add(node)
    this.#open.push(node)
  }

  /** Opens a node that is appended to the outermost one. */
  beginApart(node: Parents): void {
    ;(this.#open[0] as { children: Nodes[] } | undefined)?.children.push(node)
    this.#open.push(node)
  }

  /** Closes the innermost open node, unless it is the one that all is built in. */
  end(): void {
    if (this.#open.length > 1) this.#open.pop()
  }
}
