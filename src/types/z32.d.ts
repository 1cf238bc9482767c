declare module 'z32' {
  const z32: {
    readonly ALPHABET: string
    encode(data: Uint8Array | string): string
    /** Throws a plain Error on a character outside the alphabet; checks neither length nor spare bits. */
    decode(text: string, out?: Uint8Array): Buffer
  }
  export default z32
}
