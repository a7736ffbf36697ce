export const languages = ['en', 'zh'] as const
export type Language = (typeof languages)[number]
type Text = Readonly<Record<Language, string>>

/** What a platform may truly lack. All else that the suite asks for holds on every target. */
export const capabilities = {
  'keeps-blobs': { en: 'keeps blobs', zh: '保存 blob' },
  'streams-blobs': { en: 'sends blobs of any size itself', zh: '任意大小的 blob 都自行发送' },
  'verifies-blobs': { en: 'verifies blobs on their way', zh: '边传边校验 blob' },
  'shares-downloads': { en: 'one download for all clients', zh: '多个客户端共享一次下载' },
  'limits-bandwidth': { en: 'limits bandwidth', zh: '限制带宽' },
  'survives-restart': { en: 'cache survives a restart', zh: '重启后缓存仍在' },
  'takes-large-pushes': { en: 'takes pushes of any size', zh: '推送大小不限' },
} as const satisfies Readonly<Record<string, Text>>

export type Capability = keyof typeof capabilities

interface Platform {
  readonly title: Text
  /** The reason for each capability that is not there. */
  readonly lacks: Readonly<Partial<Record<Capability, Text>>>
}

/** Read by the suite, which does not ask a target for what it lacks, and printed by both READMEs. */
export const platforms = {
  node: { title: { en: 'Node', zh: 'Node' }, lacks: {} },
  cloudflare: {
    title: { en: 'Cloudflare Workers', zh: 'Cloudflare Workers' },
    lacks: {
      'verifies-blobs': { en: 'when R2 keeps them', zh: '存入 R2 时校验' },
      'shares-downloads': { en: 'no: passed through', zh: '否：直接转发' },
      'takes-large-pushes': { en: 'up to 100 MB at once', zh: '每次不超过 100 MB' },
      'limits-bandwidth': { en: 'no: CPU time for every byte', zh: '否：每个字节都要 CPU 时间' },
    },
  },
  'vercel-node': {
    title: { en: 'Vercel, Node', zh: 'Vercel，Node' },
    lacks: {
      'keeps-blobs': { en: 'with S3', zh: '需要 S3' },
      'survives-restart': { en: 'with S3 and Redis', zh: '需要 S3 和 Redis' },
      'takes-large-pushes': { en: 'up to 4.5 MB at once', zh: '每次不超过 4.5 MB' },
    },
  },
  'vercel-edge': {
    title: { en: 'Vercel, edge', zh: 'Vercel，edge' },
    lacks: {
      'keeps-blobs': { en: 'with S3', zh: '需要 S3' },
      'verifies-blobs': { en: 'when S3 keeps them', zh: '存入 S3 时校验' },
      'shares-downloads': { en: 'no: passed through', zh: '否：直接转发' },
      'survives-restart': { en: 'with S3 and Redis', zh: '需要 S3 和 Redis' },
      'takes-large-pushes': { en: 'up to 4.5 MB at once', zh: '每次不超过 4.5 MB' },
    },
  },
  lambda: {
    title: { en: 'AWS Lambda', zh: 'AWS Lambda' },
    lacks: {
      'keeps-blobs': { en: 'with S3', zh: '需要 S3' },
      'streams-blobs': { en: 'up to 6 MiB, else a link', zh: '6 MiB 以内，更大的给出链接' },
      'verifies-blobs': { en: 'those that it sends', zh: '仅限自行发送的' },
      'shares-downloads': { en: 'no: an instance a request', zh: '否：每个请求一个实例' },
      'survives-restart': { en: 'with S3 and Redis', zh: '需要 S3 和 Redis' },
      'takes-large-pushes': { en: 'up to 4.4 MB at once', zh: '每次不超过 4.4 MB' },
    },
  },
} as const satisfies Readonly<Record<string, Platform>>

export type TargetName = keyof typeof platforms

export const targetNames = Object.keys(platforms) as readonly TargetName[]

export function lacks(target: TargetName, capability: Capability): boolean {
  return capability in platforms[target].lacks
}

const words: Readonly<Record<Language, { readonly corner: string; readonly yes: string }>> = {
  en: { corner: 'runs on', yes: 'yes' },
  zh: { corner: '运行平台', yes: '是' },
}

/** The cells of the README's table, its head first. */
export function tableOf(language: Language): readonly (readonly string[])[] {
  const names = Object.keys(capabilities) as Capability[]
  const { corner, yes } = words[language]
  const rows = Object.values<Platform>(platforms).map(({ title, lacks: reasons }) => [
    title[language],
    ...names.map((name) => reasons[name]?.[language] ?? yes),
  ])
  return [[corner, ...names.map((name) => capabilities[name][language])], ...rows]
}
