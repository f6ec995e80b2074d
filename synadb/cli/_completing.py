"""The completion scripts, made from the parsers."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Mapping, Sequence

from synadb.named import NamedTuple

__all__ = ["Option", "Words", "script", "words_of"]


class Option(NamedTuple):
    """An option: how it is written, and what follows it ("" for nothing)."""

    names: Sequence[str]
    help: str
    value: str
    choices: Sequence[str]


class Words(NamedTuple):
    """What may follow one or more words, which are `path`."""

    path: Sequence[str]
    help: str
    options: Sequence[Option]
    choices: Sequence[str]
    runs: bool


def words_of(parser: argparse.ArgumentParser, told: Mapping[str, str]) -> list[Words]:
    """The command line as a list: `synadb` itself, each command, each format of `import`.

    `told` says what the commands do.
    """
    return list(_walk(parser, (), "", told))


def _walk(
    parser: argparse.ArgumentParser, path: Sequence[str], help: str, told: Mapping[str, str]
) -> Iterator[Words]:
    options, choices, runs, below = [], [], False, []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            told = told or {choice.dest: choice.help or "" for choice in action._choices_actions}
            choices += list(action.choices)
            below += [(name, found, told[name]) for name, found in action.choices.items()]
        elif action.option_strings:
            takes = action.nargs != 0
            value = str(action.metavar or action.dest).upper() if takes else ""
            options.append(
                Option(
                    action.option_strings,
                    # Of what it says the % are doubled for argparse.
                    (action.help or "").replace("%%", "%"),
                    value,
                    tuple(action.choices or ()),
                )
            )
        else:
            choices += list(action.choices or ())
            runs = runs or action.metavar == "RUN"
    yield Words(path, help, options, choices, runs)
    for name, found, said in below:
        yield from _walk(found, (*path, name), said, {})


def script(shell: str, parser: argparse.ArgumentParser, told: Mapping[str, str]) -> str:
    """The script for a shell: bash, zsh or fish."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](words_of(parser, told))


def _below(every: Sequence[Words], words: Words) -> dict[str, str]:
    """The commands, or formats, that may follow, and what they do."""
    at = len(words.path)
    return {
        other.path[at]: other.help
        for other in every
        if len(other.path) == at + 1 and other.path[:at] == words.path
    }


def _of_value(words: Words) -> dict[str, Sequence[str]]:
    """What may follow those options that have a value: choices, or nothing for a file's name."""
    return {
        name: option.choices for option in words.options if option.value for name in option.names
    }


# -- bash and zsh --------------------------------------------------------------------------------

_SHARED = """\
# How the ids of runs are found: in the database that the line names, else in the default one.
_synadb_runs() {
    local i
    local -a database=()
    for ((i = 1; i < $#; i++)); do
        if [[ ${@:$i:1} == --db ]]; then database=(--db "${@:$((i + 1)):1}"); fi
    done
    synadb runs --ids "${database[@]}" 2>/dev/null
}
"""

_BASH = """\
# Completion of synadb for bash; made by `synadb completion bash`.
{shared}
_synadb() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}}
    local at="" found="" choices="" values=" " options="" runs="" i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$at ${{COMP_WORDS[i]}}" in
{paths}
        esac
    done
    case "$at" in
{cases}
    esac
    case "$at $prev" in
{given}
    esac
    if [[ $values == *" $prev "* ]]; then
        return  # a file's name, by -o default
    fi
    if [[ $cur == -* ]]; then
        found=$options
    else
        found=$choices
        if [[ -n $runs ]]; then found+=" $(_synadb_runs "${{COMP_WORDS[@]}}")"; fi
    fi
    COMPREPLY=($(compgen -W "$found" -- "$cur"))
}}
complete -o default -F _synadb synadb"""


def _bash(every: Sequence[Words]) -> str:
    paths, cases, given = [], [], []
    for words in every:
        path = "".join(f" {word}" for word in words.path)
        if path:
            paths.append(f"        {_quoted(path)}) at={_quoted(path)} ;;")
        values = _of_value(words)
        options = " ".join(name for option in words.options for name in option.names)
        cases.append(
            f"    {_quoted(path)}) options={_quoted(options)} values={_quoted(_spaced(values))}"
            f" choices={_quoted(' '.join(words.choices))} runs={'1' if words.runs else ''} ;;"
        )
        given += [
            f"    {_quoted(f'{path} {name}')}) "
            f'COMPREPLY=($(compgen -W {_quoted(" ".join(choices))} -- "$cur")); return ;;'
            for name, choices in values.items()
            if choices
        ]
    return _BASH.format(
        shared=_SHARED,
        paths="\n".join(f"    {line}" for line in paths),
        cases="\n".join(f"    {line}" for line in cases),
        given="\n".join(f"    {line}" for line in given),
    )


def _quoted(text: str) -> str:
    return shlex.quote(text)


def _spaced(names: Sequence[str] | dict[str, Sequence[str]]) -> str:
    return f" {' '.join(names)} "


_ZSH = """\
#compdef synadb
# Completion of synadb for zsh; made by `synadb completion zsh`.
{shared}
_synadb_run_ids() {{
    local -a ids=(${{(f)"$(_synadb_runs "${{words[@]}}")"}})
    compadd -a ids
    _files
}}
_synadb() {{
    local at="" i last=1
    for ((i = 2; i < CURRENT; i++)); do
        case "$at ${{words[i]}}" in
{paths}
        esac
    done
    words=("${{(@)words[last,-1]}}")
    (( CURRENT -= last - 1 ))
    case "$at" in
{cases}
    esac
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _synadb "$@"
else
    compdef _synadb synadb
fi"""


def _zsh(every: Sequence[Words]) -> str:
    paths, cases = [], []
    for words in every:
        path = "".join(f" {word}" for word in words.path)
        if path:
            paths.append(f"            {_quoted(path)}) at={_quoted(path)} last=$i ;;")
        below = _below(every, words)
        cases.append(f"        {_quoted(path)})")
        if not words.path or below:
            pairs = " ".join(
                _quoted(f"{name}:{_one_line(below.get(name, ''))}") for name in words.choices
            )
            cases.append(f"            local -a choices=({pairs})")
            cases.append("            [[ ${words[CURRENT]} == -* ]] || _describe command choices")
        specs = [_spec(name, option) for option in words.options for name in option.names]
        if not below:
            if words.choices:
                specs.append(f"*:word:({' '.join(words.choices)})")
            else:
                specs.append(f"*:word:{'_synadb_run_ids' if words.runs else '_files'}")
        listed = " ".join(map(_quoted, specs))
        cases.append(f"            _arguments {listed} ;;")
    return _ZSH.format(shared=_SHARED, paths="\n".join(paths), cases="\n".join(cases))


def _spec(name: str, option: Option) -> str:
    text = f"{name}[{_escaped(option.help)}]"
    if not option.value:
        return text
    values = f"({' '.join(option.choices)})" if option.choices else "_files"
    return f"*{text}:{_escaped(option.value)}:{values}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    """Text in a specification, where brackets and colons mean something."""
    for letter in "\\[]:":
        text = text.replace(letter, f"\\{letter}")
    return _one_line(text)


# -- fish ----------------------------------------------------------------------------------------

_FISH = """\
# Completion of synadb for fish; made by `synadb completion fish`.
function __synadb_at
    set -l tokens (commandline -opc)
    set -e tokens[1]
    set -l at
    for token in $tokens
        set -l words $at $token
        if contains -- "$words" {paths}
            set at $words
        end
    end
    test "$at" = "$argv"
end
function __synadb_runs
    set -l tokens (commandline -opc)
    set -l place (contains -i -- --db $tokens)
    set -l database
    if test -n "$place"
        set database --db $tokens[(math $place + 1)]
    end
    synadb runs --ids $database 2>/dev/null
end
complete -c synadb -n '__synadb_at' -f
{lines}"""


def _fish(every: Sequence[Words]) -> str:
    lines = []
    for words in every:
        path = " ".join(words.path)
        start = f"complete -c synadb -n {_quoted(f'__synadb_at {path}'.strip())}"
        below = _below(every, words)
        lines += [
            f"{start} -a {_quoted(choice)}{_told(below.get(choice, ''))}"
            for choice in words.choices
        ]
        if words.runs:
            lines.append(f"{start} -a '(__synadb_runs)'")
        for option in words.options:
            names = " ".join(
                f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
                for name in option.names
            )
            value = " -r" if option.value else ""
            if option.choices:
                value = f" -x -a {_quoted(' '.join(option.choices))}"
            lines.append(f"{start} {names}{value}{_told(option.help)}")
    paths = " ".join(_quoted(" ".join(words.path)) for words in every if words.path)
    return _FISH.format(paths=paths, lines="\n".join(lines))


def _told(text: str) -> str:
    return f" -d {_quoted(_one_line(text))}" if text else ""
