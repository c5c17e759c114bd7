"""Self-contained HTML page of a gate's result."""

from html import escape

from trig.gates.result import Finding, Result

STYLE = """
:root { color-scheme: light dark; --good: light-dark(#17663a, #7fd6a3); --bad: light-dark(#a3201d, #ff9c94); --line: light-dark(#ddd, #444);
  --paper: light-dark(#fff, #17181a); --ink: light-dark(#1c1d1f, #e8e8e6); --soft: light-dark(#5c5f66, #a5a8ae); }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; background: var(--paper); color: var(--ink); }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } .lead { color: var(--soft); margin: 0 0 1.5rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0;
  border-bottom: 1px solid var(--line); } th { color: var(--soft); font-weight: 500; } th:first-child, th:last-child,
  td:first-child, td:last-child { white-space: nowrap; }
.met { color: var(--good); } .failed { color: var(--bad); font-weight: 600; } code { font-size: .8rem; color: var(--soft); overflow-wrap: anywhere; }
ul { margin: .5rem 0 0; padding-left: 1.25rem; } li { overflow-wrap: anywhere; }
@media (max-width: 40rem) { thead { display: none; } td { display: block; border: 0; padding: 0; } tr { display: block; padding: .75rem 0;
  border-bottom: 1px solid var(--line); } }
"""


def page(result: Result) -> str:
    """HTML page: verdict, and a row per expectation, failures first."""
    verdict = _mark(result.met)
    findings = sorted(result.findings, key=lambda finding: finding.met)
    rows = "\n".join(map(_row, findings))
    notes = "".join(f"<p>Note: {escape(note)}</p>\n" for note in result.notes)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gate: {escape(result.table)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>Gate: {escape(result.table)} {verdict}</h1>
<p class="lead">{len(result.findings) - len(result.failed)} of {len(result.findings)} expectations are met.</p>
<table>
<thead><tr><th>Verdict</th><th>Expected</th><th>Count</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
{notes}</body>
</html>
"""


def _row(finding: Finding) -> str:
    examples = "".join(f"<li>{escape(example.row)}{_value(example.value)}</li>" for example in finding.examples)
    more = f"<li>and {finding.failing - len(finding.examples)} more</li>" if finding.failing > len(finding.examples) else ""
    listed = f"<ul>{examples}{more}</ul>" if examples else ""
    return (
        f"<tr><td>{_mark(finding.met)}</td><td>{escape(finding.says)}<br><code>{escape(finding.check)}</code>{listed}</td>"
        f"<td>{finding.failing} of {finding.looked_at} {escape(finding.rows)} fail</td></tr>"
    )


def _mark(met: bool) -> str:
    return '<span class="met">✓ met</span>' if met else '<span class="failed">✗ failed</span>'


def _value(value: str) -> str:
    return f": {escape(value)}" if value else ""
