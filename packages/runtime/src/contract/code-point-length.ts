/** Length in Unicode code points, as JSON Schema counts `minLength` and `maxLength`; a lone surrogate counts as one. */
export function codePointLength(text: string): number {
  let length = text.length
  for (let i = 0; i < text.length - 1; i++) {
    // A pair is a high surrogate directly followed by a low one: two units, one code point.
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      length--
      i++
    }
  }
  return length
}
