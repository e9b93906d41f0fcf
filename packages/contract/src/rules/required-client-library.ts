import { basename, dirname, join, resolve } from 'node:path'
import type { SourceLocation } from '../model/location.ts'
import type { Service } from '../model/system.ts'
import { placeIn } from './repository/place-in.ts'
import type { Dependency, Manifest } from './repository/manifests.ts'
import { readManifest } from './repository/manifests.ts'
import type { Repository } from './repository/repository.ts'
import type { Rule } from './rule.ts'

export const requiredClientLibrary: Rule = {
  id: 'required-client-library',
  severity: 'error',
  area: 'coupling',
  formats: ['repository'],
  law: 'no service is built with code of another service',
  why:
    'A client library that a service hands out puts its code, its dependencies and its bugs into every caller. Callers ' +
    'in another language are shut out, and a change of the library must be deployed everywhere at once. A contract is ' +
    'enough: a client can be generated from it.',
  fix: 'generate a client from the contract, and remove the dependency',
  *check({ repository }) {
    for (const { consumer, provider, library, at } of clientLibraries(repository)) {
      yield {
        at,
        subject: consumer,
        message: `\`${consumer}\` is built with \`${library}\`, which is code of \`${provider}\``,
      }
    }
  },
}

/** A service that is built with another one's code. */
export interface ClientLibrary {
  readonly consumer: string
  readonly provider: string
  /** as its manifest names it */
  readonly library: string
  readonly at: SourceLocation
}

const manifestNames = ['package.json', 'pyproject.toml', 'requirements.txt', 'go.mod', 'pom.xml']

/** The manifests of a service: what it is built with. */
export function manifestsOf(service: Service, repository: Repository): readonly string[] {
  return repository.named(...manifestNames).filter((file) => repository.ownerOf(file)?.name === service.name)
}

export function clientLibraries(repository: Repository): readonly ClientLibrary[] {
  const found: ClientLibrary[] = []
  const manifests = repository.named(...manifestNames).flatMap((file) => {
    const text = repository.text(file)
    const service = repository.ownerOf(file)
    return text === undefined || service === undefined ? [] : [{ ...readManifest(file, text), service, text }]
  })
  for (const manifest of manifests) {
    for (const dependency of manifest.dependencies) {
      const other = builtBy(dependency, manifest, manifests, repository)
      if (other === undefined || other.service.name === manifest.service.name) continue
      if (isGenerated(other.folder, repository)) continue
      found.push({
        consumer: manifest.service.name,
        provider: other.service.name,
        library: dependency.name,
        at: placeIn(manifest.file, manifest.text, dependency.index),
      })
    }
  }
  return found
}

type Owned = Manifest & { readonly service: Service }

/** Whose folder a dependency comes from: by its path, else by the name that another manifest gives itself. */
function builtBy(
  { name, path }: Dependency,
  from: Owned,
  all: readonly Owned[],
  repository: Repository,
): { readonly service: Service; readonly folder: string } | undefined {
  if (path !== undefined) {
    const folder = resolve(dirname(from.file), path)
    const service = repository.ownerOf(join(folder, basename(from.file)))
    return service === undefined ? undefined : { service, folder }
  }
  const manifest = all.find((one) => one.kind === from.kind && one.name === name && one.file !== from.file)
  return manifest === undefined ? undefined : { service: manifest.service, folder: dirname(manifest.file) }
}

/** Generators leave their mark: a file of their own, or the first lines of what they write. */
function isGenerated(folder: string, repository: Repository): boolean {
  const inside = repository.files.filter((file) => file.startsWith(`${folder}/`))
  if (inside.some((file) => /(^|[\\/])(openapitools\.json|\.openapi-generator-ignore|orval\.config\.\w+)$/.test(file)))
    return true
  const sources = inside.filter((file) => /\.(ts|js|mjs|py|go|java|kt|cs|rb)$/.test(file))
  const marked = sources.filter((file) => /\b(auto-?)?generated\b/i.test(repository.text(file)?.slice(0, 600) ?? ''))
  return sources.length > 0 && marked.length === sources.length
}
