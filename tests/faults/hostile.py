"""Texts that want to be something else than text: markup, code, paths, formulas, commands to a terminal."""

from __future__ import annotations

from typing import Final

MARK: Final = "pwned"
"""Stands in each of them, so that it is found again wherever it went."""

IN_BROWSER: Final = (
    "<img src=x onerror=\"window.__pwned='pwned'\">",
    "<script>window.__pwned='pwned'</script>",
    "</style></title><svg onload=\"window.__pwned='pwned'\">",
    "<a href=\"javascript:window.__pwned='pwned'\">pwned</a>",
    "[pwned](javascript:window.__pwned=1) ![pwned](http://evil.example/pwned.png)",
    "$\\frac{pwned}{1}$ :material/skull: :red[pwned] :blue-background[pwned] :rainbow[pwned]",
    "**pwned** _pwned_ `pwned` ~~pwned~~ # pwned",
    "\u202egnp.denwp\u202c pwned",
)
"""What a page could run, draw or turn round."""

HOSTILE: Final = (
    *IN_BROWSER,
    "# pwned\n\n- one\n- two\n\n| a | b |\n|---|---|\n| pwned | 2 |",
    "    pwned\n    code",
    "&lt;b&gt;pwned&lt;/b&gt; &#60;script&#62;",
    "{{7*7}} ${7*7} %s %n {pwned} %{y} <%= pwned %>",
    "'; DROP TABLE runs; -- pwned",
    '" OR ""="pwned',
    "pwned' UNION SELECT * FROM tags --",
    "../../../../etc/pwned",
    "..\\..\\pwned",
    "/etc/pwned",
    "C:\\pwned",
    "file:///etc/pwned",
    "CON pwned",
    "pwned.",
    "=cmd|' /C pwned'!A0",
    "+pwned",
    "-pwned",
    "@SUM(pwned)",
    "\t=pwned",
    "\r=pwned",
    "2026-01-01 00:00:00 ERROR root: pwned\n2026-01-01 00:00:01 INFO root: all is well",
    "pwned\r\nSet-Cookie: pwned=1",
    "\x1b[2J\x1b]0;pwned\x07\x1b[31mred",
    "pwned\x00pwned",
    "pwned \ud800 \udfff",
    "👨‍👩‍👧‍👦 pwned 🏴‍☠️",
    "pwned \ufeff\u200b\u2028\u2029\x85",
    "e\u0301" * 40 + " pwned",
    "pwned" + "x" * 1_000_000,
    "pwned " * 170_000,
    "😀" * 300_000 + "pwned",
)
