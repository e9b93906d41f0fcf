import type { DiffRule } from '../model.ts'

/** What a change of a schema means, by the way the data goes. */
export const schemaRules = {
  'received-schema-narrowed': {
    area: 'schema',
    level: 'breaking',
    law: 'what others were allowed to send is no longer accepted',
    why: 'A parameter, a request body, or a message that the application receives: whoever sends it kept to the old schema. The finding shows an instance that was valid and is refused now.',
    fix: 'accept what was accepted before; put the stricter rule into a new version of the operation or message',
  },
  'received-schema-widened': {
    area: 'schema',
    level: 'minor',
    law: 'accepting more than before breaks nobody who sends',
    why: 'Everything that was valid still is.',
    fix: 'nothing to do',
  },
  'sent-schema-widened': {
    area: 'schema',
    level: 'breaking',
    law: 'what is sent may be something that its readers were promised never to get',
    why: 'A response, a webhook, or a message that the application sends: its readers check, parse or store it by the old schema. The finding shows an instance that may come now and that the old schema rejects.',
    fix: 'keep sending what the old schema says; send the new form beside it, under another name',
  },
  'sent-schema-narrowed': {
    area: 'schema',
    level: 'minor',
    law: 'promising more about what is sent breaks nobody who reads',
    why: 'Everything that may come now was to be expected before.',
    fix: 'nothing to do',
  },
  'property-added': {
    area: 'schema',
    level: 'minor',
    law: 'a new optional property is offered, and breaks nobody who lets unknown ones pass',
    why: 'Senders need not send it; readers that follow the tolerant policy pass over it. With `--policy strict`, for readers that refuse unknown properties, it is judged as what it is to them.',
    fix: 'nothing to do',
  },
  'property-removed': {
    area: 'schema',
    level: 'info',
    law: 'an optional property that is no longer declared breaks nobody who kept to the contract, and is missed by whoever uses it',
    why: 'Nobody was promised that it comes, and nobody has to be read: so no schema breaks. But who shows it, or sends it because it had an effect, finds nothing there, and no validator tells. A consumer that reads it should have it `required` in a document of its own; then the change is breaking, and names it.',
    fix: 'mark it `deprecated` first; ask those who use it',
  },
  'default-changed': {
    area: 'schema',
    level: 'warning',
    law: 'what is left out means something else than before',
    why: 'Who leaves it out kept to the contract, is still accepted, and gets another result: another page size, another currency. A default where there was none is a remark: what was done before, nobody had said. JSON Schema takes `default` as an annotation; whether the program follows it, the document does not tell.',
    fix: 'keep the default; let those who want the new one ask for it',
  },
  'integer-width-stated': {
    area: 'schema',
    level: 'warning',
    law: 'an `int64` where any integer was allowed rules out only what JSON implementations do not agree on',
    why: 'Integers beyond 2^53 - 1 are read differently from one JSON implementation to the next (RFC 8259, section 6), and JSON Schema takes `format` as an annotation unless a validator is told to assert it. Spandrel’s own validators do assert it: beyond 2^63 they refuse.',
    fix: 'nothing to do, unless somebody sends integers of more than 19 digits; those belong into texts',
  },
  'schema-not-decided': {
    area: 'schema',
    level: 'warning',
    law: 'where it cannot be decided whether a schema still fits, that is said, and nothing is called breaking',
    why: 'Two patterns, say, that cannot be compared within reason. The finding says which keyword it is.',
    fix: 'compare the two by hand; a simpler schema can be compared',
  },
  'schema-format-changed': {
    area: 'schema',
    level: 'warning',
    law: 'a schema in another language cannot be held against the one that was there',
    why: 'AsyncAPI takes payloads in Avro, Protobuf, RAML and others (`schemaFormat`). Such a schema is not read, only whether it changed. Mostly another language also means other bytes on the wire, which `contentType` has to say. The same language in another version is a remark.',
    fix: 'see that every reader has the new schema before the first message in it; or send it as a message of its own, beside the old one',
  },
} as const satisfies Record<string, DiffRule>
