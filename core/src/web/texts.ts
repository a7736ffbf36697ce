import { type Html, html } from './html.ts'
import type { Language } from './language.ts'
import type { Client } from './snippets.ts'

/** All words of the page, in one language. */
export interface Texts {
  /** BCP 47, for the `lang` attribute. */
  readonly tag: string
  /** How the language calls itself. */
  readonly ownName: string
  /** What stands between two sentences. */
  readonly gap: string
  readonly title: string
  readonly about: string
  readonly tryIt: string
  readonly byName: string
  /** Where a name without a registry means Docker Hub. */
  readonly official: Html
  readonly byNameOverHttp: (host: string) => Html
  readonly logIn: string
  readonly logInFirst: string
  readonly logInForMore: string
  readonly logInOthers: Html
  readonly registries: string
  readonly isDefault: string
  readonly closedWorld: string
  readonly setUp: string
  readonly keepsNames: string
  readonly loopback: (origin: string) => Html
  readonly clients: Readonly<Record<Client, { readonly title: string; readonly note: Html }>>
  readonly mirrorPath: string
  readonly links: string
  readonly healthz: string
  readonly readyz: string
  readonly metrics: string
}

const english: Texts = {
  tag: 'en',
  ownName: 'English',
  gap: ' ',
  title: 'Container registry mirror',
  about:
    'Images that are pulled through this mirror come from their registries once, are checked against their digests, and stay here for everybody who pulls them next.',
  tryIt: 'Try it',
  byName: 'Put this host in front of an image’s name.',
  official: html`Docker Hub’s official images may go without <code>library/</code>.`,
  byNameOverHttp: (host) =>
    html`This address has no TLS: before Docker pulls from it by name, <code>${host}</code> must be
      among <code>insecure-registries</code> (below).`,
  logIn: 'Log in',
  logInFirst:
    'This mirror is for its users. Log in once with the name and password that you were given:',
  logInForMore: 'Pulling needs no login. With one, you may see more:',
  logInOthers: html`Podman, Skopeo and nerdctl have the same command. Where a client cannot log in
    to a mirror, as Docker with <code>registry-mirrors</code>, ask the operator for a token: with
    <code>/t/</code> and the token behind it, this address needs no login.`,
  registries: 'Registries',
  isDefault: 'default',
  closedWorld: 'No other registry is contacted. Pull only: this mirror takes no pushes.',
  setUp: 'Set it up for all pulls',
  keepsNames:
    'So configured, image names stay as they are, and a client goes to the registry itself when the mirror cannot help.',
  loopback: (origin) =>
    html`<code>${origin}</code> reaches this mirror from its own machine only. Open this page by an
      address that the clients can reach, and it shows that one.`,
  clients: {
    docker: {
      title: 'Docker',
      note: html`Then <code>systemctl reload docker</code>. Docker asks mirrors for Docker Hub’s
        images only; others are pulled by name as above.`,
    },
    containerd: {
      title: 'containerd, nerdctl, Kubernetes',
      note: html`Serves every registry of this mirror. containerd reads it at each pull, provided
        that <code>config_path</code> in its config.toml names <code>/etc/containerd/certs.d</code>;
        ctr needs <code>--hosts-dir</code>.`,
    },
    podman: {
      title: 'Podman, Buildah, Skopeo, CRI-O',
      note: html`Read at each pull; CRI-O wants a SIGHUP.`,
    },
    buildkit: {
      title: 'BuildKit, buildx',
      note: html`For a builder of its own, <code>docker buildx create --config FILE</code>; it does
        not read Docker’s daemon.json.`,
    },
    k3s: {
      title: 'K3s, RKE2',
      note: html`RKE2: <code>/etc/rancher/rke2</code>. Then restart the service.`,
    },
  },
  mirrorPath: 'The path in this address needs Docker 24.0.8 or newer.',
  links: 'State',
  healthz: 'the process runs',
  readyz: 'ready to serve: its cache can be written',
  metrics: 'for Prometheus',
}

const chinese: Texts = {
  tag: 'zh-CN',
  ownName: '中文',
  gap: '',
  title: '容器镜像的缓存代理',
  about:
    '经由本站拉取的镜像只会从原仓库下载一次，下载时逐字节校验摘要（digest），之后留在这里，供后来者直接取用。',
  tryIt: '试一试',
  byName: '把本站地址写在镜像名前面即可。',
  official: html`Docker Hub 的官方镜像可以省略 <code>library/</code>。`,
  byNameOverHttp: (host) =>
    html`此地址没有启用 TLS：要让 Docker 按上面的名字拉取，须先把 <code>${host}</code> 写进
      <code>insecure-registries</code>（见下文）。`,
  logIn: '登录',
  logInFirst: '本站仅供授权用户使用。请先用分配给你的用户名和密码登录一次：',
  logInForMore: '不登录也可以拉取；登录后或许能看到更多镜像：',
  logInOthers: html`Podman、Skopeo、nerdctl 的命令与此相同。有些客户端无法登录镜像站（例如 Docker 的
    <code>registry-mirrors</code>），请向管理员索取令牌：在本站地址后面加上
    <code>/t/</code> 和令牌，即可免登录使用。`,
  registries: '可用的仓库',
  isDefault: '默认',
  closedWorld: '除此之外不会访问任何仓库。本站只供拉取，不接受推送。',
  setUp: '让所有拉取都走本站',
  keepsNames: '照此配置后镜像名不必改动；本站帮不上忙时，客户端会自行去找原仓库。',
  loopback: (origin) =>
    html`<code>${origin}</code>
      只有本机才能访问。换一个客户端够得着的地址打开本页，下面的内容会随之改变。`,
  clients: {
    docker: {
      title: 'Docker',
      note: html`随后执行 <code>systemctl reload docker</code>。Docker 只为 Docker Hub
        的镜像使用此项配置，其他仓库的镜像请按上面的名字拉取。`,
    },
    containerd: {
      title: 'containerd、nerdctl、Kubernetes',
      note: html`对本站的所有仓库一并生效。只要 config.toml 里的 <code>config_path</code> 指向
        <code>/etc/containerd/certs.d</code>，containerd 每次拉取都会读取此文件；ctr 需要加上
        <code>--hosts-dir</code>。`,
    },
    podman: {
      title: 'Podman、Buildah、Skopeo、CRI-O',
      note: html`每次拉取时读取；CRI-O 需要发送 SIGHUP。`,
    },
    buildkit: {
      title: 'BuildKit、buildx',
      note: html`独立的构建器请用 <code>docker buildx create --config 文件</code> 创建，它不读取
        Docker 的 daemon.json。`,
    },
    k3s: {
      title: 'K3s、RKE2',
      note: html`RKE2 的目录是 <code>/etc/rancher/rke2</code>。改完后重启服务。`,
    },
  },
  mirrorPath: '此地址带有路径，需要 Docker 24.0.8 或更新版本。',
  links: '状态',
  healthz: '进程正在运行',
  readyz: '可以提供服务：缓存可写',
  metrics: '供 Prometheus 采集',
}

export const texts: Readonly<Record<Language, Texts>> = { en: english, zh: chinese }
