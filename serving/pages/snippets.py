"""The request of a form as code: what a program sends to get the same answer.

Each writes the row as its language has it, whatever stands in names and texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]
# Where a program finds its key: none is ever written into code.
KEY = "MIRANTE_KEY"
_JSON = "application/json"


def snippets(base: str, name: str, row: Row, closed: bool) -> dict[str, str]:
    """Return the code by the language that it is written in; `closed`: a key is needed."""
    address = address_of(base, name)
    return {language: write(address, row, closed) for language, write in WRITERS.items()}


def address_of(base: str, name: str) -> str:
    """Return the address that a model is asked at."""
    return f"{base}/v0/models/{name}/predict"


def curl(address: str, row: Row, closed: bool) -> str:
    """Return a command of a POSIX shell."""
    key = f' \\\n  -H "X-API-Key: ${KEY}"' if closed else ""
    body = json.dumps(row, indent=1, ensure_ascii=False).replace("'", "'\\''")
    return f"curl {_shell(address)} \\\n  -H 'Content-Type: {_JSON}'{key} \\\n  --data-raw '{body}'"


def python(address: str, row: Row, closed: bool) -> str:
    """Return a program for Python and requests."""
    head = ["from os import environ", ""] if closed else []
    key = f', headers={{"X-API-Key": environ["{KEY}"]}}' if closed else ""
    items = "".join(f"    {_python(k)}: {_python(v)},\n" for k, v in row.items())
    return "\n".join(
        [
            *head,
            "import requests",
            "",
            f"row = {{\n{items}}}",
            f"answer = requests.post({_python(address)}, json=row{key})",
            "print(answer.json())",
        ]
    )


def r(address: str, row: Row, closed: bool) -> str:
    """Return a program for R and httr2."""
    items = ",\n".join(f"  {_r(name)} = {_r_value(value)}" for name, value in row.items())
    key = f'  req_headers(`X-API-Key` = Sys.getenv("{KEY}")) |>\n' if closed else ""
    return (
        f"library(httr2)\n\nrow <- list(\n{items}\n)\n"
        f"answer <- request({_r(address)}) |>\n{key}"
        "  req_body_json(row) |>\n  req_perform() |>\n  resp_body_json()\nstr(answer)"
    )


def javascript(address: str, row: Row, closed: bool) -> str:
    """Return a program for a browser or Node."""
    key = f', "X-API-Key": process.env.{KEY}' if closed else ""
    body = _script(json.dumps(row, indent=2))
    return (
        f"const row = {body};\nfetch({_script(json.dumps(address))}, {{\n"
        f'  method: "POST",\n  headers: {{ "Content-Type": "{_JSON}"{key} }},\n'
        "  body: JSON.stringify(row),\n})\n"
        "  .then((answer) => answer.json())\n  .then((answer) => console.log(answer));"
    )


WRITERS: Mapping[str, Callable[[str, Row, bool], str]] = {
    "curl": curl,
    "Python": python,
    "R": r,
    "JavaScript": javascript,
}


def _shell(text: str) -> str:
    return (
        text
        if re.fullmatch(r"[A-Za-z0-9:/._~-]+", text)
        else "'" + text.replace("'", "'\\''") + "'"
    )


def _python(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    return repr(value)


def _quoted(text: str) -> str:
    """Return a text in double quotes as JSON has it, which Python reads alike."""
    written = json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
    # What JSON leaves as it is, and an editor or a terminal takes for the end of a line.
    return re.sub("[\x80-\x9f\u2028\u2029\ufeff]", lambda m: f"\\u{ord(m[0]):04x}", written)


def _r(text: str) -> str:
    """Return a text of R in ASCII: its parser reads no other under every locale."""
    return '"' + "".join(map(_r_letter, text)) + '"'


def _r_letter(letter: str) -> str:
    if letter in '"\\':
        return "\\" + letter
    if " " <= letter <= "~":
        return letter
    return f"\\U{ord(letter):08x}" if ord(letter) > 0xFFFF else f"\\u{ord(letter):04x}"


def _r_value(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return _r(value) if isinstance(value, str) else repr(value)


def _script(written: str) -> str:
    """Return JSON as JavaScript; the name `__proto__` would set a prototype, not a member."""
    return written.replace('"__proto__":', '["__proto__"]:')
