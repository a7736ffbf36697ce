import * as z from 'zod/mini'
import { InvalidValue } from './mistakes.ts'
import { parseDuration } from './units.ts'

export type Given<T> = { readonly [Key in keyof T]?: T[Key] | undefined }

/** Where an item was wrong its place is empty. */
export type List<T> = readonly (T | undefined)[]

export function itemsOf<T>(list: List<T> | undefined): readonly T[] {
  return list?.filter((item) => item !== undefined) ?? []
}

// Functions, as the JSON Schema has one note for each place of a value.
export function flag(): z.ZodMiniType<boolean, string> {
  return z.pipe(
    z.enum(['true', 'false']),
    z.transform((text) => text === 'true'),
  )
}

export function duration(least: string, most: string): z.ZodMiniType<number, string> {
  return parsed((text) => parseDuration(text, { least, most }))
}

export function list<T>(item: z.ZodMiniType<T>): z.ZodMiniType<List<T> | undefined> {
  return z.optional(z.array(z.optional(item)))
}

export function parsed<T>(parse: (text: string) => T): z.ZodMiniType<T, string> {
  return z.pipe(
    z.string(),
    z.transform((text: string, context): T => {
      try {
        return parse(text)
      } catch (error) {
        if (!(error instanceof InvalidValue)) throw error
        context.issues.push({ code: 'custom', message: error.message, input: text })
        return z.NEVER
      }
    }),
  )
}

export function parseUsername(text: string): string {
  if (!text.includes(':')) return parseSecret(text)
  throw new InvalidValue('must be without ":": HTTP Basic authentication cannot carry it')
}

export function parseSecret(text: string): string {
  if (!/\p{Cc}/u.test(text)) return text
  throw new InvalidValue('contains a line break or another control character: remove it')
}

export function parsePath(text: string): string {
  if (!/\p{Cc}/u.test(text)) return text
  throw new InvalidValue('must be a path without control characters')
}
