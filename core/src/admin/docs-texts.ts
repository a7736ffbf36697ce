import type { Language } from '../web/language.ts'

/** The words around the description, which is English as all messages of the mirror are. */
export interface DocsTexts {
  readonly title: string
  readonly about: string
  readonly english: string
  readonly machine: string
  readonly parameters: string
  readonly answers: string
  readonly schemas: string
}

const english: DocsTexts = {
  title: 'Admin API',
  about:
    'For the users that access.admins names, by name and password (HTTP Basic). It only tells: GET and HEAD.',
  english: '',
  machine: 'The same for programs, as OpenAPI 3.1:',
  parameters: 'Parameters',
  answers: 'Answers',
  schemas: 'What is in the answers',
}

const chinese: DocsTexts = {
  title: '管理 API',
  about:
    '供 access.admins 列出的用户使用，凭用户名和密码登录（HTTP Basic）。只能查询：GET 和 HEAD。',
  english: '以下说明取自接口描述本身，为英文。',
  machine: '供程序读取的同一份描述（OpenAPI 3.1）：',
  parameters: '参数',
  answers: '响应',
  schemas: '响应中的内容',
}

export const docsTexts: Readonly<Record<Language, DocsTexts>> = { en: english, zh: chinese }
