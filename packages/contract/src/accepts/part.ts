/**
 * A schema taken apart. A schema holds where all of its parts hold, and fails where one of them does; each part belongs
 * to one keyword, so the part that fails names the difference.
 */
import type { SchemaNode } from './schema-node.ts'

interface PartBase {
  readonly id: number
  /** the schema it is part of */
  readonly owner: SchemaNode
  /** the reader's keyword this part came from */
  readonly keyword: string
  /** from the schema to the keyword, and into it */
  readonly steps: readonly string[]
  /** types of instances that can fail it */
  readonly types: number
}

export type Part = PartBase & PartShape

export type PartShape =
  | { readonly kind: 'never' }
  /** a reference that leads nowhere we can see: it may hold or fail, like others that are the `same` */
  | { readonly kind: 'opaque'; readonly reason: string; readonly same: string }
  | { readonly kind: 'type'; readonly mask: number }
  | { readonly kind: 'enum'; readonly values: readonly unknown[] }
  | { readonly kind: 'minimum' | 'maximum'; readonly limit: number; readonly exclusive: boolean }
  | { readonly kind: 'multipleOf'; readonly of: number }
  | { readonly kind: 'minLength' | 'maxLength'; readonly count: number }
  | { readonly kind: 'pattern'; readonly pattern: string }
  | { readonly kind: 'format'; readonly format: string }
  | { readonly kind: 'minItems' | 'maxItems' | 'minProperties' | 'maxProperties'; readonly count: number }
  | { readonly kind: 'uniqueItems' }
  | { readonly kind: 'prefixItem'; readonly index: number; readonly node: SchemaNode }
  | { readonly kind: 'items'; readonly from: number; readonly node: SchemaNode }
  | { readonly kind: 'contains'; readonly node: SchemaNode; readonly min: number; readonly max: number }
  | { readonly kind: 'required'; readonly name: string }
  | { readonly kind: 'property'; readonly name: string; readonly node: SchemaNode }
  | { readonly kind: 'patternProperty'; readonly pattern: string; readonly node: SchemaNode }
  | {
      readonly kind: 'additional'
      readonly names: ReadonlySet<string>
      readonly patterns: readonly string[]
      readonly node: SchemaNode
    }
  | { readonly kind: 'propertyNames'; readonly node: SchemaNode }
  | { readonly kind: 'dependentRequired'; readonly name: string; readonly needs: readonly string[] }
  | { readonly kind: 'dependentSchema'; readonly name: string; readonly node: SchemaNode }
  | { readonly kind: 'unevaluatedProperties' | 'unevaluatedItems'; readonly of: SchemaNode; readonly node: SchemaNode }
  | { readonly kind: 'all'; readonly node: SchemaNode }
  | { readonly kind: 'any' | 'one'; readonly nodes: readonly SchemaNode[] }
  | { readonly kind: 'not'; readonly node: SchemaNode }
  | {
      readonly kind: 'if'
      readonly condition: SchemaNode
      readonly whenTrue: SchemaNode | undefined
      readonly whenFalse: SchemaNode | undefined
    }

export type PartOf<Kind extends Part['kind']> = PartBase & Extract<PartShape, { readonly kind: Kind }>
