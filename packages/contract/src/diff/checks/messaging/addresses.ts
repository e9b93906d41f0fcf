import { createAccepts } from '../../../accepts/accepts.ts'
import type { AcceptsResult } from '../../../accepts/types.ts'
import type { AddressParameter } from '../../../model/message.ts'
import type { Schema } from '../../../model/schema.ts'
import type { Service } from '../../../model/system.ts'
import { parts } from '../../../schema/look-through.ts'
import type { Change } from '../../changes.ts'
import type { ServiceComparison } from '../../comparison.ts'
import { reporter } from '../../comparison.ts'
import { awaitedOf, breaksNobody } from '../../consumers.ts'
import type { Fit } from '../../consumers.ts'
import type { Consumer, DiffRule } from '../../model.ts'
import { schemaRules } from '../../schemas/schema-rules.ts'
import type { AsyncOperation, AsyncPair } from './async-pair.ts'
import { onTheWire } from './async-pair.ts'

/** What may stand in the braces of an address. */
export const addressRules = {
  'received-addresses-narrowed': {
    area: 'message',
    level: 'breaking',
    law: 'what is sent to an address where nobody listens any more is never handled',
    why: 'Senders fill in the parameter as the old contract let them. Nothing fails: the messages are only never handled. Who sends an event expects nothing of who hears it: where all senders are known, and send it as that or keep to what is left, it is a warning.',
    fix: 'listen at the old addresses until nobody sends there',
  },
  'received-addresses-widened': {
    area: 'message',
    level: 'minor',
    law: 'listening at more addresses breaks nobody who sends',
    why: 'Every address that was listened at still is.',
    fix: 'nothing to do',
  },
  'sent-addresses-narrowed': {
    area: 'message',
    level: 'breaking',
    law: 'who listens at an address where nothing is sent any more waits in vain',
    why: 'An address is no value that a reader checks: it is where a reader waits. So fewer addresses are less, as a message that is no longer sent is. Where the old contract allowed any text, nobody was promised a certain address: then it is a warning.',
    fix: 'go on sending there until nobody listens; say first where the messages go instead',
  },
  'sent-addresses-widened': {
    area: 'message',
    level: 'warning',
    strict: 'breaking',
    law: 'who listens at each address misses what goes to a new one, and who listens at all meets one that was ruled out',
    why: 'What the readers have goes on as before. Whether they have to hear of the new address, too, the documents do not tell.',
    fix: 'tell the readers of the new address before the first message goes there',
  },
  'address-parameter-changed': {
    area: 'message',
    level: 'warning',
    law: 'a message whose address is filled in from elsewhere may go to another address than before',
    why: 'The `default` is taken where nobody fills the parameter in, and `location` says which part of the message it is filled in from. Of an operation that receives it is a remark: whoever goes on as before is still heard.',
    fix: 'keep it; fill in the parameter where another address is meant',
  },
} as const satisfies Record<string, DiffRule>

/** Parameters of one address are known by their place in it; of two addresses, by name. */
export function checkAddresses(pair: AsyncPair, comparison: ServiceComparison): void {
  const { base, revision } = pair
  const same = onTheWire(base.channel) === onTheWire(revision.channel)
  for (const [index, after] of revision.parameters.entries()) {
    const before = same ? base.parameters[index] : base.parameters.find(({ name }) => name === after.name)
    if (before === undefined) continue
    compareValues(before, after, pair, comparison)
    compareOrigin(before, after, pair, comparison)
  }
}

function compareValues(
  before: AddressParameter,
  after: AddressParameter,
  pair: AsyncPair,
  comparison: ServiceComparison,
): void {
  if (comparison.schemas.unchanged(before.schema, after.schema)) return
  const { service, revision } = pair
  const sent = revision.kind === 'send'
  const report = reporter({ ...addressRules, ...schemaRules }, comparison.changes, pair.subject)
  const relation = (reader: Service, writer: Service) => related(reader, writer, comparison)
  const fewer = relation(service.revision, service.base)(after.schema, before.schema)
  const more = relation(service.base, service.revision)(before.schema, after.schema)
  const where = {
    base: before.location,
    place: `address parameter ${after.name}`,
    direction: sent ? 'sent' : 'received',
  } as const
  const change = ({ differences: [first] }: AcceptsResult): Omit<Change, 'message'> => ({
    ...where,
    at: first === undefined ? after.location : comparison.revision.locate(after.schema.location, [first.keyword]),
    // Once for a channel, not once for each of its operations.
    keyword: first?.keyword ?? 'enum',
    before: before.schema.schema,
    after: after.schema.schema,
  })
  const listed = [valuesOf(before.schema, service.base), valuesOf(after.schema, service.revision)] as const
  if (fewer.answer === 'no') {
    const narrowed = others(pair, after, comparison, (other, by, operation) => {
      const fit = relation(service.revision, by)(after.schema, other.schema)
      return sent ? listens(other, by, fit) : fills(fit, operation)
    })
    const gone = shown(fewer, listed[0], listed[1])
    report(sent ? 'sent-addresses-narrowed' : 'received-addresses-narrowed', {
      ...change(fewer),
      message: sent
        ? `nothing is sent where \`{${after.name}}\` is ${gone} any more`
        : `nobody listens where \`{${after.name}}\` is ${gone} any more`,
      ...((sent ? listed[0] === undefined : breaksNobody(narrowed)) ? { level: 'warning' } : {}),
      consumers: narrowed,
    })
  }
  if (more.answer === 'no') {
    const added = shown(more, listed[1], listed[0])
    report(sent ? 'sent-addresses-widened' : 'received-addresses-widened', {
      ...change(more),
      message: sent
        ? `messages may go where \`{${after.name}}\` is ${added}, too`
        : `it listens where \`{${after.name}}\` is ${added}, too`,
      consumers: sent
        ? others(pair, after, comparison, (other, by) =>
            hears(relation(by, service.revision)(other.schema, after.schema)),
          )
        : [],
    })
  }
  const undecided = [fewer, more].find(({ answer }) => answer === 'unknown')?.differences[0]
  if (undecided?.answer === 'unknown' && fewer.answer !== 'no') {
    const message = `whether \`{${after.name}}\` may still be what it could be is not known: ${undecided.reason}`
    report('schema-not-decided', { ...change(fewer), message })
  }
}

function compareOrigin(
  before: AddressParameter,
  after: AddressParameter,
  pair: AsyncPair,
  comparison: ServiceComparison,
): void {
  const report = reporter(addressRules, comparison.changes, pair.subject)
  const said = (value: string | undefined): string => (value === undefined ? 'not set' : `\`${value}\``)
  for (const [member, was, is] of [
    ['default', before.default, after.default],
    ['location', before.from, after.from],
  ] as const) {
    if (was === is) continue
    report('address-parameter-changed', {
      at: after.location,
      base: before.location,
      place: `address parameter ${after.name}`,
      message: `the ${member} of \`{${after.name}}\` is ${said(is)} now, and was ${said(was)}`,
      keyword: member,
      ...(was === undefined ? {} : { before: was }),
      ...(is === undefined ? {} : { after: is }),
      ...(pair.revision.kind === 'receive' ? { level: 'info' } : {}),
    })
  }
}

function related(reader: Service, writer: Service, { policy }: ServiceComparison) {
  const accepts = createAccepts({ policy, readerSchemas: reader.schemas, writerSchemas: writer.schemas })
  return (one: Schema, other: Schema): AcceptsResult => accepts(one.schema, other.schema)
}

/** Who is at the other end, by what its own contract lets stand in the same place of the address. */
function others(
  { base, service, revision }: AsyncPair,
  parameter: AddressParameter,
  { landscape }: ServiceComparison,
  judge: (other: AddressParameter, by: Service, operation: AsyncOperation) => Fit,
): readonly Consumer[] {
  const index = revision.parameters.indexOf(parameter)
  const meets = (other: AsyncOperation): boolean => onTheWire(other.channel) === onTheWire(base.channel)
  return landscape.otherEnd(service.revision.name, base.kind, meets, (other, by) => {
    const theirs = other.parameters[index]
    return theirs === undefined
      ? { broken: 'unknown', because: () => `is at ${other.channel}` }
      : judge(theirs, by, other)
  })
}

/** Of a sender: whether it keeps to the addresses that are left, or expects nothing of who listens at the others. */
function fills({ answer, differences: [first] }: AcceptsResult, operation: AsyncOperation): Fit {
  if (answer === 'yes')
    return { broken: 'no', because: (when) => `all that it${when} may send to is still listened at` }
  if (first?.answer !== 'no') return { broken: 'unknown', because: () => 'where it sends to could not be compared' }
  const own = (when: string): string =>
    `its own contract${when} lets it send where this is ${JSON.stringify(first.witness)}`
  const awaited = awaitedOf(operation)
  if (awaited === undefined)
    return { broken: 'no', because: (when) => `${own(when)}, and expects nothing of who listens` }
  return { broken: 'yes', because: (when) => `${own(when)}, and waits for what comes of ${awaited}` }
}

/** Of a receiver: whether it waits at an address that nothing goes to. Who listens everywhere waits at none. */
function listens(own: AddressParameter, by: Service, { answer, differences: [first] }: AcceptsResult): Fit {
  if (valuesOf(own.schema, by) === undefined) return { broken: 'no', because: () => 'listens at every address' }
  if (answer === 'yes') return { broken: 'no', because: (when) => `it${when} listens only where messages still go` }
  if (first?.answer !== 'no') return { broken: 'unknown', because: () => 'where it listens could not be compared' }
  return { broken: 'yes', because: (when) => `it${when} listens where this is ${JSON.stringify(first.witness)}` }
}

/** Of a receiver: whether it hears what goes to the new addresses. */
function hears({ answer }: AcceptsResult): Fit {
  return answer === 'yes'
    ? { broken: 'no', because: (when) => `it${when} listens at the new addresses, too` }
    : { broken: 'unknown', because: (when) => `it${when} does not listen at all of the new addresses` }
}

/** The values that are gone, where they are counted; otherwise one that shows it. */
function shown(
  { differences: [first] }: AcceptsResult,
  all: readonly string[] | undefined,
  kept: readonly string[] | undefined,
): string {
  const gone = kept === undefined ? undefined : all?.filter((value) => !kept.includes(value))
  if (gone === undefined || gone.length === 0) {
    return first?.answer === 'no' ? `for instance ${JSON.stringify(first.witness)}` : 'something else'
  }
  const few = gone.slice(0, 4).map((value) => `\`${value}\``)
  return gone.length > 4 ? `${few.join(', ')} … (${gone.length})` : few.join(' or ')
}

/** Where there are only so many. */
function valuesOf({ schema }: Schema, { schemas }: Service): readonly string[] | undefined {
  for (const part of parts(schema, schemas)) {
    if (Array.isArray(part['enum'])) return part['enum'].map(String)
    if ('const' in part) return [String(part['const'])]
  }
  return undefined
}
