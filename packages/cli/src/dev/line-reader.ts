import { StringDecoder } from 'node:string_decoder'

/** Longest line that is kept whole; what follows is passed on as the next one. */
const longest = 256 * 1024

/** Cuts a stream into lines as they come; a last line without an end is passed on when the stream ends. */
export function readLines(stream: NodeJS.ReadableStream, line: (text: string) => void): void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  stream.on('data', (chunk: Buffer) => {
    rest += decoder.write(chunk)
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    for (const one of lines) line(one.endsWith('\r') ? one.slice(0, -1) : one)
    if (rest.length > longest) {
      line(rest)
      rest = ''
    }
  })
  stream.on('end', () => {
    rest += decoder.end()
    if (rest !== '') line(rest)
    rest = ''
  })
}
