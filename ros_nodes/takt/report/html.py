"""The few pieces of HTML that the page is made of. Text is escaped here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

# No address of any kind may be loaded: the browser itself refuses, whatever a page of ours should hold.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root{color-scheme:light dark;--ink:#1d2430;--soft:#5d6878;--line:#d9dee6;--page:#fff;--bar:#3a6ea5;--limit:#b3261e;
--ok:#2f7d4f;--warn:#b7791f;--hold:#c05621;--safe:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e4e8ee;--soft:#9aa5b4;--line:#364152;--page:#141a22;--bar:#6aa3dc;
--limit:#ff7a70;--ok:#58b07f;--warn:#d9a441;--hold:#e08a4f;--safe:#e5534b}}
body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:920px;
margin:24px auto;padding:0 16px}
h1{font-size:24px}h2{font-size:18px;margin-top:34px;border-bottom:1px solid var(--line)}
h3{font-size:15px;margin:18px 0 4px}
table{border-collapse:collapse;font-size:13.5px}td,th{padding:2px 12px 2px 0;text-align:left;vertical-align:top}
td:last-child{overflow-wrap:anywhere}summary{cursor:pointer;margin:10px 0;font-weight:600}
td:first-child{white-space:nowrap}
th{color:var(--soft);font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
p.none,p.soft,.soft{color:var(--soft)}.good{color:var(--ok)}.bad{color:var(--safe)}svg{width:100%;height:auto;display:block}
text{font:11px system-ui,sans-serif;fill:var(--soft)}.tick{text-anchor:middle}.ytick,.mark,.row{text-anchor:end}
.grid{stroke:var(--line);stroke-width:.6}.bar{fill:var(--bar)}.limit{stroke:var(--limit);stroke-dasharray:4 3}
.figure{stroke:var(--soft);stroke-dasharray:2 3}.curve{fill:none;stroke-width:1.3}.c0{stroke:var(--bar)}
.c1{stroke:var(--warn)}.c2{stroke:var(--ok)}.c3{stroke:var(--safe)}.dot.c0{fill:var(--bar);stroke:none}text.c0{fill:var(--bar);stroke:none}
text.c1{fill:var(--warn);stroke:none}text.c2{fill:var(--ok);stroke:none}text.c3{fill:var(--safe);stroke:none}
.nominal{fill:var(--ok)}.reduced{fill:var(--warn)}.hold{fill:var(--hold)}.safe{fill:var(--safe)}.fault{fill:var(--soft);opacity:.6}
.miss{fill:var(--safe)}.stage0{fill:#3a6ea5}.stage1{fill:#9fb3c8}.inbar{fill:#fff}
"""


def page(title: str, parts: Iterable[str]) -> str:
    """A whole document."""
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title><style>{_STYLE}</style>'
    )
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n'
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def heading(text: str, level: int = 2) -> str:
    return f"<h{level}>{escape(text)}</h{level}>"


def paragraph(text: str, kind: str = "") -> str:
    return f'<p class="{escape(kind)}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Numbers to the right. A column's name may end in a unit; a row may be shorter than the columns."""
    rows = list(rows)
    body = ["".join(_cell(value) for value in row) for row in rows]
    if not body:
        return paragraph("none", "none")
    kinds = [' class="n"' if _is_number(value) else "" for value in rows[0]]
    kinds += [""] * (len(columns) - len(kinds))
    heads = zip(columns, kinds, strict=False)
    head = "".join(f"<th{kind}>{escape(name)}</th>" for name, kind in heads) if any(columns) else ""
    return f"<table><tr>{head}</tr>" + "".join(f"<tr>{row}</tr>" for row in body) + "</table>"


def folded(summary: str, parts: Iterable[str]) -> str:
    """What one opens when one wants it; without a script."""
    return f"<details><summary>{escape(summary)}</summary>" + "\n".join(parts) + "</details>"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f'<td class="n">{value:.3g}</td>' if abs(value) < 1 else f'<td class="n">{value:.2f}</td>'
    if _is_number(value):
        return f'<td class="n">{value}</td>'
    return f"<td>{escape(str(value))}</td>"
