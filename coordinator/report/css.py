"""The look of a report: dark or light as the reader's system is, from the width of a phone up."""

from __future__ import annotations

from typing import Final

CSS: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #57606a; --paper: #fff; --line: #d0d7de;
  --idle: #eaeef2; --bar: #2f6fde; --k0: #2f6fde; --k1: #c2710c; --k2: #57606a; --k3: #1a9c5b;
  --k4: #a04fd6; --k5: #d1463c; --k6: #6c8ebf; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #9aa5b1; --paper: #0d1117;
  --line: #30363d; --idle: #21262d; --bar: #6ea8fe; --k0: #6ea8fe; --k1: #f0a34a; --k2: #9aa5b1;
  --k3: #3fcf8e; --k4: #c58af9; --k5: #ff7b72; --k6: #8fa8cc; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); }
p.state { margin: 0 0 1rem; } .failed { color: var(--k5); font-weight: 600; }
pre { overflow-x: auto; padding: .75rem; background: var(--idle); border-radius: 6px;
  white-space: pre-wrap; overflow-wrap: anywhere; }
dl.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr));
  gap: .75rem; margin: 0; }
dl.facts div { border: 1px solid var(--line); border-radius: 6px; padding: .4rem .6rem; }
dt { color: var(--dim); font-size: .8rem; } dd { margin: 0; font-size: 1.05rem;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.wide { overflow-x: auto; } .wide svg { min-width: 34rem; } .wide table { min-width: 40rem; }
.zoom > input { margin: 0 .25rem 0 .75rem; } .zoom .wide { margin-top: .5rem; }
.wide .zoomed svg { min-width: 0; } .zoomed .lane { position: sticky; left: 0; width: max-content;
  max-width: 20rem; margin: .5rem 0 .1rem; font-size: .85rem; overflow-wrap: anywhere; }
#zoom-2:checked ~ .wide .zoomed { width: 200%; } #zoom-4:checked ~ .wide .zoomed { width: 400%; }
#zoom-8:checked ~ .wide .zoomed { width: 800%; }
.ticks { display: flex; justify-content: space-between; color: var(--dim); font-size: .8rem; }
svg.stretched rect { vector-effect: non-scaling-stroke; }
.layers { display: grid; grid-template-columns: repeat(auto-fit, minmax(6.5rem, 1fr));
  gap: .75rem; } .layers .hint { grid-column: 1 / -1; }
.layer svg { max-height: 30rem; } .hint { color: var(--dim); font-size: .85rem; margin: .5rem 0; }
.usage { display: grid; grid-template-columns: 1fr 1fr; gap: .25rem 1rem; margin-bottom: .75rem; }
.usage h3 { grid-column: 1 / -1; margin: 0; font-size: .9rem; overflow-wrap: anywhere; }
ul#incidents { padding-left: 1.2rem; margin: 1rem 0 0; overflow-wrap: anywhere; }
ul#incidents:empty { display: none; }
:focus-visible { outline: 2px solid var(--bar); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; color: var(--dim); }
th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; vertical-align: top; }
.wide th, .wide td { overflow-wrap: break-word; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
svg { width: 100%; display: block; } svg:not(.stretched) { height: auto; }
svg text { font-size: 12px; fill: var(--dim); }
.bar { fill: var(--bar); } .axis { fill: var(--line); } .idle { fill: var(--idle); }
.k0 { fill: var(--k0); } .k1 { fill: var(--k1); } .k2 { fill: var(--k2); } .k3 { fill: var(--k3); }
.k4, .k5 { fill: var(--paper); stroke: var(--k4); stroke-width: 1; } .k6 { fill: var(--k6); }
.k5 { stroke: var(--k5); stroke-dasharray: 2 1; }
.k7, .flying { fill: var(--paper); stroke: var(--bar); stroke-width: 1; }
ul.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0;
  font-size: .85rem; } ul.legend svg { width: auto; height: .8rem; display: inline-block;
  overflow: visible; margin-right: .35rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 1rem; }
figure { margin: 0; } figcaption { color: var(--dim); font-size: .85rem; }
.picture { position: relative; } .picture img { width: 100%; display: block;
  image-rendering: pixelated; border-radius: 4px; }
.picture svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.seam { stroke: #ff3b7f; stroke-width: 1; vector-effect: non-scaling-stroke; opacity: .8; }
ol.remarks { padding-left: 0; list-style: none; font-size: .9rem; overflow-wrap: anywhere; }
time { color: var(--dim); font-variant-numeric: tabular-nums; margin-right: .5rem; }
"""
