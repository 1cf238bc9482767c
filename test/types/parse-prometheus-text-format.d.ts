declare module 'parse-prometheus-text-format' {
  interface ParsedMetric {
    readonly name: string
    readonly help: string
    /** In capitals. */
    readonly type: string
    readonly metrics: readonly {
      readonly value: string
      readonly labels?: Readonly<Record<string, string>>
    }[]
  }

  export default function parse(text: string): ParsedMetric[]
}
