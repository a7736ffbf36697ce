import type { CreateHasher } from '@pullway/core'
import { describe, expect, test } from 'vitest'
import { inPieces, makeBytes } from './content.ts'

/** Of NIST's examples for FIPS 180-4. */
const vectors = [
  {
    algorithm: 'sha256',
    text: '',
    hex: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  },
  {
    algorithm: 'sha256',
    text: 'abc',
    hex: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  },
  {
    algorithm: 'sha256',
    text: 'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    hex: '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  },
  {
    algorithm: 'sha256',
    text: 'a'.repeat(1_000_000),
    hex: 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0',
  },
  {
    algorithm: 'sha512',
    text: '',
    hex: 'cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e',
  },
  {
    algorithm: 'sha512',
    text: 'abc',
    hex: 'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  },
  {
    algorithm: 'sha512',
    text: 'a'.repeat(1_000_000),
    hex: 'e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b',
  },
] as const

/** What every CreateHasher does. */
export function describeHasher(name: string, createHasher: CreateHasher): void {
  describe(`${name} as a CreateHasher`, () => {
    test.each(vectors)('$algorithm of $text.length characters', ({ algorithm, text, hex }) => {
      const bytes = new TextEncoder().encode(text)
      for (const pieceBytes of [1_000_000, 4096, 63]) {
        const hasher = createHasher(algorithm)
        for (const piece of inPieces(bytes, pieceBytes)) hasher.update(piece)
        expect(hasher.hex()).toBe(hex)
      }
    })

    test('takes views into larger buffers for what they show', () => {
      const bytes = makeBytes(10_000)
      const [whole, copy] = [createHasher('sha256'), createHasher('sha256')]
      whole.update(bytes.subarray(17, 9_001))
      whole.update(new Uint8Array(0))
      copy.update(bytes.slice(17, 9_001))
      expect(whole.hex()).toBe(copy.hex())
    })

    test('two at once do not mix', () => {
      const [one, other] = [createHasher('sha256'), createHasher('sha256')]
      const abc = new TextEncoder().encode('abc')
      for (const byte of abc) {
        one.update(Uint8Array.of(byte))
        other.update(Uint8Array.of(0))
      }
      expect(one.hex()).toBe(vectors[1].hex)
      expect(other.hex()).not.toBe(vectors[1].hex)
    })
  })
}
