"""What the editor makes of a description of node types is what the engine makes of the node types themselves."""

from collections import Counter

import pytest

from nodegraph_gui.catalogues import Catalogue


def test_every_output_fits_every_input_as_the_engine_says(registry, catalogue):
    found = Counter()
    for source in registry.node_types.values():
        for output in source.outputs:
            given = catalogue.kinds[source.id].outputs_by_name[output.name]
            for target in registry.node_types.values():
                for port in target.inputs:
                    wanted = catalogue.kinds[target.id].inputs_by_name[port.name]
                    for index in (None, 0):
                        why = registry.why_not(output, port, index)
                        assert catalogue.why_not(given, wanted, index is not None) == why
                        found[bool(why)] += 1
                    conversion = registry.conversion(output, port)
                    assert catalogue.conversion(given, wanted) == (conversion.help if conversion else None)
    assert found[True] > 1000 and found[False] > 500


def test_every_kind_is_in_one_category(catalogue):
    listed = [kind.id for some in catalogue.categories.values() for kind in some]
    assert sorted(listed) == sorted(catalogue.kinds)


def test_it_can_be_written_and_read_again(catalogue):
    assert Catalogue.from_json(catalogue.to_json()) == catalogue


@pytest.mark.parametrize(
    "document", [{}, {"node_types": 3}, {"node_types": [{}], "value_types": [], "conversions": []}]
)
def test_what_is_no_catalogue_is_refused(document):
    with pytest.raises(ValueError, match="is no catalogue of node types"):
        Catalogue.from_json(document)
