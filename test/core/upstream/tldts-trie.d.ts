/** An inner file of tldts: a tree whose edges carry the labels of names, from the last one on. */
declare module 'tldts/dist/es6/src/data/trie.js' {
  export const rulesRoot: number
  export const exceptionsRoot: number
  /** Of each node: not 0 where a rule ends. */
  export const nodeFlags: Uint8Array
  /** Of each node: its first edge; the next node's is the end. */
  export const edgeStart: Uint16Array
  export const edgeChild: Uint16Array
  export const edgeLength: Uint8Array
  /** The labels of all edges, one after the other. */
  export const labelText: string
}
