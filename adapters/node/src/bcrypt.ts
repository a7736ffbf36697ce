import type { VerifyBcrypt } from '@pullway/core'
import { compare } from 'bcryptjs'

/** In steps of a tenth of a second, between which the mirror goes on. */
export const verifyBcrypt: VerifyBcrypt = (password, hash) => compare(password, hash)
