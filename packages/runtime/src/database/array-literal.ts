/**
 * An array as PostgreSQL reads it (manual, 8.15.6 "Array Input and Output Syntax"): postgres.js takes an array of
 * booleans for a boolean.
 */
type Scalar = string | number | bigint | boolean | null | undefined

export function arrayLiteral(values: readonly Scalar[]): string {
  const element = (value: Scalar): string =>
    value === null || value === undefined ? 'NULL' : `"${String(value).replaceAll(/["\\]/g, '\\$&')}"`
  return `{${values.map(element).join(',')}}`
}
