import { type Nginx, startNginx } from '../nginx.ts'

/** nginx over the registry's data folder, which answers 400 to a signed URL's second Authorization. */
export function startCdn(folder: string, storage: string): Promise<Nginx> {
  return startNginx({
    name: 'CDN',
    folder,
    server: `root ${storage};
    if ($http_authorization) { return 400; }`,
  })
}
