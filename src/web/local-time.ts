/** A moment as people of this machine say it. */
export function localTime(timestamp: string): string {
  return new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' }).format(
    new Date(timestamp),
  )
}

/** Name of the time zone of this machine. */
export function localZone(): string {
  return new Intl.DateTimeFormat('en').resolvedOptions().timeZone
}
