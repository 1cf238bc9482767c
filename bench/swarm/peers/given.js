/** What a peer is started with: an object as JSON. */
export const given = JSON.parse(process.argv[2] ?? '{}')
