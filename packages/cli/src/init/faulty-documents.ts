/** Which of the contracts that were found have faults of their own: one would stop everything else. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommandError } from '../output/command-error.ts'
import { contractPackage } from '../system/open-system.ts'
import { type FaultyDocument, systemFile } from './plan.ts'
import type { Survey } from './survey.ts'

/** Reads them together, as `check` will: two that are good alone may name one operation twice. */
export async function faultyDocuments(found: Survey): Promise<FaultyDocument[]> {
  if (found.services.length === 0) return []
  const documents = found.services.flatMap((service) => service.documents)
  const faulty = new Map<string, number>()
  const folder = await mkdtemp(join(tmpdir(), 'spandrel-init-'))
  try {
    const file = join(folder, 'spandrel.yaml')
    // Each round leaves out at least one document.
    for (;;) {
      const list = [...faulty].map(([path, errors]) => ({ path, errors }))
      if (list.length === documents.length) return list
      await writeFile(
        file,
        systemFile(found, list, (path) => path),
      )
      const { checkSystem } = await contractPackage()
      const { findings } = await checkSystem(file)
      const errors = findings.filter(({ severity }) => severity === 'error')
      if (errors.length === 0) return list
      const before = faulty.size
      for (const error of errors) {
        const left = documents.filter((path) => !list.some((one) => one.path === path))
        const blamed = left.find((path) => path === error.file) ?? nearest(error.file, left)
        if (blamed !== undefined) faulty.set(blamed, (faulty.get(blamed) ?? 0) + 1)
      }
      if (faulty.size === before) {
        const [first] = errors
        throw new CommandError(`the contracts here cannot be read together: ${first?.message ?? ''}`, {
          where: first?.file,
          fix: 'correct that, or name the system with --name; `spandrel check FILE` reads one contract alone',
        })
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A fault in a file that a document refers to, or in its guarantees, is the document's: the one in the nearest folder. */
function nearest(file: string, documents: readonly string[]): string | undefined {
  const shared = (path: string): number => {
    let length = 0
    while (length < path.length && path[length] === file[length]) length++
    return length
  }
  return documents.toSorted((a, b) => shared(b) - shared(a))[0]
}
