"""Values: one number or text for several nodes, so that a change is made once."""

from typing import Annotated

from pydantic import Field

from nodegraph import node


@node("Text", category="Values", outputs="value", echoes=True)
def text(
    value: Annotated[str, Field(description="Any text, such as a prompt.", json_schema_extra={"multiline": True})] = "",
) -> str:
    """One text for several nodes."""
    return value


@node("Integer", category="Values", outputs="value", echoes=True)
def integer(value: Annotated[int, Field(description="A whole number.")] = 0) -> int:
    """One whole number for several nodes."""
    return value


@node("Float", category="Values", outputs="value", echoes=True)
def number(value: Annotated[float, Field(description="A decimal number.")] = 0.0) -> float:
    """One decimal number for several nodes."""
    return value


@node("Seed", category="Values", outputs="value", echoes=True)
def seed(
    value: Annotated[
        int,
        Field(
            ge=0, le=2**63 - 1, description="The same seed gives the same noise.", json_schema_extra={"widget": "seed"}
        ),
    ] = 0,
) -> int:
    """One seed for several nodes. Two nodes of one sampling should not share it: they would draw the same noise."""
    return value
