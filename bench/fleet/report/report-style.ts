// Style of the report: one column, light or dark as the reader's system is.

export const STYLE = `
:root{color-scheme:light dark;--text:#1c1e21;--quiet:#5c6470;--page:#fff;--line:#dfe3e8;--bar:#aab4c0;--ours:#d9480f}
@media (prefers-color-scheme:dark){:root{--text:#e6e8eb;--quiet:#9aa3af;--page:#15171a;--line:#2d3238;--bar:#56606c;--ours:#ff922b}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--text);background:var(--page);max-width:980px;margin:0 auto;padding:24px 16px 80px}
h1{font-size:26px;margin:0 0 4px}h2{font-size:19px;margin:44px 0 2px}h3{font-size:15px;margin:28px 0 2px}
p{margin:6px 0}.quiet,figcaption,td.about{color:var(--quiet);font-size:13px}
.charts{display:flex;flex-wrap:wrap;gap:20px;margin:12px 0}figure{margin:0;flex:1 1 440px;min-width:0}figure.wide{flex-basis:100%}
svg{width:100%;height:auto;font:12px system-ui,sans-serif}svg text{fill:var(--quiet)}svg rect{fill:var(--bar)}
svg .ours text{fill:var(--text);font-weight:600}svg .ours rect{fill:var(--ours)}
svg .grid{stroke:var(--line)}svg .line path{fill:none;stroke-width:1.6}svg .line circle{stroke:none}
svg .line.ours path{stroke:var(--ours);stroke-width:2.6}svg .line.ours circle{fill:var(--ours)}
${['#4c6ef5', '#0c8599', '#2b8a3e', '#ae3ec9', '#868e96', '#e67700', '#c2255c', '#5f3dc4']
  .map(
    (color, i) =>
      `svg .c${i} path{stroke:${color}}svg .c${i} circle,svg .c${i} text{fill:${color}}`,
  )
  .join('')}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
th,td{padding:2px 9px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{color:var(--quiet);font-weight:500}tr.ours td{font-weight:600}tr.missed td{color:var(--ours);font-weight:600}
td.about{white-space:normal;text-align:left}details{margin:8px 0}summary{cursor:pointer;color:var(--quiet);font-size:13px}
code{font-size:13px}`;
