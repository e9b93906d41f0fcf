import { isDeepStrictEqual } from 'node:util'
import type { JsonSchema } from '../model/schema.ts'
import type { AcceptsOptions, AcceptsResult } from './types.ts'

/** Compares pairs of schemas that share their options; what one pair teaches is remembered for the next. */
export function createAccepts(options: AcceptsOptions = {}): (reader: JsonSchema, writer: JsonSchema) => AcceptsResult {
  return (reader, writer) => {
    const same = isDeepStrictEqual(reader, writer) && isDeepStrictEqual(options.readerSchemas, options.writerSchemas)
    if (reader === true || writer === false || same) return { answer: 'yes', differences: [] }
    const place = {
      path: '',
      keyword: '$ref',
      reader: { pointer: '', value: reader },
      writer: { pointer: '', value: writer },
    }
    const reason = 'schemas that are not the same are not compared yet'
    return { answer: 'unknown', differences: [{ answer: 'unknown', ...place, reason }] }
  }
}

/** Whether every instance that the writer may produce is one that the reader accepts. */
export function accepts(reader: JsonSchema, writer: JsonSchema, options: AcceptsOptions = {}): AcceptsResult {
  return createAccepts(options)(reader, writer)
}
