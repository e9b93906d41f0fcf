import { loadSide, type Side } from '../src/diff/load-side.ts'
import type { Files } from '../src/source/files.ts'

/** One side of a comparison, from texts by file name: a system where `spandrel.yaml` is one of them. */
export function sideOf(texts: Readonly<Record<string, string>>): Side {
  const bytes = new Map(Object.entries(texts).map(([name, text]) => [`/${name}`, new TextEncoder().encode(text)]))
  const found = (file: string): Uint8Array => {
    const content = bytes.get(file)
    if (content === undefined) throw Object.assign(new Error(file), { code: 'ENOENT' })
    return content
  }
  const files: Files = { stat: (file) => ({ size: found(file).length, isFile: () => true }), read: found }
  const documents = [...bytes.keys()].map((file) => ({ name: file.slice(1).replace(/\.\w+$/, ''), file }))
  const side = loadSide(bytes.has('/spandrel.yaml') ? { system: '/spandrel.yaml' } : { documents }, { files })
  if (side.system === undefined) throw new Error(JSON.stringify(side.findings, undefined, 2))
  return side
}
