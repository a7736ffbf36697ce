/** Of the page alone: nothing is loaded from anywhere. */
export const style: string = `
:root { color-scheme: light dark; --text: #1c2430; --dim: #5a6675; --page: #f6f7f9; --card: #fff;
  --line: #dde2e8; --accent: #0b62c4; --code: #eef1f5 }
@media (prefers-color-scheme: dark) { :root { --text: #e4e8ee; --dim: #9aa6b4; --page: #12161c;
  --card: #1a2028; --line: #2e3742; --accent: #6cb2ff; --code: #0f1319 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.6 system-ui, sans-serif }
main, footer { max-width: 46rem; margin: 0 auto; padding: 0 1rem }
header { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem;
  max-width: 46rem; margin: 0 auto; padding: 1.25rem 1rem 0; color: var(--dim) }
header b { color: var(--text); letter-spacing: .02em }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 2rem 0 .25rem; overflow-wrap: anywhere }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .5rem }
p { margin: .5rem 0 }
a { color: var(--accent) }
code, pre { font: .875em/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
p code, h1 code { overflow-wrap: anywhere }
p code { background: var(--code); border-radius: .25rem; padding: .1em .3em }
pre { background: var(--code); border: 1px solid var(--line); border-radius: .5rem; margin: .75rem 0;
  padding: .75rem 1rem; overflow: auto; max-height: 22rem; white-space: pre-wrap;
  overflow-wrap: anywhere }
.dim { color: var(--dim) }
.note { border-left: 3px solid var(--accent); padding-left: .75rem }
.names { list-style: none; display: flex; flex-wrap: wrap; gap: .5rem; margin: .75rem 0; padding: 0 }
.names li { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .15rem .6rem; overflow-wrap: anywhere }
.names small { color: var(--dim); margin-left: .35rem }
details { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0;
  padding: 0 1rem }
summary { cursor: pointer; padding: .6rem 0; font-weight: 600 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: .5rem 0 }
dd { margin: 0; color: var(--dim) }
footer { padding-top: 2rem; padding-bottom: 3rem; color: var(--dim); font-size: .875rem }
`

/** What the Content-Security-Policy allows: the style above, by its sha256 in base64, and no other. */
export const styleHash: string = 'sha256-Gvp6Oj9wyX7/O6XQDKa+Ob59MEz25TelyfnGJyvDbwo='
