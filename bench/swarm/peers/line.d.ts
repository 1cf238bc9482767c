export interface Progress {
  readonly points: [number, number][]
  readonly before: NodeJS.CpuUsage
  add(sizeBytes: number): void
}

export function onCommand(name: string, run: () => void): void
export function ready(facts: object): void
export function tellTime(): void
export function progress(): Progress
export function finished(progress: Progress): void
