import { getuid } from 'node:process'

/** An nginx that keeps all of its files in one folder and stays in the foreground. */
export function nginxCommand(folder: string, configFile: string): readonly string[] {
  return ['nginx', '-p', folder, '-e', 'error.log', '-c', configFile]
}

export function nginxConfig(httpBlock: string): string {
  return `
${getuid?.() === 0 ? 'user root;' : '' /* else a worker cannot enter the folder */}
daemon off;
worker_processes 1;
pid nginx.pid;
events { worker_connections 1024; }
http {
  client_body_temp_path temp/body;
  proxy_temp_path temp/proxy;
  fastcgi_temp_path temp/fastcgi;
  uwsgi_temp_path temp/uwsgi;
  scgi_temp_path temp/scgi;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 10000000;
${httpBlock}
}
`
}
