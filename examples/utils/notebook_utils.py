"""Headers, tables and boxes: rich in a notebook, plain text anywhere else.

Texts may hold HTML; where they are printed, its tags are left out.
"""

from __future__ import annotations

import html
import importlib.util
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

__all__ = [
    "check_dependencies",
    "check_dependency",
    "comparison_table",
    "conclusion_box",
    "display_header",
    "display_section",
    "display_toc",
    "generate_toc",
    "highlight_advantage",
    "highlight_disadvantage",
    "highlight_neutral",
    "in_notebook",
    "info_box",
    "section_header",
    "show",
    "warning_box",
]

# What the extras of this checkout install; a name is not always the package to ask for.
_COMMANDS = {
    "synadb": "pip install .",
    "wandb": "pip install '.[compare]'",
    "matplotlib": "pip install '.[compare]'",
}
_FONT = "font-family:system-ui,sans-serif"
_BOX = (
    "<div style='{font};color:#1f2d3d;background:{background};border-left:4px solid {edge};"
    "border-radius:0 8px 8px 0;padding:12px 18px;margin:12px 0'>{content}</div>"
)


def in_notebook() -> bool:
    """Whether what is displayed lands in a notebook, and not in a terminal or a log."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return hasattr(shell, "kernel")


def show(rich: str, plain: str | None = None, kind: Literal["html", "markdown"] = "html") -> None:
    """Display `rich` in a notebook; elsewhere print `plain`, or `rich` without its tags."""
    if not in_notebook():
        print(_text(rich) if plain is None else plain)
        return
    from IPython.display import HTML, Markdown, display

    display(HTML(rich) if kind == "html" else Markdown(rich))


def display_header(
    title: str = "SynaDB v1.0.0 Showcase", subtitle: str = "The SQLite of AI"
) -> None:
    """Show a banner."""
    rule = "=" * 60
    show(
        f"<div style='{_FONT};background:linear-gradient(120deg,#2a6fdb,#17427f);color:#fff;"
        "border-radius:10px;padding:22px 26px;margin-bottom:8px'>"
        f"<div style='font-size:1.9em;font-weight:650'>{title}</div>"
        f"<div style='font-size:1.1em;opacity:.85;margin-top:4px'>{subtitle}</div></div>",
        f"{rule}\n{_text(title)}\n{_text(subtitle)}\n{rule}",
    )


def generate_toc(sections: Sequence[tuple[str, str]]) -> str:
    """A table of contents in Markdown, of pairs of a title and an anchor."""
    lines = [
        f"{number}. [{title}](#{anchor})" for number, (title, anchor) in enumerate(sections, 1)
    ]
    return "\n".join(["**Contents**", "", *lines])


def display_toc(sections: Sequence[tuple[str, str]]) -> None:
    """Show a table of contents, of pairs of a title and an anchor."""
    plain = [f"{number}. {title}" for number, (title, _) in enumerate(sections, 1)]
    show(generate_toc(sections), "\n".join(["Contents", *plain]), "markdown")


def section_header(title: str, anchor: str, emoji: str = "📌") -> str:
    """A heading in Markdown that links of `display_toc` lead to."""
    return f'## <a id="{anchor}"></a>{emoji} {title}'


def display_section(title: str, anchor: str, emoji: str = "📌") -> None:
    """Show such a heading."""
    plain = f"{emoji} {title}"
    show(section_header(title, anchor, emoji), f"\n{plain}\n{'-' * len(plain)}", "markdown")


def highlight_advantage(text: str, color: str = "#2ECC71") -> str:
    """HTML that marks a text as good news."""
    return _marked("✓", text, color)


def highlight_disadvantage(text: str, color: str = "#E74C3C") -> str:
    """HTML that marks a text as bad news."""
    return _marked("✗", text, color)


def highlight_neutral(text: str, color: str = "#F39C12") -> str:
    """HTML that marks a text as neither."""
    return _marked("○", text, color)


def check_dependency(
    name: str,
    install_cmd: str | None = None,
    package_name: str | None = None,
    required: bool = True,
) -> bool:
    """Whether the module `name` is installed; if not, and it is required, say how to get it.

    It is looked for, not imported. A folder that only shares its name, as the `wandb` that wandb
    leaves in a project, is no module.
    """
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.origin is not None:
        return True
    if required:
        package = package_name or name
        command = install_cmd or _COMMANDS.get(package, f"pip install {package}")
        warning_box(f"<code>{name}</code> is not installed: <code>{command}</code>")
    return False


def check_dependencies(dependencies: Mapping[str, str | None]) -> dict[str, bool]:
    """`check_dependency` for each name, with the command that installs it or None."""
    return {name: check_dependency(name, command) for name, command in dependencies.items()}


def comparison_table(
    data: Sequence[Mapping[str, Any]],
    highlight_col: str = "SynaDB",
    highlight_best: bool = True,
    lower_is_better: bool = True,
) -> str:
    """A table in Markdown: a row a mapping, a column a key of the first one.

    With `highlight_best`, the best number of each row is bold, whose ever it is. Without it, the
    column `highlight_col` is bold in the rows where it is best. A row with less than two numbers
    has no best.
    """
    if not data:
        return ""
    columns = list(data[0])
    lines = [_row(columns), _row(["---"] * len(columns))]
    for row in data:
        best = _best(row, lower_is_better)
        bold = best if highlight_best else best & {highlight_col}
        cells = [_shown(row.get(column, "")) for column in columns]
        lines.append(_row([f"**{c}**" if name in bold else c for name, c in zip(columns, cells)]))
    return "\n".join(lines)


def conclusion_box(
    title: str = "Key Takeaways",
    points: Sequence[str] | None = None,
    summary: str | None = None,
) -> None:
    """Show a box with a list of points and a closing sentence."""
    items = "".join(f"<li style='margin:4px 0'>{point}</li>" for point in points or ())
    listed = f"<ul style='margin:0;padding-left:20px'>{items}</ul>" if items else ""
    closing = f"<p style='margin:10px 0 0'><em>{summary}</em></p>" if summary else ""
    heading = f"<div style='font-size:1.15em;font-weight:650;margin-bottom:6px'>{title}</div>"
    plain = [title, *(f"  - {point}" for point in points or ()), *([summary] if summary else [])]
    _box(heading + listed + closing, "\n".join(plain), "#e8f1fd", "#2a6fdb")


def info_box(message: str, title: str = "Info") -> None:
    """Show a remark."""
    _box(f"<b>{title}:</b> {message}", f"{title}: {message}", "#f1f4f8", "#6b7c93")


def warning_box(message: str, title: str = "Warning") -> None:
    """Show a warning."""
    _box(f"<b>{title}:</b> {message}", f"{title}: {message}", "#fdf0e3", "#d9822b")


def _box(content: str, plain: str, background: str, edge: str) -> None:
    rich = _BOX.format(font=_FONT, background=background, edge=edge, content=content)
    show(rich, _text(plain))


def _marked(sign: str, text: str, color: str) -> str:
    return f"<span style='color:{color};font-weight:bold'>{sign} {text}</span>"


def _text(rich: str) -> str:
    return html.unescape(re.sub(r"</?[a-zA-Z][^<>]*>", "", rich))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(value: Any) -> str:
    text = f"{value:,.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|")


def _best(row: Mapping[str, Any], lower_is_better: bool) -> set[str]:
    numbers = {
        name: value
        for name, value in row.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    if len(numbers) < 2:
        return set()
    best = min(numbers.values()) if lower_is_better else max(numbers.values())
    return {name for name, value in numbers.items() if value == best}
