from email.message import Message

import pytest

from tools.upkeep.licences import licence, main


def metadata(**fields):
    made = Message()
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            made[name.replace("_", "-")] = value
    return made


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"License_Expression": "MIT", "License": "other"}, "MIT"),
        ({"Classifier": ["License :: OSI Approved :: BSD License", "Topic :: X"], "License": "text"}, "BSD License"),
        ({"Classifier": ["License :: OSI Approved"], "License": "Apache 2.0\nand more"}, "Apache 2.0"),
        ({"License": "UNKNOWN"}, "?"),
        ({}, "?"),
    ],
)
def test_where_a_licence_is_told(fields, name):
    assert licence(metadata(**fields)) == name


def test_the_list_names_what_is_installed(capsys):
    main([])
    assert "numpy" in capsys.readouterr().out
