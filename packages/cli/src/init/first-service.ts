/** A service to begin with, where there is no contract yet: one operation that is safe to repeat, and one that reads. */
export function firstContract(title: string): string {
  return `openapi: 3.1.0
info: { title: ${title}, version: 1.0.0, x-integration: { reason: whoever adds a note waits for its number } }
paths:
  /notes:
    post:
      operationId: addNote
      parameters:
        - { name: Idempotency-Key, in: header, required: true, schema: { type: string, maxLength: 200 } }
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [text]
              additionalProperties: false
              properties: { text: { type: string, minLength: 1, maxLength: 1000 } }
      responses:
        '201':
          description: It is kept.
          content: { application/json: { schema: { $ref: '#/components/schemas/Note' } } }
      # The same key again gets the first answer, for a day. It never makes a second note.
      x-guarantees:
        idempotency: { key: $request.header.Idempotency-Key, scope: global, retention: P1D }
    get:
      operationId: listNotes
      responses:
        '200':
          description: The notes, the oldest first.
          content:
            application/json: { schema: { type: array, items: { $ref: '#/components/schemas/Note' } } }
components:
  schemas:
    Note:
      type: object
      required: [id, text]
      properties: { id: { type: integer }, text: { type: string } }
`
}

export const firstMain = `import { createService, runUntilSignal } from '@spandrel/runtime'
import pg from 'pg'
import { notes } from './notes.contract.ts' // written by \`spandrel generate\`, and by \`spandrel dev\`

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, connectionTimeoutMillis: 5000 })
await pool.query('create table if not exists notes (id serial primary key, text text not null)')

const service = createService(notes, {
  database: pool,
  handlers: {
    // The row and the note that its key is done are one transaction: a request that comes twice adds one note.
    async addNote({ body: { text } }, { tx }) {
      const { rows } = await tx.query<{ id: number }>('insert into notes (text) values ($1) returning id', [text])
      return { status: 201, body: { id: rows[0]!.id, text } }
    },
    async listNotes(_request, { tx }) {
      const { rows } = await tx.query<{ id: number; text: string }>('select id, text from notes order by id')
      return { status: 200, body: rows }
    },
  },
})
await service.listen({ port: Number(process.env.PORT ?? 7001) })
await runUntilSignal(service)
await pool.end()
`
