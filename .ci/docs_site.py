"""Pages of the site that are written from the code: every verb with its options, every room with its names."""

import ast
import subprocess
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import typer
from click import Argument, Command
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

FLOORS = ("physics", "envs", "agents", "hardware_bridge")
ROOT = Path(__file__).parents[1]


def rooms() -> Iterator[tuple[str, str]]:
    """Every room with public names: its dotted name and the first sentence of its ``__init__``."""
    for floor in FLOORS:
        for init in sorted((ROOT / floor).rglob("__init__.py")):
            tree = ast.parse(init.read_text(encoding="utf-8"))
            named = any(
                isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__" for node in tree.body
            )
            if named:
                yield ".".join(init.parent.relative_to(ROOT).parts), (ast.get_docstring(tree) or "").split("\n\n")[0]


def page_of_room(room: str, about: str) -> str:
    """Public names of a room, as mkdocstrings is asked for them."""
    options = "{show_root_heading: false, show_docstring_description: false}"
    return f"# beamgym.{room}\n\n{about}\n\n::: beamgym.{room}\n    options: {options}\n"


def page_of_rooms() -> str:
    """The list of all rooms."""
    head = "# Python interface\n\nWhat each room gives to others: functions, classes, units and shapes.\n"
    rows = [f"| [beamgym.{room}]({room}.md) | {' '.join(about.split())} |" for room, about in rooms()]
    return "\n".join([head, "| room | what it is for |", "|---|---|", *rows, ""])


def help_of(path: str, command: Command, level: str = "##") -> str:
    """A verb as Markdown: what it does, its arguments, its options with their defaults."""
    rows = [_row(parameter) for parameter in command.params if getattr(parameter, "name", "") not in ("help", "verb")]
    table = ["| argument or option | what | default |", "|---|---|---|", *rows] if rows else []
    return "\n".join([f"{level} {path}", "", command.help or "", "", *table, ""])


def _row(parameter: object) -> str:
    name = parameter.make_metavar(None) if isinstance(parameter, Argument) else ", ".join(parameter.opts)  # type: ignore
    about = (getattr(parameter, "help", "") or "").replace("|", "\\|").replace("\n", " ").replace("[", "\\[")
    default = parameter.default  # type: ignore[attr-defined]
    return f"| `{name}` | {about} | {'' if default in (None, False, (), []) or callable(default) else f'`{default}`'} |"


def page_of_verbs() -> str:
    """Every verb of the command line, with its sub-commands."""
    main = import_module("beamgym.scripts.main")
    parts = ["# Verbs", "", "Every `beamgym VERB` with its arguments and options, as `--help` prints them.", ""]
    for verb in main.available_verbs():
        module, name = main.module_of(verb), verb.replace("-", "_")
        found = getattr(import_module(module), f"{name}_command")
        parts.append(help_of(f"beamgym {verb}", as_command(found)))
        for inner in getattr(as_command(found), "commands", {}):
            one = getattr(import_module(f"{module}.{inner}"), f"{inner}_command")
            parts.append(help_of(f"beamgym {verb} {inner}", as_command(one), "###"))
    return "\n".join(parts)


def as_command(found: Callable[..., None] | typer.Typer) -> Command:
    """A verb's function, or its group, as Click has it."""
    app = found if isinstance(found, typer.Typer) else typer.Typer(add_completion=False)
    if app is not found:
        app.command()(found)
    return typer.main.get_command(app)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the written pages behind those of the section Reference."""
    section = next(entry["Reference"] for entry in config.nav or [] if "Reference" in entry)
    section += ["reference/verbs.md", "reference/index.md"]
    for floor in FLOORS:
        section.append({floor: [{room: f"reference/{room}.md"} for room, _ in rooms() if room.split(".")[0] == floor]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Write the pages."""
    pages = {"verbs": page_of_verbs(), "index": page_of_rooms()} | {
        room: page_of_room(room, text) for room, text in rooms()
    }
    for name, content in pages.items():
        files.append(File.generated(config, f"reference/{name}.md", content=content))
    return files


def on_post_page(output: str, page: object, config: MkDocsConfig) -> str:
    """Take the offline search's worker from the site itself, not from a server elsewhere."""
    root = "../" * page.url.count("/")  # type: ignore[attr-defined]
    return output.replace("https://unpkg.com/iframe-worker/shim", f"{root}file_search.js")


def on_page_markdown(markdown: str, page: object, config: MkDocsConfig, files: Files) -> str:
    """Say at a page's end when it was written, and where a figure's own commit is found."""
    path = f"docs/{page.file.src_uri}"  # type: ignore[attr-defined]
    words = ["git", "-C", str(ROOT), "log", "-1", "--format=%h of %cs", "--", path]
    try:
        commit = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return markdown  # no git, or no repository: a page without its date is still the page
    if not commit:
        return markdown
    return f"{markdown.rstrip()}\n\n---\n\n*Commit {commit}; that of a single figure: `git blame {path}`.*\n"
