/** `spandrel generate`: `<service>.contract.ts`, or `.js` and `.d.ts`, for each service that can import the runtime. */
import { dirname, join, resolve } from 'node:path'
import type { Service, System } from '../model/system.ts'
import { directedSystem } from '../schema/direction.ts'
import { readIfThere } from '../source/read-if-there.ts'
import { javascriptFiles, serviceFile } from './service-file.ts'

export interface GeneratedFile {
  readonly service: string
  /** absolute path */
  readonly file: string
  readonly text: string
}

export interface StaleFile {
  readonly service: string
  /** absolute path */
  readonly file: string
  readonly reason: 'missing' | 'different'
}

/** The text of one service's contract file. The same system gives the same text, on every machine. */
export function generateService(system: System, serviceName: string): string {
  const spoken = directedSystem(system)
  const service = spoken.services[serviceName]
  if (service === undefined) throw new Error(`the system ${system.name} has no service ${serviceName}`)
  return serviceFile(spoken, service, generatedPath(service))
}

/** The same as JavaScript, for a process that carries the messages of a service without code of ours. */
export function generateServiceJavaScript(system: System, serviceName: string): string {
  const spoken = directedSystem(system)
  const service = spoken.services[serviceName]
  if (service === undefined) throw new Error(`the system ${system.name} has no service ${serviceName}`)
  return javascriptFiles(spoken, service, generatedPath(service)).javascript
}

/** `javascript`: the services that get `.js` and `.d.ts` in place of `.ts` */
export interface GenerateOptions {
  readonly javascript?: (service: Service) => boolean
}

/** All contract files of a system, in the order of its services. Writes nothing. */
export function generateSystem(system: System, options: GenerateOptions = {}): GeneratedFile[] {
  const spoken = directedSystem(system)
  return Object.values(system.services)
    .filter(importsRuntime)
    .flatMap((declared): GeneratedFile[] => {
      const service = spoken.services[declared.name] ?? declared
      const file = generatedPath(service)
      if (options.javascript?.(service) !== true)
        return [{ service: service.name, file, text: serviceFile(spoken, service, file) }]
      const { javascript, declarations } = javascriptFiles(spoken, service, file)
      return [
        { service: service.name, file: file.replace(/\.ts$/, '.js'), text: javascript },
        { service: service.name, file: file.replace(/\.ts$/, '.d.ts'), text: declarations },
      ]
    })
}

/** Which of these files are not on disk as they would be generated now. Line ends do not count. */
export async function checkGenerated(files: readonly GeneratedFile[]): Promise<StaleFile[]> {
  const found = await Promise.all(
    files.map(async ({ service, file, text }): Promise<StaleFile | undefined> => {
      const present = await readIfThere(file)
      if (present === undefined) return { service, file, reason: 'missing' }
      return present.replaceAll('\r\n', '\n') === text ? undefined : { service, file, reason: 'different' }
    }),
  )
  return found.filter((each) => each !== undefined)
}

/** Nothing is generated for vendors, or for services of other languages: those get their messages by HTTP push. */
function importsRuntime(service: Service): boolean {
  return !service.external && service.events === undefined && service.documents.length > 0
}

const SCRIPT = /(?:^|\s)(\S+\.[mc]?[jt]s)(?=\s|$)/

/** Beside the script that `dev` runs, where the service's code is; without one, beside its `spandrel.yaml`. */
export function generatedPath(service: Service): string {
  const script = SCRIPT.exec(service.dev ?? '')?.[1]
  return join(script === undefined ? service.dir : dirname(resolve(service.dir, script)), `${service.name}.contract.ts`)
}
