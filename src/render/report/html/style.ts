/** The page's style. Its digest is in the page's policy, so there are no style attributes. */

// The hues of Okabe and Ito, which people with red-green colour blindness can distinguish, adjusted for contrast.
const LIGHT = `color-scheme:light;
--back:#f6f7f9;--card:#fff;--text:#1b1f24;--soft:#57606a;--line:#d5dae0;--focus:#0550ae;--link:#0550ae;--hover:#eef2f7;
--ok:#0a7d4f;--failed:#b3261e;--unverified:#a4367c;--unknown:#8a5a00;--skipped:#57606a;--not_started:#6f42a5;--retrying:#8a5a00;--pending:#57606a;
--waiting:#9aa4af;--download:#63a9e0;--upgrade:#0b5394;--running:#3f86c4;--paused:#b07d00;--silence:#d55e00;--retry_wait:#a06fb5;--verifying:#009e73;--outage:#b3261e22;`;
const DARK = `color-scheme:dark;
--back:#0e1216;--card:#161b21;--text:#e8ecf0;--soft:#a3adb8;--line:#323a43;--focus:#7cb8ff;--link:#7cb8ff;--hover:#1e252d;
--ok:#4cc38a;--failed:#ff8a80;--unverified:#f08fc8;--unknown:#f0b849;--skipped:#a3adb8;--not_started:#c8a2f0;--retrying:#f0b849;--pending:#a3adb8;
--waiting:#69747f;--download:#4f9bd9;--upgrade:#b7dcff;--running:#86c0f0;--paused:#e0b040;--silence:#ff9d5c;--retry_wait:#d2a8e6;--verifying:#56d6ac;--outage:#ff8a8033;`;

// The widths of the columns in the list of devices; the last column gets the rest. Set here, because a browser needs long to
// compute them.
const WIDTHS = [14, 13, 15, 12, 6, 6, 8];
const KINDS = ['ok', 'failed', 'unverified', 'unknown', 'skipped', 'not_started', 'retrying'];
/** Kinds of a running upgrade, with the colour of their text. In bars they have the colour of their phase. */
const MOVING = { running: 'link', verifying: 'ok', paused: 'unknown', waiting: 'pending' };
const PHASES = ['waiting', 'download', 'upgrade', 'running', 'paused', 'silence', 'retry_wait', 'verifying'];

/** The style sheet of the page. */
export const STYLE = `
:root{${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
:root[data-theme=light]{${LIGHT}}
:root[data-theme=dark]{${DARK}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
main{max-width:1280px;margin:0 auto;padding:16px}
code,.sn{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.92em;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.25;margin:.2em 0 .3em}
h2{font-size:1.15rem;margin:0 0 .6em}
h3{font-size:1rem;margin:1.2em 0 .5em}
section,.head{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:18px;margin:0 0 16px}
.head{border-top:5px solid var(--text)}
.head p{margin:.3em 0;overflow-wrap:anywhere}
.line{display:flex;justify-content:space-between;gap:12px;align-items:center}
.product{color:var(--soft)}
.sign{display:inline-block;min-width:1.1em;text-align:center;font-weight:700}
.badge{display:inline-block;border:2px dashed var(--unknown);border-radius:6px;padding:2px 10px;font-weight:600}
.tiles{display:flex;flex-wrap:wrap;gap:10px;list-style:none;padding:0;margin:14px 0}
.tile{border:1px solid var(--line);border-left:5px solid currentColor;border-radius:8px;padding:6px 16px 6px 12px;min-width:112px}
.tile b{display:block;font-size:1.5rem;line-height:1.2;color:var(--text);font-variant-numeric:tabular-nums}
.share{display:block;width:100%;height:14px;border-radius:7px;overflow:hidden}
.share rect{stroke:var(--card);stroke-width:1.5}
${KINDS.map((kind) => `.k-${kind}{color:var(--${kind})}.f-${kind}{fill:var(--${kind})}`).join('\n')}
.head{color:var(--text)}
${KINDS.map((kind) => `.head.k-${kind}{border-top-color:var(--${kind})}.head.k-${kind} h1 .sign{color:var(--${kind})}`).join('\n')}
${Object.entries(MOVING)
  .map(([kind, color]) => `.k-${kind}{color:var(--${color})}.f-${kind}{fill:var(--${kind})}`)
  .join('\n')}
.head.k-running{color:var(--text);border-top-color:var(--link)}
${PHASES.map((kind) => `.p-${kind}{fill:var(--${kind})}`).join('')}
.outage{fill:var(--outage)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:0 0 10px;color:var(--soft);font-size:.88rem}
.entry{display:inline-flex;align-items:center;gap:6px}
.swatch{width:24px;height:12px;flex:none}
svg.timeline,svg.histogram{display:block;overflow:hidden}
svg text{fill:var(--soft);font-size:12px}
svg text.group{fill:var(--text);font-weight:600;font-size:13px}
svg text.name{fill:var(--text);font-size:11px}
svg text.mark{fill:var(--text);font-size:11px;paint-order:stroke;stroke:var(--card);stroke-width:3px}
.grid,.base{stroke:var(--line);stroke-width:1}
.hit{fill:transparent}
.hit:hover{fill:var(--text);fill-opacity:.08}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:7px 10px;border-bottom:1px solid var(--line)}
tbody th{font-weight:600}
thead th{font-size:.85rem;color:var(--soft);white-space:nowrap}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.plain{min-width:min(100%,480px)}
.plain td,.plain tbody th{overflow-wrap:break-word}
.cards.plain td{overflow-wrap:anywhere}
.cards.plain tbody th{white-space:nowrap}
.wide{overflow-x:auto}
.wide .plain{min-width:520px}
.wide code{white-space:nowrap;overflow-wrap:normal}
#list thead th{position:sticky;top:0;background:var(--card);z-index:1}
#list tbody tr:hover{background:var(--hover)}
@media print,(min-width:901px){
#list{table-layout:fixed}
${WIDTHS.map((width, index) => `#list th:nth-child(${index + 1}){width:${width}%}`).join('')}
}
#list td,#list tbody th{overflow-wrap:anywhere}
.mini{display:block;width:100%;height:16px;margin-top:3px;background:linear-gradient(var(--line),var(--line)) 0 50%/100% 1px no-repeat}
.state{font-weight:600}
td .sn,td.sn,th .sn{font-weight:600}
td.sn{font-weight:400}
small{color:var(--soft);font-weight:400}
.seen{display:block}
.tags{display:flex;flex-wrap:wrap;gap:3px;margin-top:3px}
.tag{border:1px solid var(--line);border-radius:4px;padding:0 5px;font-size:.8rem;font-weight:400;color:var(--soft)}
#fresh{color:var(--soft)}
#stale{border:2px solid var(--failed);color:var(--failed)}
button,input,select{font:inherit;color:inherit;background:var(--card);border:1px solid var(--soft);border-radius:6px;padding:4px 12px;min-height:32px}
button{cursor:pointer}
button:hover{background:var(--hover)}
button[aria-pressed=true]{background:var(--text);color:var(--card)}
button.sort{border:0;padding:0 16px 0 0;min-height:24px;color:inherit;font-weight:inherit;position:relative;background:none}
button.sort::after{content:"↕";position:absolute;right:2px;opacity:.45}
th[aria-sort=ascending] button.sort::after{content:"↑";opacity:1}
th[aria-sort=descending] button.sort::after{content:"↓";opacity:1}
th[aria-sort] button.sort{color:var(--text)}
button.only{padding:0 10px;min-height:26px;font-size:.88rem;white-space:nowrap}
details{display:inline-block;max-width:100%;margin-right:8px}
#filters{gap:10px 14px;flex-wrap:wrap;align-items:center;margin-bottom:12px}
#find{flex:1 1 260px;max-width:420px;min-width:0}
fieldset{border:0;padding:0;margin:0;display:flex;flex-wrap:wrap;gap:4px 14px}
.box{display:inline-flex;align-items:center;gap:5px;min-height:28px}
.box input{min-height:0;width:16px;height:16px;margin:0;accent-color:var(--focus)}
#shown{margin:0;color:var(--soft)}
.notes{margin:0;padding-left:20px;overflow-wrap:anywhere}
summary{cursor:pointer;color:var(--link)}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
.skip{position:absolute;left:-9999px}
.skip:focus{left:12px;top:12px;background:var(--card);color:var(--link);padding:8px 14px;z-index:9}
.vh{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.js-only{display:none}
.js .js-only{display:inline-block}
.js form.js-only{display:flex}
[hidden]{display:none!important}
footer{max-width:1280px;margin:0 auto;padding:0 16px 32px;color:var(--soft);font-size:.88rem}
@media screen and (max-width:900px){
.cards,.cards tbody,.cards tr,.cards th,.cards td{display:block}
.cards thead{display:none}
.js #list thead{display:block}
.js #list thead tr{display:flex;flex-wrap:wrap;gap:4px 10px;border-bottom:1px solid var(--line);padding-bottom:8px}
.js #list thead th{position:static;border:0;padding:0;width:auto}
.js #list thead th:not([data-sort]){display:none}
.cards tbody tr{border-bottom:1px solid var(--line);padding:10px 0}
.cards tbody tr:last-child{border:0}
.cards tbody th,.cards tbody td{border:0;padding:1px 0;width:auto}
.cards tbody td{display:grid;grid-template-columns:88px minmax(0,1fr);text-align:left;white-space:normal}
.cards tbody td::before{content:attr(data-l);color:var(--soft);font:400 .88rem/1.7 system-ui,sans-serif}
.cards tbody td>*{grid-column:2}
.cards tbody td.empty,.cards tbody td:empty{display:none}
.seen::before{content:"reported "}
}
@media (max-width:520px){
main{padding:8px}
section,.head{padding:12px;border-radius:8px}
h1{font-size:1.35rem}
.tile{flex:1 1 40%;min-width:0}
.plain th,.plain td{padding:6px}
}
@media print{
:root,:root[data-theme]{${LIGHT}--back:#fff}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
html{font-size:10.5px}
body{font-size:1rem}
main{max-width:none;padding:0}
section,.head{border:0;border-radius:0;padding:0 0 10px;margin:0 0 8px}
.head{border-top:4px solid}
.js .js-only,.skip{display:none!important}
.wide{overflow:visible}
th,td{padding:3px 5px}
tr,.tile,svg.histogram{break-inside:avoid}
details::details-content{content-visibility:visible;height:auto}
summary{list-style:none;color:inherit}
h2,h3{break-after:avoid}
thead{display:table-header-group}
#list thead th{position:static}
button.sort{display:contents}
button.sort::after{content:none}
}
`;
