"""`nodegraph nodes`: the node types that graphs can be made of, and the ports of each."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import click

from .logs import verbose_option
from .speaking import complain, say

if TYPE_CHECKING:
    from nodegraph.node_types import InputSpec, NodeSpec, OutputSpec
    from nodegraph.registry import Registry

__all__ = ["nodes_command"]


@click.command("nodes")
@click.argument("type_id", metavar="[TYPE]", required=False)
@verbose_option
@click.pass_context
def nodes_command(ctx: click.Context, type_id: str | None) -> int:
    """List the node types; with TYPE, tell all about one."""
    from nodegraph.errors import UsageError
    from nodegraph.plugins import load_plugins

    registry = load_plugins()
    page = ctx.make_formatter()
    if type_id is None:
        write_all(registry, page)
        say(page.getvalue().rstrip("\n"))
        for trouble in registry.problems:
            complain(f"left out {trouble}")
        return 0
    spec = registry.get(type_id)
    if spec is None:
        raise UsageError(registry.why_missing(type_id))
    write_one(spec, page)
    say(page.getvalue().rstrip("\n"))
    return 0


def write_all(registry: Registry, page: click.HelpFormatter) -> None:
    """The types by category, in the order in which the plugins brought the categories."""
    specs = list(registry.node_types.values())
    categories = {spec.category: number for number, spec in reversed(list(enumerate(specs)))}
    specs.sort(key=lambda spec: categories[spec.category])
    for category, members in groupby(specs, lambda spec: spec.category):
        with page.section(category or "Other"):
            page.write_dl([(spec.id, spec.summary + brought_by(spec)) for spec in members])


def write_one(spec: NodeSpec, page: click.HelpFormatter) -> None:
    """Help, inputs and outputs of one type."""
    page.write(f"{spec.id}  ({', '.join(part for part in (spec.category, spec.plugin) if part)})\n")
    page.write_paragraph()
    with page.indentation():
        page.write_text(spec.help)
    if spec.inputs:
        with page.section("Inputs"):
            page.write_dl([(f"{port.name}: {port_type(port)}", input_text(port)) for port in spec.inputs])
    if spec.outputs:
        with page.section("Outputs"):
            page.write_dl([(f"{port.name}: {port_type(port)}", port.help) for port in spec.outputs])


def brought_by(spec: NodeSpec) -> str:
    return "" if spec.plugin in ("", "nodegraph") else f" ({spec.plugin})"


def port_type(port: InputSpec | OutputSpec) -> str:
    return f"list[{port.type_name}]" if port.hint.is_list else port.type_name


def input_text(port: InputSpec) -> str:
    """`Denoising steps. [default 25, 1 to 1000]`."""
    from nodegraph.validation import listed

    from .graph_help import range_text, value_text

    facts = ["required" if port.required else f"default {value_text(port.default)}", range_text(port)]
    if port.choices:
        facts.append(f"one of {listed(port.choices)}")
    return f"{port.help}  [{', '.join(fact for fact in facts if fact)}]".strip()
