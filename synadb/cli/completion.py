"""`synadb completion`: what makes a shell complete the words of `synadb`."""

from __future__ import annotations

import argparse

from synadb.cli._parsing import Subparsers, add_command

DESCRIPTION = """\
Print a script by which a shell completes commands, options, their choices, files and the ids of
runs. It is made from the commands' own parsers: print it anew after an update."""

EXAMPLE = """\
examples:
  synadb completion bash > ~/.local/share/bash-completion/completions/synadb
  synadb completion zsh > ~/.zfunc/_synadb      (a folder of $fpath)
  synadb completion fish > ~/.config/fish/completions/synadb.fish
  source <(synadb completion bash)              for this shell only"""

SHELLS = ("bash", "zsh", "fish")


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "completion", run, DESCRIPTION, EXAMPLE)
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help="bash, zsh or fish")


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    from synadb.cli import COMMANDS, full_parser
    from synadb.cli._completing import script

    told = {command.name: command.help for command in COMMANDS}
    print(script(args.shell, full_parser(), told))
    return 0
