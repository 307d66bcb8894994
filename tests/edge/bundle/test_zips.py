import io
import zipfile

import pytest

from edge.bundle import zips


def zip_of(members, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


@pytest.mark.parametrize("comment", [b"", b"of it", b"PK\5\6" + b"x" * 40])
def test_a_zip_is_opened(comment):
    file = zip_of({"a": b"abc"})
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = comment
    if comment.startswith(b"PK"):  # a second end, whose list of members is as long as x says
        with pytest.raises(zipfile.BadZipFile):
            zips.opened(file)
    else:
        assert zips.opened(file).read("a") == b"abc"


def test_a_long_list_of_members_is_not_read():
    with pytest.raises(zipfile.BadZipFile, match="its list of members has 234,000 bytes, and 65,536 are the most"):
        zips.opened(zip_of({f"{number:06}": b"" for number in range(4500)}))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_is_stored_or_deflated_is_readable(method):
    (member,) = zips.opened(zip_of({"a": b"abc"}, method)).infolist()
    assert zips.is_readable(member)


@pytest.mark.parametrize(("field", "value"), [("compress_type", m) for m in (9, 12, 14, 97)] + [("flag_bits", 1)])
def test_other_methods_and_what_is_encrypted_are_not(field, value):
    (member,) = zips.opened(zip_of({"a": b"abc"})).infolist()
    setattr(member, field, value)
    assert not zips.is_readable(member)
